"""Retention by itself: announces what it would delete, waits, and then takes its turns, beside a server."""

from __future__ import annotations

from app import clock
from app.changes.commits import NO_LISTENERS, Announcements
from app.db import Database, Transaction
from app.db.locks import Lock
from app.db.space import gives_back
from app.log import get_logger
from app.retention import state
from app.retention.plan import plan
from app.retention.rules import Rules
from app.retention.turns import LEASE_SECONDS, Stopped, Turn
from app.sweep import Sweep

log = get_logger(__name__)

# How often to look whether it is time. One row is read.
LOOK_SECONDS = 5.0


class Retention(Sweep):
    """Deletes what `rules` no longer keep; with None nothing. One process per database does it at a time.

    Rules that were not announced yet are, in a line of the log that says what they would delete, and deletion begins
    `grace` seconds later.
    """

    def __init__(
        self, database: Database, rules: Rules | None, grace: float, announcements: Announcements = NO_LISTENERS
    ) -> None:
        super().__init__(self.look, "retention_failed", seconds=LOOK_SECONDS)
        self._database = database
        self._rules = rules
        self._grace = round(grace * clock.SECOND)
        self._announcements = announcements

    async def start(self) -> None:
        """Look in the background, if there are rules."""
        if self._rules is not None:
            await super().start()

    async def look(self) -> None:
        """Announce the rules, or take a turn, if it is time."""
        assert self._rules is not None
        stored, now = await state.read(self._database), clock.now_us()
        if stored.rules != self._rules.text:
            await self._announce(self._rules, now)
        elif now >= stored.next_turn_at and await self._database.transaction(self._claim):
            await self._take_turn(self._rules)

    async def _announce(self, rules: Rules, now: int) -> None:
        would_delete = await plan(self._database, rules, now)
        first_at = now + self._grace

        async def work(transaction: Transaction) -> bool:
            if not await transaction.try_lock(Lock.RETENTION):
                return False
            if (await state.read(transaction)).rules == rules.text:
                return False  # another process was first
            await state.announce(transaction, rules.text, now, first_at)
            return True

        if await self._database.transaction(work):
            log.warning(
                "retention_announced",
                rules=rules.given,
                would_delete=would_delete,
                first_deletion=clock.to_rfc3339(first_at),
            )
            if not await gives_back(self._database):
                log.warning(
                    "file_stays_as_large",
                    advice="free space is used again; to give it back, run `runwatch compact` once",
                )

    async def _claim(self, transaction: Transaction) -> bool:
        """Whether the turn is this process's."""
        assert self._rules is not None
        if not await transaction.try_lock(Lock.RETENTION):
            return False
        stored, now = await state.read(transaction), clock.now_us()
        if stored.rules != self._rules.text or now < stored.next_turn_at:
            return False
        return await state.move_turn(transaction, stored.rules, now + round(LEASE_SECONDS * clock.SECOND))

    async def _take_turn(self, rules: Rules) -> None:
        turn, began = Turn(self._database, rules, self._announcements), clock.now_us()
        try:
            await turn.run()
        except Stopped:
            log.info("retention_left_to_others")
        finally:
            if deleted := {name: number for name, number in turn.deleted.items() if number}:
                log.info("retention_deleted", **deleted, seconds=round((clock.now_us() - began) / clock.SECOND, 1))
