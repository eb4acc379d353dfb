"""Inserts new executions with all below them. While the database takes some, the next are made."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from app.db import Overtaken, T, Transaction
from app.ids import new_id
from app.ingestion import log_rows, payload_rows, step_rows
from app.ingestion.execution_rows import EXECUTION, Key, merged_values
from app.ingestion.merging import ExecutionFacts
from app.ingestion.registry import WorkflowKey
from app.turns import pieces

# Executions whose facts are merged, and whose rows are made, in one go: a third of a millisecond.
PIECE = 8
# Executions that the first statement waits for. Each later one takes what was made during those before it.
LEAST = 64
# Rows of another table that are worth a statement before all are made: one takes as long as some hundred rows.
ENOUGH = 1000

Rows = list[tuple[Any, ...]]
Facts = Mapping[Key, ExecutionFacts]


class _Batch:
    """Rows that are made: of some executions, and below these or earlier ones."""

    def __init__(self) -> None:
        self.executions: Rows = []
        self.payloads: Rows = []
        self.steps: Rows = []
        self.step_payloads: Rows = []
        self.lines: Rows = []

    def below(self) -> Iterator[tuple[str, Sequence[str], Rows]]:
        """Each other table's name, columns and rows."""
        yield "execution_payloads", payload_rows.PAYLOAD, self.payloads
        yield "steps", step_rows.STEP, self.steps
        yield "step_payloads", step_rows.PAYLOAD, self.step_payloads
        yield "log_entries", log_rows.LOG_ENTRY, self.lines


class Fresh:
    """Executions that a transaction looked for in vain. `ids` has those whose rows are made, after `insert` all."""

    def __init__(self, workflow_ids: Mapping[WorkflowKey, str], now: int) -> None:
        self.ids: dict[Key, str] = {}
        self._workflow_ids = workflow_ids
        self._now = now
        self._made = _Batch()
        self._all_made = False

    async def insert(self, transaction: Transaction, ready: AsyncGenerator[Facts, None]) -> None:
        """Insert them, in the order in which they get `ready`, which must not send statements.

        Overtaken if another transaction has inserted one of them since.
        """
        rest = _Batch()
        async with aclosing(self._make(ready)) as work:
            while not self._all_made or self._made.executions:
                while len(self._made.executions) < LEAST and not self._all_made:
                    await anext(work, None)
                    await transaction.pause()
                made, self._made = self._made, _Batch()
                inserting = transaction.insert_unseen(
                    "executions", EXECUTION, made.executions, key=("engine_id", "external_id"), returning="id"
                )
                if len(await self._beside(transaction, inserting, work)) < len(made.executions):
                    raise Overtaken("executions were inserted since they were looked for")
                for (table, columns, rows), (_, _, more) in zip(rest.below(), made.below(), strict=True):
                    rows += more
                    if len(rows) >= ENOUGH:
                        await self._beside(transaction, transaction.insert(table, columns, rows), work)
                        rows.clear()
        for table, columns, rows in (*rest.below(), *self._made.below()):
            await transaction.insert(table, columns, rows)

    async def _beside(
        self, transaction: Transaction, statement: Coroutine[Any, Any, T], work: AsyncIterator[None]
    ) -> T:
        return await (statement if self._all_made else transaction.meanwhile(statement, work))

    async def _make(self, ready: AsyncGenerator[Facts, None]) -> AsyncGenerator[None, None]:
        async with aclosing(ready):
            async for facts in ready:
                given = []
                for (engine_id, external_id), fact in facts.items():
                    id_ = self.ids[engine_id, external_id] = new_id(fact.queued_at)
                    workflow_id = self._workflow_ids[engine_id, fact.workflow]
                    values = merged_values(fact, external_id, workflow_id, self._now, len(fact.logs))
                    self._made.executions.append((id_, engine_id, external_id, *values))
                    given.append((id_, fact))
                for _ in self._make_below(given):
                    yield
                yield
        self._all_made = True

    def _make_below(self, facts: Sequence[tuple[str, ExecutionFacts]]) -> Iterator[None]:
        # There may be thousands of lines. After a pause `_made` may be a later batch than that of the execution.
        self._made.payloads += payload_rows.rows_of(facts)
        every_step = ((id_, step) for id_, fact in facts for step in fact.steps.values())
        for steps in pieces(every_step, step_rows.PIECE):
            self._made.steps += step_rows.rows_of(steps)
            self._made.step_payloads += step_rows.payloads_of(steps)
            if len(steps) == step_rows.PIECE:
                yield
        every_line = ((id_, number, line) for id_, fact in facts for number, line in enumerate(fact.logs.values(), 1))
        for lines in pieces(every_line, log_rows.PIECE):
            self._made.lines += log_rows.rows_of(lines)
            if len(lines) == log_rows.PIECE:
                yield


async def at_hand(facts: Facts) -> AsyncGenerator[Facts, None]:
    """What needs not be waited for."""
    for piece in pieces(facts.items(), PIECE):
        yield dict(piece)
