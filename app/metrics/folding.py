"""The fold: turns deltas into rollups, each exactly once, in the background of every server.

A transaction deletes the deltas that it reads and adds them to the rows. It leaves what is not committed yet to the
next fold, and a reader's statement sees each delta either here or there.
"""

from __future__ import annotations

import asyncio

from app.changes.commits import Committed
from app.db import Database, Transaction
from app.db.locks import Lock
from app.metrics import rollups
from app.metrics.deltas import DELTAS
from app.metrics.rollups import RollupChanges
from app.sweep import Sweep

# Deltas per transaction: 0.2 s or so, during which only writers on SQLite wait.
MAX_BATCH_DELTAS = 5_000
# Under steady load this sets the number of folds. Each rewrites the same few rows, whatever it adds to them.
MIN_PAUSE_SECONDS = 0.25
SWEEP_SECONDS = 1.0
# A process that waits for SQLite's file looks each 0.1 s: without a pause as long it would wait for all folds.
PAUSE_SECONDS = 0.1

# In key order: an execution's earlier delta never stays behind while a later one is folded.
_TAKE = f"""
DELETE FROM metric_deltas WHERE id IN (SELECT id FROM metric_deltas ORDER BY id LIMIT {{limit}})
RETURNING {DELTAS.columns}
"""


async def fold(database: Database, limit: int = MAX_BATCH_DELTAS) -> int:
    """Fold up to so many deltas, in one transaction; returns how many. 0 if another process is folding."""
    return await database.transaction(lambda tx: _fold(tx, limit))


async def _fold(transaction: Transaction, limit: int) -> int:
    if not await transaction.try_lock(Lock.ROLLUPS):
        return 0
    rows = await transaction.fetch(_TAKE.format(limit=limit))
    if not rows:
        return 0
    changes = await rollups.without_stalling(len(rows), RollupChanges.of, rows)
    await rollups.apply(transaction, changes)
    return len(rows)


class Folding(Sweep):
    """Folds soon after each commit of this process that `on_commit` receives, and each second in any case.

    One process per database does it at a time.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(self.fold_all, "metrics_not_folded", seconds=SWEEP_SECONDS, least_pause=MIN_PAUSE_SECONDS)
        self._database = database

    def on_commit(self, _: Committed) -> None:
        """Listener of commits."""
        self.wake()

    async def fold_all(self) -> int:
        """Fold until nothing is left; returns the number of deltas."""
        done = 0
        # A reader looks first: on SQLite a transaction would wait for any writer, each second, for nothing.
        while await self._database.fetch("SELECT 1 FROM metric_deltas ORDER BY id LIMIT 1"):
            folded = await fold(self._database, MAX_BATCH_DELTAS)
            done += folded
            if folded < MAX_BATCH_DELTAS:
                break
            if self._database.dialect.writes_alone:
                await asyncio.sleep(PAUSE_SECONDS)
        return done
