"""The fold: deltas become rollups, each exactly once, in the background of every server.

A transaction deletes the deltas that it reads, whichever those are, and adds them to the rows: what is not committed
yet is left to the next one, and a reader's statement sees each delta either here or there.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from app.db import Database, Row, Transaction
from app.ingestion import Committed
from app.lifecycle import Status
from app.metrics import deltas, rollups
from app.metrics.rollups import Changes

log = structlog.get_logger(__name__)

# One transaction each: 0.2 s or so, while which nobody waits but, on SQLite, who writes.
DELTAS_AT_ONCE = 5_000
# Under steady load this is how many folds there are; each rewrites the same few rows, whatever it adds to them.
LEAST_PAUSE_SECONDS = 0.25
SWEEP_SECONDS = 1.0

# In the order of the key: what happened to an execution first is never left behind what happened to it later.
_TAKE = f"""
DELETE FROM metric_deltas WHERE id IN (SELECT id FROM metric_deltas ORDER BY id LIMIT {{limit}})
RETURNING {", ".join(deltas.COLUMNS)}
"""


@dataclass(frozen=True, slots=True)
class Folded:
    """What a fold took in."""

    deltas: int = 0
    # Which statuses executions of each workflow have newly finished with, by workflow id; corrections count, too.
    finished: Mapping[str, frozenset[Status]] = field(default_factory=dict)


Listener = Callable[[Folded], None]


async def fold(database: Database, limit: int = DELTAS_AT_ONCE) -> Folded:
    """Take in so many deltas at most, in one transaction; none when another process is at it."""
    return await database.transaction(lambda tx: _fold(database, tx, limit))


async def _fold(database: Database, transaction: Transaction, limit: int) -> Folded:
    if not await rollups.try_lock(database, transaction):
        return Folded()
    rows = await transaction.fetch(_TAKE.format(limit=limit))
    if not rows:
        return Folded()
    changes = Changes()
    for row in rows:
        changes.take(row)
    await rollups.apply(database, transaction, changes.spread())
    return Folded(len(rows), _finished(rows))


def _finished(rows: Sequence[Row]) -> dict[str, frozenset[Status]]:
    finished: defaultdict[str, set[Status]] = defaultdict(set)
    for _, workflow_id, _, status, _, _, sign, kept in rows:
        if sign > 0 and not kept:
            finished[workflow_id].add(Status(status))
    return {workflow_id: frozenset(statuses) for workflow_id, statuses in finished.items()}


class Folding:
    """Folds soon after each commit of this process that `hear` is told of, and every second in any case.

    One process of those on a database does it at a time, and calls its own `listeners` after the commit; they must not
    block.
    """

    def __init__(self, database: Database, listeners: Sequence[Listener] = ()) -> None:
        self._database = database
        self._listeners = listeners
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def hear(self, _: Committed) -> None:
        """Listener of commits."""
        self._wanted.set()

    def start(self) -> None:
        """Fold in the background."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop; a fold that is under way ends by itself."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def fold_all(self) -> int:
        """Fold until nothing is left; how many deltas."""
        done = 0
        # Looked for by a reader: on SQLite a transaction would wait for whoever writes, each second, for nothing.
        while await self._database.fetch("SELECT 1 FROM metric_deltas ORDER BY id LIMIT 1"):
            folded = await fold(self._database)
            for listener in self._listeners if folded.deltas else ():
                listener(folded)
            done += folded.deltas
            if folded.deltas < DELTAS_AT_ONCE:
                break
        return done

    async def _run(self) -> None:
        while True:
            self._wanted.clear()
            try:
                await self.fold_all()
            except Exception:
                log.exception("metrics_not_folded")
            await asyncio.sleep(LEAST_PAUSE_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), SWEEP_SECONDS)
