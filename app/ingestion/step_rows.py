"""Maps steps (app/ingestion/step_facts.py) to table rows and back. Only app/ingestion/, the one writer, uses it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import astuple

from app.db import Transaction
from app.db.rows import RowsOf
from app.ingestion.columns import failure_of, json_columns, text_columns
from app.ingestion.merge_keys import bound_of
from app.ingestion.step_facts import StepFacts
from app.turns import pieces

KEY = ("execution_id", "step_index")
# Steps whose rows are made or read in one go: a fifth of a millisecond.
PIECE = 128
# What is written of a step, in the order of _values.
MERGED = (
    "name",
    "kind",
    "state",
    "started_at",
    "finished_at",
    "reported_duration",
    "error_type",
    "error_message",
    "error_message_bytes",
    "state_key",
    "name_key",
    "kind_key",
    "input_key",
)
STEP = (*KEY, *MERGED)
INPUT = ("input", "input_bytes", "input_sealed")
OUTCOME = ("output", "output_bytes", "output_sealed", "stack_trace", "stack_trace_bytes")


class _Stored(msgspec.Struct, gc=False):
    """The columns that the next merge needs."""

    execution_id: str
    step_index: int
    name: str
    kind: str | None
    started_at: int | None
    finished_at: int | None
    reported_duration: int | None
    error_type: str | None
    error_message: str | None
    error_message_bytes: int | None
    state_key: str
    name_key: str
    kind_key: str | None
    input_key: str | None


class StepPayloadRow(msgspec.Struct, gc=False):
    """The columns of step_payloads."""

    execution_id: str
    step_index: int
    input: str | None = None
    input_bytes: int | None = None
    input_sealed: str | None = None
    output: str | None = None
    output_bytes: int | None = None
    output_sealed: str | None = None
    stack_trace: str | None = None
    stack_trace_bytes: int | None = None


PAYLOAD = StepPayloadRow.__struct_fields__
_STEPS = RowsOf(_Stored)


async def insert(transaction: Transaction, steps: Sequence[tuple[str, StepFacts]]) -> None:
    """Insert steps, each with its execution's id, none of which exists yet."""
    rows: list[tuple[Any, ...]] = []
    payloads: list[tuple[Any, ...]] = []
    for piece in pieces(steps, PIECE):
        rows += rows_of(piece)
        payloads += payloads_of(piece)
        await transaction.pause()
    await transaction.insert("steps", STEP, rows)
    await transaction.insert("step_payloads", PAYLOAD, payloads)


def rows_of(steps: Iterable[tuple[str, StepFacts]]) -> list[tuple[Any, ...]]:
    """The rows of steps, each given with its execution's id."""
    return [_values(id_, step) for id_, step in steps]


def payloads_of(steps: Iterable[tuple[str, StepFacts]]) -> list[tuple[Any, ...]]:
    """The rows of step_payloads of new steps. A step without any payload has none."""
    return [
        astuple(_payload(id_, step))
        for id_, step in steps
        if step.input is not None
        or step.output is not None
        or (step.error is not None and step.error.stack_trace is not None)
    ]


async def stored(transaction: Transaction, execution_ids: Iterable[str]) -> dict[tuple[str, int], StepFacts]:
    """The steps of locked executions, by (execution id, index)."""
    condition, given = transaction.among("execution_id", 1, "id", execution_ids)
    rows = await transaction.fetch(f"SELECT {_STEPS.columns} FROM steps WHERE {condition}", given)
    found: dict[tuple[str, int], StepFacts] = {}
    for piece in pieces(rows, PIECE):
        found |= {(row.execution_id, row.step_index): _facts(row) for row in _STEPS.read_all(piece)}
        await transaction.pause()
    return found


async def update(transaction: Transaction, steps: Sequence[tuple[str, StepFacts]]) -> None:
    """Write merged steps, each with its execution's id, and the payloads that the merge replaced."""
    merged: list[tuple[Any, ...]] = []
    rows: list[tuple[set[str], StepPayloadRow]] = []
    for piece in pieces(steps, PIECE):
        merged += rows_of(piece)
        rows += [(step.rewritten, _payload(id_, step)) for id_, step in piece]
        await transaction.pause()
    await transaction.update("steps", STEP, merged, key=KEY)
    for part, names in (("input", INPUT), ("outcome", OUTCOME)):
        columns = (*KEY, *names)
        given = [*map(attrgetter(*columns), (row for rewritten, row in rows if part in rewritten))]
        await transaction.upsert("step_payloads", columns, given, key=KEY)


def _facts(row: _Stored) -> StepFacts:
    return StepFacts(
        index=row.step_index,
        name=row.name,
        kind=row.kind,
        started_at=row.started_at,
        finished_by=bound_of(row.finished_at, row.state_key),
        reported_duration=row.reported_duration,
        error=failure_of(row.error_type, row.error_message, row.error_message_bytes),
        state_key=row.state_key,
        name_key=row.name_key,
        kind_key=row.kind_key,
        input_key=row.input_key,
    )


def _values(execution_id: str, step: StepFacts) -> tuple[Any, ...]:
    error = step.error
    type_ = message = size = None
    if error is not None:
        type_, (message, size) = error.type, text_columns(error.message)
    return (
        execution_id,
        step.index,
        step.name,
        step.kind,
        int(step.state),
        step.started_at,
        step.finished_at,
        step.reported_duration,
        type_,
        message,
        size,
        step.state_key,
        step.name_key,
        step.kind_key,
        step.input_key,
    )


def _payload(execution_id: str, step: StepFacts) -> StepPayloadRow:
    row = StepPayloadRow(execution_id, step.index)
    row.input, row.input_bytes, row.input_sealed = json_columns(step.input)
    row.output, row.output_bytes, row.output_sealed = json_columns(step.output)
    if step.error is not None:
        row.stack_trace, row.stack_trace_bytes = text_columns(step.error.stack_trace)
    return row
