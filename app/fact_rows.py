"""Facts of executions (app/merging.py) to and from the rows of the tables; used by the one writer, app/ingestion.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.db import Database, Row, Transaction
from app.events import Failure, LogLine, Text
from app.ids import new_id
from app.lifecycle import State
from app.merging import ExecutionFacts, StepFacts
from app.search import search_text

# An execution, by its engine's id and the engine's own id for it.
Key = tuple[str, str]

# What every merge may change, in the order of _merged_values.
MERGED = (
    "workflow_id",
    "workflow_name",
    "trigger_kind",
    "trigger_incomplete",
    "state",
    "status",
    "queued_at",
    "started_at",
    "finished_at",
    "duration",
    "updated_at",
    "retry_of",
    "error_type",
    "error_message",
    "error_message_bytes",
    "error_step",
    "search_text",
    "state_key",
    "workflow_key",
    "trigger_key",
    "definition_key",
    "retry_of_key",
    "declared_queued_at",
    "first_event_at",
    "received_at",
    "log_count",
)
EXECUTION = ("id", "engine_id", "external_id", *MERGED)

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
STEP_PAYLOAD = (*STEP_KEY, "input", "input_bytes", "output", "output_bytes", "stack_trace", "stack_trace_bytes")
PAYLOAD = ("execution_id", "trigger_data", "trigger_data_bytes", "definition", "stack_trace", "stack_trace_bytes")
LOG_ENTRY = (
    "execution_id",
    "sequence",
    "event_key",
    "at",
    "level",
    "step_index",
    "message",
    "message_bytes",
    "attributes",
)


@dataclass(slots=True)
class Stored:
    """An execution as its locked row has it."""

    id: str
    facts: ExecutionFacts
    shown_state: State
    updated_at: int
    received_at: int
    log_count: int


_LOCK = """
SELECT id, external_id, state, updated_at, log_count, workflow_name, trigger_kind, trigger_incomplete, started_at,
  retry_of, error_type, error_message, error_message_bytes, error_step, state_key, workflow_key, trigger_key,
  definition_key, retry_of_key, declared_queued_at, first_event_at, received_at
FROM executions WHERE engine_id = $1 AND {condition} ORDER BY id
"""


async def lock(database: Database, transaction: Transaction, keys: Iterable[Key]) -> dict[Key, Stored]:
    """The executions that exist, their rows locked in the order of their ids until the commit."""
    sql = _LOCK.format(condition=database.any_of("external_id", 2, "text"))
    if database.dialect == "postgres":
        sql += " FOR UPDATE"
    by_engine: dict[str, list[str]] = {}
    for engine_id, external_id in keys:
        by_engine.setdefault(engine_id, []).append(external_id)
    found: dict[Key, Stored] = {}
    for engine_id in sorted(by_engine):
        for row in await transaction.fetch(sql, engine_id, database.array(by_engine[engine_id])):
            found[engine_id, row[1]] = _stored(row)
    return found


def _stored(row: Row) -> Stored:
    facts = ExecutionFacts(
        workflow=row[5],
        trigger_kind=row[6],
        trigger_incomplete=bool(row[7]),
        started_at=row[8],
        retry_of=row[9],
        error=_failure(row[10], row[11], row[12], row[13]),
        state_key=row[14],
        workflow_key=row[15],
        trigger_key=row[16],
        definition_key=row[17],
        retry_of_key=row[18],
        declared_queued_at=row[19],
        first_event_at=row[20],
        received_at=row[21],
    )
    return Stored(row[0], facts, State(row[2]), row[3], row[21], row[4])


def _failure(type_: str | None, message: str | None, size: int | None, step: int | None = None) -> Failure | None:
    if type_ is None and message is None and step is None:
        return None
    return Failure(type_, None if message is None else Text(message, size or 0), None, step)


def merged_values(
    facts: ExecutionFacts, external_id: str, workflow_id: str, updated_at: int, log_count: int
) -> tuple[Any, ...]:
    """The values of MERGED."""
    error = facts.error
    message = None if error is None else error.message
    state = facts.state
    return (
        workflow_id,
        facts.workflow,
        facts.trigger_kind,
        facts.trigger_incomplete,
        int(state),
        int(state.status),
        facts.queued_at,
        facts.started_at,
        facts.finished_at,
        facts.duration,
        updated_at,
        facts.retry_of,
        None if error is None else error.type,
        None if message is None else message.value,
        None if message is None else message.size,
        None if error is None else error.step,
        search_text(facts.workflow, external_id, None if message is None else message.value),
        facts.state_key,
        facts.workflow_key,
        facts.trigger_key,
        facts.definition_key,
        facts.retry_of_key,
        facts.declared_queued_at,
        facts.first_event_at,
        facts.received_at,
        log_count,
    )


async def insert_executions(
    transaction: Transaction, facts: Mapping[Key, ExecutionFacts], workflow_ids: Mapping[Key, str], now: int
) -> dict[Key, str]:
    """Insert executions with all that is below them; the ids of those that did not exist yet."""
    ids = {key: new_id(fact.queued_at) for key, fact in facts.items()}
    rows = [
        (
            ids[key],
            *key,
            *merged_values(fact, key[1], workflow_ids[key[0], fact.workflow], now, len(fact.logs)),
        )
        for key, fact in facts.items()
    ]
    inserted = await transaction.insert_missing(
        "executions", EXECUTION, rows, key=("engine_id", "external_id"), returning="id"
    )
    fresh = {key: id_ for key, id_ in ids.items() if id_ in inserted}
    await transaction.insert(
        "execution_payloads", PAYLOAD, [row for key in fresh if (row := _payload(ids[key], facts[key]))]
    )
    steps = [(ids[key], step) for key in fresh for step in facts[key].steps.values()]
    await insert_steps(transaction, steps)
    await insert_logs(transaction, [(ids[key], 0, facts[key].logs.values()) for key in fresh if facts[key].logs])
    return fresh


def _payload(execution_id: str, facts: ExecutionFacts) -> tuple[Any, ...] | None:
    data, definition = facts.trigger_data, facts.definition
    stack = None if facts.error is None else facts.error.stack_trace
    if data is None and definition is None and stack is None:
        return None
    return (
        execution_id,
        None if data is None else data.text,
        0 if data is None else data.size,
        None if definition is None else orjson.dumps(definition).decode(),
        *_text(stack),
    )


def _text(text: Text | None) -> tuple[str | None, int | None]:
    return (None, None) if text is None else (text.value, text.size)


async def update_executions(transaction: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write merged executions; each row is the id and the values of MERGED."""
    await transaction.update("executions", ("id", *MERGED), rows, key=("id",))


