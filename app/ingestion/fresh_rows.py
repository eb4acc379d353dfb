"""Inserts new executions with all below them. While the database takes some, the next are made."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from app.db import Overtaken, Transaction
from app.ids import new_id
from app.ingestion import log_rows, payload_rows, step_rows
from app.ingestion.execution_rows import EXECUTION, Key, merged_values
from app.ingestion.merging import ExecutionFacts
from app.ingestion.registry import WorkflowKey
from app.turns import pieces

# Executions whose facts are merged, and whose rows are made, in one go: two thirds of a millisecond.
PIECE = 16
COLUMNS: Mapping[str, Sequence[str]] = {
    "executions": EXECUTION,
    "execution_payloads": payload_rows.PAYLOAD,
    "steps": step_rows.STEP,
    "step_payloads": step_rows.PAYLOAD,
    "log_entries": log_rows.LOG_ENTRY,
}
# Rows of each table that are worth a statement while others are made: Postgres takes 1.5 ms for so many.
WORTH = {"executions": 64, "execution_payloads": 400, "steps": 280, "step_payloads": 400, "log_entries": 180}

Rows = list[tuple[Any, ...]]
Facts = Mapping[Key, ExecutionFacts]


class Fresh:
    """Executions that a transaction looked for in vain. `ids` has those whose rows are made, after `insert` all."""

    def __init__(self, workflow_ids: Mapping[WorkflowKey, str], now: int) -> None:
        self.ids: dict[Key, str] = {}
        self._workflow_ids = workflow_ids
        self._now = now
        self._made: dict[str, Rows] = {table: [] for table in COLUMNS}  # and not inserted yet
        self._all_made = False

    async def insert(self, transaction: Transaction, ready: AsyncGenerator[Facts, None]) -> None:
        """Insert them, in the order in which they get `ready`, which must not send statements.

        Overtaken if another transaction has inserted one of them since.
        """
        async with aclosing(self._make(ready)) as work:
            while (table := await self._next_table(transaction, work)) is not None:
                rows, self._made[table] = self._made[table], []
                inserting = self._insert(transaction, table, rows)
                await (inserting if self._all_made else transaction.meanwhile(inserting, work))

    async def _next_table(self, transaction: Transaction, work: AsyncIterator[None]) -> str | None:
        """The one whose rows take the longest, once they are worth a statement; None when all are inserted.

        No table waits for another: whatever is made keeps the database busy.
        """
        while True:
            table = max(COLUMNS, key=lambda each: len(self._made[each]) / WORTH[each])
            if self._all_made or len(self._made[table]) >= WORTH[table]:
                return table if self._made[table] else None
            await anext(work, None)
            await transaction.pause()

    async def _insert(self, transaction: Transaction, table: str, rows: Rows) -> None:
        if table != "executions":
            await transaction.insert(table, COLUMNS[table], rows)
            return
        inserted = await transaction.insert_unseen(
            table, EXECUTION, rows, key=("engine_id", "external_id"), returning="id"
        )
        if len(inserted) < len(rows):
            raise Overtaken("executions were inserted since they were looked for")

    async def _make(self, ready: AsyncGenerator[Facts, None]) -> AsyncGenerator[None, None]:
        async with aclosing(ready):
            async for facts in ready:
                given = []
                for (engine_id, external_id), fact in facts.items():
                    id_ = self.ids[engine_id, external_id] = new_id(fact.queued_at)
                    workflow_id = self._workflow_ids[engine_id, fact.workflow]
                    values = merged_values(fact, external_id, workflow_id, self._now, len(fact.logs))
                    self._made["executions"].append((id_, engine_id, external_id, *values))
                    given.append((id_, fact))
                for _ in self._make_below(given):
                    yield
                yield
        self._all_made = True

    def _make_below(self, facts: Sequence[tuple[str, ExecutionFacts]]) -> Iterator[None]:
        # There may be thousands of lines.
        self._made["execution_payloads"] += payload_rows.rows_of(facts)
        every_step = ((id_, step) for id_, fact in facts for step in fact.steps.values())
        for steps in pieces(every_step, step_rows.PIECE):
            self._made["steps"] += step_rows.rows_of(steps)
            self._made["step_payloads"] += step_rows.payloads_of(steps)
            if len(steps) == step_rows.PIECE:
                yield
        every_line = ((id_, number, line) for id_, fact in facts for number, line in enumerate(fact.logs.values(), 1))
        for lines in pieces(every_line, log_rows.PIECE):
            self._made["log_entries"] += log_rows.rows_of(lines)
            if len(lines) == log_rows.PIECE:
                yield


async def at_hand(facts: Facts) -> AsyncGenerator[Facts, None]:
    """What needs not be waited for."""
    for piece in pieces(facts.items(), PIECE):
        yield dict(piece)
