"""The fold: deltas become rollups, each exactly once, in the background of every server.

A transaction deletes the deltas that it reads, whichever those are, and adds them to the rows: what is not committed
yet is left to the next one, and a reader's statement sees each delta either here or there.
"""

from __future__ import annotations

import asyncio

from app.changes.commits import Committed
from app.db import Database, Transaction
from app.db.locks import Lock
from app.metrics import deltas, rollups
from app.metrics.rollups import Changes
from app.sweep import Sweep

# One transaction each: 0.2 s or so, while which nobody waits but, on SQLite, who writes.
MAX_BATCH_DELTAS = 5_000
# Under steady load this is how many folds there are; each rewrites the same few rows, whatever it adds to them.
MIN_PAUSE_SECONDS = 0.25
SWEEP_SECONDS = 1.0
# Who waits for SQLite's file in another process looks each 0.1 s: without a pause as long it would wait for all folds.
PAUSE_SECONDS = 0.1

# In the order of the key: what happened to an execution first is never left behind what happened to it later.
_TAKE = f"""
DELETE FROM metric_deltas WHERE id IN (SELECT id FROM metric_deltas ORDER BY id LIMIT {{limit}})
RETURNING {", ".join(deltas.COLUMNS)}
"""


async def fold(database: Database, limit: int = MAX_BATCH_DELTAS) -> int:
    """Take in so many deltas at most, in one transaction; how many. 0 when another process is at it."""
    return await database.transaction(lambda tx: _fold(tx, limit))


async def _fold(transaction: Transaction, limit: int) -> int:
    if not await transaction.try_lock(Lock.ROLLUPS):
        return 0
    rows = await transaction.fetch(_TAKE.format(limit=limit))
    if not rows:
        return 0
    changes = await rollups.without_stalling(len(rows), Changes.of, rows)
    await rollups.apply(transaction, changes)
    return len(rows)


class Folding(Sweep):
    """Folds soon after each commit of this process that `hear` is told of, and every second in any case.

    One process of those on a database does it at a time.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(self.fold_all, "metrics_not_folded", seconds=SWEEP_SECONDS, least_pause=MIN_PAUSE_SECONDS)
        self._database = database

    def hear(self, _: Committed) -> None:
        """Listener of commits."""
        self.wake()

    async def fold_all(self) -> int:
        """Fold until nothing is left; how many deltas."""
        done = 0
        # Looked for by a reader: on SQLite a transaction would wait for whoever writes, each second, for nothing.
        while await self._database.fetch("SELECT 1 FROM metric_deltas ORDER BY id LIMIT 1"):
            folded = await fold(self._database, MAX_BATCH_DELTAS)
            done += folded
            if folded < MAX_BATCH_DELTAS:
                break
            if self._database.dialect == "sqlite":
                await asyncio.sleep(PAUSE_SECONDS)
        return done
