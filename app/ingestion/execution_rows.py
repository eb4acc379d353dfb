"""Maps facts of executions (merging.py) to table rows and back. Only this package, the one writer, uses it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.db import Row, Transaction
from app.ids import new_id
from app.ingestion import log_rows, step_rows
from app.ingestion.columns import failure_of, text_columns
from app.ingestion.merging import ExecutionFacts
from app.lifecycle import State
from app.paging.search import search_text

# An execution, by its engine's id and its external id.
Key = tuple[str, str]

# What a merge may change, in the order of _merged_values.
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
    "has_secrets",
    "awaiting_dispatch",
    "failed_step",
    "failed_step_name",
    "error_group_id",
)
EXECUTION = ("id", "engine_id", "external_id", *MERGED)

TRIGGER = ("trigger_data", "trigger_data_bytes", "trigger_sealed", "redacted_paths")
STACK_TRACE = ("stack_trace", "stack_trace_bytes")
PAYLOAD = ("execution_id", *TRIGGER, "definition", *STACK_TRACE)


@dataclass(slots=True)
class Stored:
    """An execution from its locked row."""

    id: str
    facts: ExecutionFacts
    shown_state: State
    updated_at: int
    received_at: int
    log_count: int
    workflow_id: str


_OF_ENGINE = "engine_id = $1 AND {}"
_LOCK = """
SELECT id, external_id, state, updated_at, log_count, workflow_name, trigger_kind, trigger_incomplete, started_at,
  retry_of, error_type, error_message, error_message_bytes, error_step, state_key, workflow_key, trigger_key,
  definition_key, retry_of_key, declared_queued_at, first_event_at, received_at, has_secrets, failed_step,
  failed_step_name, error_group_id, awaiting_dispatch, workflow_id
FROM executions WHERE {condition} ORDER BY id
"""


async def lock(transaction: Transaction, keys: Iterable[Key]) -> dict[Key, Stored]:
    """The stored executions, their rows locked in id order until the commit."""
    condition = _OF_ENGINE.format(transaction.any_of("external_id", 2, "text"))
    sql = f"{_LOCK.format(condition=condition)} {transaction.for_update}"
    found: dict[Key, Stored] = {}
    for engine_id, external_ids in _by_engine(keys):
        for row in await transaction.fetch(sql, engine_id, transaction.array(external_ids)):
            found[engine_id, row[1]] = _stored(row)
    return found


async def lock_with(transaction: Transaction, keys: Iterable[Key], ids: Iterable[str]) -> None:
    """Lock executions by key and by id, all in id order. Only Postgres needs it."""
    if transaction.dialect.writes_alone:
        return
    every = set(ids)
    sql = f"SELECT id FROM executions WHERE {_OF_ENGINE.format(transaction.any_of('external_id', 2, 'text'))}"
    for engine_id, external_ids in _by_engine(keys):
        every.update(row[0] for row in await transaction.fetch(sql, engine_id, transaction.array(external_ids)))
    condition = transaction.any_of("id", 1, "id")
    await transaction.fetch(
        f"SELECT 1 FROM executions WHERE {condition} ORDER BY id {transaction.for_update}", transaction.array(every)
    )


def _by_engine(keys: Iterable[Key]) -> list[tuple[str, list[str]]]:
    by_engine: dict[str, list[str]] = {}
    for engine_id, external_id in keys:
        by_engine.setdefault(engine_id, []).append(external_id)
    return sorted(by_engine.items())


def _stored(row: Row) -> Stored:
    facts = ExecutionFacts(
        workflow=row[5],
        trigger_kind=row[6],
        trigger_incomplete=bool(row[7]),
        started_at=row[8],
        retry_of=row[9],
        error=failure_of(row[10], row[11], row[12], row[13]),
        state_key=row[14],
        workflow_key=row[15],
        trigger_key=row[16],
        definition_key=row[17],
        retry_of_key=row[18],
        declared_queued_at=row[19],
        first_event_at=row[20],
        received_at=row[21],
        has_secrets=bool(row[22]),
        failed_step=row[23],
        failed_step_name=row[24],
        error_group_id=row[25],
        awaiting_dispatch=bool(row[26]),
    )
    return Stored(row[0], facts, State(row[2]), row[3], row[21], row[4], row[27])


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
        facts.has_secrets,
        facts.awaiting_dispatch,
        facts.failed_step,
        facts.failed_step_name,
        facts.error_group_id,
    )


async def insert_executions(
    transaction: Transaction, facts: Mapping[Key, ExecutionFacts], workflow_ids: Mapping[Key, str], now: int
) -> dict[Key, str]:
    """Insert executions with everything below them; returns the ids of those that did not exist yet."""
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
    await step_rows.insert(transaction, steps)
    await log_rows.insert(transaction, [(ids[key], 0, facts[key].logs.values()) for key in fresh if facts[key].logs])
    return fresh


def _payload(execution_id: str, facts: ExecutionFacts) -> tuple[Any, ...] | None:
    data, definition = facts.trigger_data, facts.definition
    stack = None if facts.error is None else facts.error.stack_trace
    if data is None and definition is None and stack is None:
        return None
    return (
        execution_id,
        *((None, 0, None, None) if data is None else (data.text, data.size, data.sealed, _paths(data.redacted_paths))),
        None if definition is None else orjson.dumps(definition).decode(),
        *text_columns(stack),
    )


def _paths(paths: tuple[str, ...]) -> str | None:
    return orjson.dumps(paths).decode() if paths else None


def _no_payload(execution_id: str) -> tuple[Any, ...]:
    return (execution_id, None, 0, *[None] * (len(PAYLOAD) - 3))


async def update_executions(transaction: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write merged executions. Each row is the id and the values of MERGED."""
    await transaction.update("executions", ("id", *MERGED), rows, key=("id",))


async def update_receipts(transaction: Transaction, rows: Sequence[tuple[str, int, int]]) -> None:
    """Write (id, received_at, log_count) where nothing else changed. No index has these columns."""
    await transaction.update("executions", ("id", "received_at", "log_count"), rows, key=("id",))


async def update_payloads(transaction: Transaction, written: Sequence[tuple[str, ExecutionFacts]]) -> None:
    """Write the payloads that a merge replaced."""
    rows = [(facts.rewritten, _payload(id_, facts) or _no_payload(id_)) for id_, facts in written]

    def columns(part: str, *names: str) -> tuple[list[str], list[list[Any]]]:
        places = [0, *map(PAYLOAD.index, names)]
        given = [[row[place] for place in places] for rewritten, row in rows if part in rewritten]
        return ["execution_id", *names], given

    key = ("execution_id",)
    await transaction.upsert("execution_payloads", *columns("trigger", *TRIGGER), key=key)
    await transaction.upsert("execution_payloads", *columns("definition", "definition"), key=key)
    # Most outcomes come without a stack trace: they need no row, and only remove an older one.
    names, stacks = columns("outcome", *STACK_TRACE)
    await transaction.upsert("execution_payloads", names, [row for row in stacks if row[1] is not None], key=key)
    await transaction.update("execution_payloads", names, [row for row in stacks if row[1] is None], key=key)
