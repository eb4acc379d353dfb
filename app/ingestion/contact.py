"""Contact lost: marks running executions that were silent for too long. An overlay, never a failure.

The merged state stays in the state key (app/ingestion/merging.py); the next event shows it again.
"""

from __future__ import annotations

from app import clock
from app.changes.commits import NO_LISTENERS, Announcements
from app.db import Database, Transaction
from app.db.locks import Lock
from app.executions import lineage
from app.ingestion import execution_rows
from app.lifecycle import State
from app.log import get_logger
from app.sweep import Sweep

log = get_logger(__name__)

SWEEP_SECONDS = 10.0
# Executions that one transaction locks.
MAX_BATCH_ROWS = 500

# Silence says nothing about a run that has not begun, or that waits for something: a long queue, a timer, a person.
_SILENT = f"state = {int(State.RUNNING)}"


class ContactSweep(Sweep):
    """Marks executions that were silent for `limit` seconds. One process per database does it at a time."""

    def __init__(self, database: Database, limit: float, announcements: Announcements = NO_LISTENERS) -> None:
        # Not at once: give engines time to report after a restart.
        super().__init__(self.sweep, "contact_not_checked", seconds=SWEEP_SECONDS, delay=SWEEP_SECONDS)
        self._database = database
        self._limit = round(limit * clock.SECOND)
        self._announcements = announcements

    async def start(self) -> None:
        """Sweep in the background. A limit of 0 turns it off."""
        if self._limit:
            await super().start()

    async def sweep(self) -> int:
        """Mark the executions that are silent for too long; returns how many."""
        while await self._database.transaction(_pull_in) == MAX_BATCH_ROWS:
            pass
        marked = 0
        while True:
            found = await self._database.transaction(self._mark)
            marked += found
            if found < MAX_BATCH_ROWS:
                break
        if marked:
            log.info("contact_lost", executions=marked)
        return marked

    async def _mark(self, transaction: Transaction) -> int:
        now = clock.now_us()
        if not await transaction.try_lock(Lock.CONTACT):
            return 0
        silent = await transaction.fetch(
            f"SELECT id, retry_of FROM executions WHERE {_SILENT} AND received_at < $1 LIMIT {MAX_BATCH_ROWS}",
            now - self._limit,
        )
        if not silent:
            return 0
        parents = {parent for _, parent in silent if parent is not None}
        above = await lineage.with_ancestors(transaction, parents)
        await execution_rows.lock_with(transaction, (), {*above, *(id_ for id_, _ in silent)})
        # Check again: an event may have arrived while we waited for the lock.
        rows = await transaction.fetch(
            f"UPDATE executions SET state = {int(State.CONTACT_LOST)}, updated_at = $3"
            f" WHERE {transaction.any_of('id', 1, 'id')} AND {_SILENT} AND received_at < $2 RETURNING id",
            transaction.array(id_ for id_, _ in silent),
            now - self._limit,
            now,
        )
        marked = sorted(id_ for (id_,) in rows)
        if marked:
            await self._announcements.announce(transaction, [*marked, *sorted(above.difference(marked))])
        return len(silent)


async def _pull_in(transaction: Transaction) -> int:
    """Have silence begin now where a clock heard of a run that was ahead and is put back; returns of how many."""
    now = clock.now_us()
    rows = await transaction.fetch(
        f"SELECT id FROM executions WHERE {_SILENT} AND received_at > $1 LIMIT {MAX_BATCH_ROWS}", now + clock.MAX_SKEW
    )
    if rows:
        ids = [id_ for (id_,) in rows]
        await execution_rows.lock_with(transaction, (), ids)
        await transaction.fetch(
            f"UPDATE executions SET received_at = $2 WHERE {transaction.any_of('id', 1, 'id')} AND received_at > $2",
            transaction.array(ids),
            now,
        )
    return len(rows)
