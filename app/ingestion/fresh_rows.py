"""Inserts new executions with all below them. Rows are made while the database takes those before."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from app.db import Overtaken, T, Transaction
from app.ids import new_id
from app.ingestion import log_rows, payload_rows, step_rows
from app.ingestion.execution_rows import EXECUTION, Key, merged_values
from app.ingestion.merging import ExecutionFacts
from app.ingestion.registry import WorkflowKey
from app.turns import pieces

# Executions whose rows are made in one go: half a millisecond.
PIECE = 32
# Executions of one statement. Postgres takes as long for them as the rows of the next ones take to be made.
AT_ONCE = 8 * PIECE

Rows = list[tuple[Any, ...]]


class Fresh:
    """Executions that a transaction looked for in vain. `ids` has those whose rows are made, after `insert` all."""

    def __init__(self, facts: Mapping[Key, ExecutionFacts], workflow_ids: Mapping[WorkflowKey, str], now: int) -> None:
        self.ids: dict[Key, str] = {}
        self._facts = facts
        self._workflow_ids = workflow_ids
        self._now = now
        self._executions: Rows = []
        self._payloads: Rows = []
        self._steps: Rows = []
        self._step_payloads: Rows = []
        self._lines: Rows = []
        self._are_made = False

    async def insert(self, transaction: Transaction, more: Iterable[None] = ()) -> None:
        """Insert them; `more` is done too, in pieces, when all rows are made.

        Overtaken if another transaction has inserted one of them since.
        """
        work = chain(self._make(), more)
        # A task of its own takes as long to begin as the rows of a few executions take to be made.
        beside = transaction.meanwhile if len(self._facts) > PIECE else _after
        for start in range(0, len(self._facts), AT_ONCE):
            end = min(start + AT_ONCE, len(self._facts))
            while len(self._executions) < end:
                next(work, None)
                await transaction.pause()
            rows = self._executions[start:end]
            inserting = transaction.insert_unseen(
                "executions", EXECUTION, rows, key=("engine_id", "external_id"), returning="id"
            )
            if len(await beside(inserting, work)) < len(rows):
                raise Overtaken("executions were inserted since they were looked for")
        while not self._are_made:
            next(work, None)
            await transaction.pause()
        for table, columns, rows in self._below():
            await beside(transaction.insert(table, columns, rows), work)
        for _ in work:
            await transaction.pause()

    def _make(self) -> Iterator[None]:
        for given in pieces(self._facts.items(), PIECE):
            for (engine_id, external_id), fact in given:
                id_ = self.ids[engine_id, external_id] = new_id(fact.queued_at)
                workflow_id = self._workflow_ids[engine_id, fact.workflow]
                values = merged_values(fact, external_id, workflow_id, self._now, len(fact.logs))
                self._executions.append((id_, engine_id, external_id, *values))
            yield
        facts = [(self.ids[key], fact) for key, fact in self._facts.items()]
        for piece in pieces(facts, PIECE):
            self._payloads += payload_rows.rows_of(piece)
            yield
        steps_of = ((id_, step) for id_, fact in facts for step in fact.steps.values())
        for steps in pieces(steps_of, step_rows.PIECE):
            self._steps += step_rows.rows_of(steps)
            self._step_payloads += step_rows.payloads_of(steps)
            yield
        lines = ((id_, number, line) for id_, fact in facts for number, line in enumerate(fact.logs.values(), 1))
        for written in pieces(lines, log_rows.PIECE):
            self._lines += log_rows.rows_of(written)
            yield
        self._are_made = True

    def _below(self) -> Iterator[tuple[str, Sequence[str], Rows]]:
        """Each table's name, columns and rows."""
        yield "execution_payloads", payload_rows.PAYLOAD, self._payloads
        yield "steps", step_rows.STEP, self._steps
        yield "step_payloads", step_rows.PAYLOAD, self._step_payloads
        yield "log_entries", log_rows.LOG_ENTRY, self._lines


async def _after(statement: Coroutine[Any, Any, T], work: Iterator[None]) -> T:
    return await statement
