"""Turns of retention: every so often one process of all deletes what is no longer kept, beside the traffic."""

from __future__ import annotations

from asyncio import sleep
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from app import clock
from app.changes.commits import NO_LISTENERS, Announcements
from app.db import Database, Transaction
from app.db.locks import Lock
from app.db.space import give_back
from app.monitor import numbers
from app.retention.excess import excess
from app.retention.others import KINDS
from app.retention.pruning import (
    ANY_AGE,
    MAX_BATCH_EXECUTIONS,
    OVER,
    Batch,
    QueuedBefore,
    delete_batch,
    forget_tombstones,
)
from app.retention.rules import Rules
from app.retention.state import move_turn

# From the end of a turn to the next one.
TURN_SECONDS = 600.0
# A process that has not said for so long that its turn goes on was killed.
LEASE_SECONDS = 120.0
# Runs of the first batch. The next ones have twice as many or half, by how long a batch kept others waiting.
FIRST_BATCH, MIN_BATCH = 25, 25
QUICK_SECONDS, SLOW_SECONDS = 0.02, 0.06
# Pauses are twice as long as the work: on SQLite, where nobody else writes meanwhile, others have most of the time.
PAUSES, MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 2.0, 0.02, 1.0


class Stopped(Exception):
    """Other rules were announced, or another process has the turn."""


@dataclass(slots=True)
class Turn:
    """One turn: what it has deleted, by what it was."""

    database: Database
    rules: Rules
    announcements: Announcements = NO_LISTENERS
    paced: bool = True  # False: for somebody who waits at a terminal, and nobody has to be told that it goes on
    deleted: Counter[str] = field(default_factory=Counter)
    _held_until: float = 0.0
    _seconds: float = 0.0

    async def run(self) -> Counter[str]:
        """Delete what is no longer kept; returns how much, by what it was. Raises Stopped."""
        now = clock.now_us()
        too_many = await excess(self.database, self.rules)  # first: Postgres hears late of what is deleted
        if ages := self.rules.ages(now):
            await self._executions(ages, None)
        await self._executions(dict.fromkeys(OVER, ANY_AGE), too_many - self.deleted["executions"])
        for name, work in KINDS.items() if self.rules.others else ():
            await self._all(name, partial(_of_kind, work, self.rules, now))
        await self._all("", _tombstones)
        await self._shrink()
        if self.paced:
            ended = clock.now_us()
            following = ended + round(TURN_SECONDS * clock.SECOND)
            await self.database.transaction(lambda tx: move_turn(tx, self.rules.text, following, ended))
        return self.deleted

    async def _executions(self, ages: QueuedBefore, most: int | None) -> None:
        """Delete runs that are too old; with `most` no more than so many."""
        size, left = FIRST_BATCH if self.paced else MAX_BATCH_EXECUTIONS, most
        while left is None or left > 0:
            limit = size if left is None else min(size, left)
            batch = await self._batch(
                "executions",
                lambda tx, limit=limit: delete_batch(  # type: ignore[misc]
                    tx, ages, limit, keep_metrics=self.rules.keep_metrics, announcements=self.announcements
                ),
            )
            left = None if left is None else left - batch.deleted
            if not batch.more:
                return
            if self.paced:
                size = resized(size, self._seconds)

    async def _all(self, name: str, work: Callable[[Transaction], Awaitable[Batch]]) -> None:
        while (await self._batch(name, work)).more:
            pass

    async def _shrink(self) -> None:
        more = True
        while more:
            began = monotonic()
            more = await give_back(self.database)
            await self._pause(monotonic() - began)

    async def _pause(self, worked: float) -> None:
        if self.paced:
            await sleep(min(max(worked * PAUSES, MIN_PAUSE_SECONDS), MAX_PAUSE_SECONDS))

    async def _batch(self, name: str, work: Callable[[Transaction], Awaitable[Batch]]) -> Batch:
        batch = await self.database.transaction(partial(self._work, work))
        if name:
            self.deleted[name] += batch.deleted
            numbers.DELETED.add(batch.deleted, name)
        if batch.deleted:
            await self._pause(self._seconds)
        return batch

    async def _work(self, work: Callable[[Transaction], Awaitable[Batch]], transaction: Transaction) -> Batch:
        began = monotonic()
        if not await transaction.try_lock(Lock.RETENTION):
            raise Stopped
        if self.paced and began >= self._held_until:
            until = clock.now_us() + round(LEASE_SECONDS * clock.SECOND)
            if not await move_turn(transaction, self.rules.text, until):
                raise Stopped
            self._held_until = began + LEASE_SECONDS / 4
        batch = await work(transaction)
        self._seconds = monotonic() - began
        return batch


def resized(size: int, seconds: float) -> int:
    """The number of runs of the next batch, for how long one of this size took."""
    if seconds < QUICK_SECONDS:
        return min(size * 2, MAX_BATCH_EXECUTIONS)
    return max(size // 2, MIN_BATCH) if seconds > SLOW_SECONDS else size


async def _of_kind(
    work: Callable[[Transaction, Rules, int], Awaitable[Batch]], rules: Rules, now: int, transaction: Transaction
) -> Batch:
    return await work(transaction, rules, now)


async def _tombstones(transaction: Transaction) -> Batch:
    return Batch(0, more=await forget_tombstones(transaction))