async def update_receipts(transaction: Transaction, rows: Sequence[tuple[str, int, int]]) -> None:
    """Write (id, received_at, log_count) where nothing else changed; no index knows these columns."""
    await transaction.update("executions", ("id", "received_at", "log_count"), rows, key=("id",))


async def update_payloads(transaction: Transaction, written: Sequence[tuple[str, ExecutionFacts]]) -> None:
    """Write the payloads that a merge replaced."""
    rows = [(facts.rewritten, _payload(id_, facts) or (id_, None, 0, None, None, None)) for id_, facts in written]

    def columns(part: str, *places: int) -> tuple[list[str], list[list[Any]]]:
        given = [[row[place] for place in (0, *places)] for rewritten, row in rows if part in rewritten]
        return [PAYLOAD[place] for place in (0, *places)], given

    key = ("execution_id",)
    await transaction.upsert("execution_payloads", *columns("trigger", 1, 2), key=key)
    await transaction.upsert("execution_payloads", *columns("definition", 3), key=key)
    # Most outcomes come without a stack trace: those need no row, and only have to take away an older one.
    names, stacks = columns("outcome", 4, 5)
    await transaction.upsert("execution_payloads", names, [row for row in stacks if row[1] is not None], key=key)
    await transaction.update("execution_payloads", names, [row for row in stacks if row[1] is None], key=key)


async def insert_steps(transaction: Transaction, steps: Sequence[tuple[str, StepFacts]]) -> None:
    """Insert steps, each with its execution's id, none of which exists yet."""
    await transaction.insert("steps", STEP, [_step(id_, step) for id_, step in steps])
    payloads = [_step_payload(id_, step) for id_, step in steps]
    await transaction.insert("step_payloads", STEP_PAYLOAD, [row for row in payloads if row[2:] != (None,) * 6])


async def stored_steps(
    database: Database, transaction: Transaction, execution_ids: Iterable[str]
) -> dict[tuple[str, int], StepFacts]:
    """The steps of locked executions, by (execution id, index)."""
    sql = f"SELECT {', '.join(STEP)} FROM steps WHERE {database.any_of('execution_id', 1, 'id')}"
    return {
        (row[0], row[1]): StepFacts(
            index=row[1],
            name=row[2],
            kind=row[3],
            started_at=row[5],
            reported_duration=row[7],
            error=_failure(row[8], row[9], row[10]),
            state_key=row[11],
            name_key=row[12],
            kind_key=row[13],
            input_key=row[14],
        )
        for row in await transaction.fetch(sql, database.array(execution_ids))
    }


async def update_steps(transaction: Transaction, steps: Sequence[tuple[str, StepFacts]]) -> None:
    """Write merged steps, each with its execution's id, and the payloads that the merge replaced."""
    await transaction.update("steps", STEP, [_step(id_, step) for id_, step in steps], key=STEP_KEY)
    rows = [(step.rewritten, _step_payload(id_, step)) for id_, step in steps]
    for part, columns in (("input", (0, 1, 2, 3)), ("outcome", (0, 1, 4, 5, 6, 7))):
        await transaction.upsert(
            "step_payloads",
            [STEP_PAYLOAD[column] for column in columns],
            [[row[column] for column in columns] for rewritten, row in rows if part in rewritten],
            key=STEP_KEY,
        )


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
        *_text(message),
        step.state_key,
        step.name_key,
        step.kind_key,
        step.input_key,
    )


def _step_payload(execution_id: str, step: StepFacts) -> tuple[Any, ...]:
    stack = None if step.error is None else step.error.stack_trace
    return (execution_id, step.index, *_text(step.input), *_text(step.output), *_text(stack))


async def known_log_keys(
    database: Database, transaction: Transaction, lines: Mapping[str, Iterable[str]]
) -> set[tuple[str, str]]:
    """Which of the log lines, given as event keys by execution id, are stored already."""
    executions, keys = database.any_of("execution_id", 1, "id"), database.any_of("event_key", 2, "id")
    rows = await transaction.fetch(
        f"SELECT execution_id, event_key FROM log_entries WHERE {executions} AND {keys}",
        database.array(lines),
        database.array(key for of_one in lines.values() for key in of_one),
    )
    return {(row[0], row[1]) for row in rows}


async def insert_logs(transaction: Transaction, written: Iterable[tuple[str, int, Iterable[LogLine]]]) -> None:
    """Insert log lines of executions, each numbered on from the given count of lines that its execution has."""
    rows = [
        (
            execution_id,
            sequence,
            line.key,
            line.at,
            int(line.level),
            line.step,
            line.message.value,
            line.message.size,
            line.attributes,
        )
        for execution_id, count, lines in written
        for sequence, line in enumerate(lines, count + 1)
    ]
    await transaction.insert("log_entries", LOG_ENTRY, rows)
