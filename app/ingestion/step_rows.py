"""Maps steps (app/ingestion/merging.py) to table rows and back. Only app/ingestion/, the one writer, uses it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.db import Transaction
from app.ingestion.columns import failure_of, json_columns, text_columns
from app.ingestion.merging import StepFacts

STEP_KEY = ("execution_id", "step_index")
STEP_MERGED = (
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
STEP = (*STEP_KEY, *STEP_MERGED)
STEP_INPUT = ("input", "input_bytes", "input_sealed")
STEP_OUTCOME = ("output", "output_bytes", "output_sealed", "stack_trace", "stack_trace_bytes")
STEP_PAYLOAD = (*STEP_KEY, *STEP_INPUT, *STEP_OUTCOME)


async def insert(transaction: Transaction, steps: Sequence[tuple[str, StepFacts]]) -> None:
    """Insert new steps, each with its execution's id."""
    await transaction.insert("steps", STEP, [_step(id_, step) for id_, step in steps])
    payloads = [_step_payload(id_, step) for id_, step in steps]
    await transaction.insert(
        "step_payloads", STEP_PAYLOAD, [row for row in payloads if any(value is not None for value in row[2:])]
    )


async def stored(transaction: Transaction, execution_ids: Iterable[str]) -> dict[tuple[str, int], StepFacts]:
    """The steps of locked executions, by (execution id, index)."""
    sql = f"SELECT {', '.join(STEP)} FROM steps WHERE {transaction.any_of('execution_id', 1, 'id')}"
    return {
        (row[0], row[1]): StepFacts(
            index=row[1],
            name=row[2],
            kind=row[3],
            started_at=row[5],
            reported_duration=row[7],
            error=failure_of(row[8], row[9], row[10]),
            state_key=row[11],
            name_key=row[12],
            kind_key=row[13],
            input_key=row[14],
        )
        for row in await transaction.fetch(sql, transaction.array(execution_ids))
    }


async def update(transaction: Transaction, steps: Sequence[tuple[str, StepFacts]]) -> None:
    """Write merged steps, each with its execution's id, and the payloads that the merge replaced."""
    await transaction.update("steps", STEP, [_step(id_, step) for id_, step in steps], key=STEP_KEY)
    rows = [(step.rewritten, _step_payload(id_, step)) for id_, step in steps]
    for part, names in (("input", STEP_INPUT), ("outcome", STEP_OUTCOME)):
        columns = (*STEP_KEY, *names)
        places = [*map(STEP_PAYLOAD.index, columns)]
        given = [[row[place] for place in places] for rewritten, row in rows if part in rewritten]
        await transaction.upsert("step_payloads", columns, given, key=STEP_KEY)


def _step(execution_id: str, step: StepFacts) -> tuple[Any, ...]:
    error = step.error
    message = None if error is None else error.message
    return (
        execution_id,
        step.index,
        step.name,
        step.kind,
        int(step.state),
        step.started_at,
        step.finished_at,
        step.reported_duration,
        None if error is None else error.type,
        *text_columns(message),
        step.state_key,
        step.name_key,
        step.kind_key,
        step.input_key,
    )


def _step_payload(execution_id: str, step: StepFacts) -> tuple[Any, ...]:
    stack = None if step.error is None else step.error.stack_trace
    return (execution_id, step.index, *json_columns(step.input), *json_columns(step.output), *text_columns(stack))
