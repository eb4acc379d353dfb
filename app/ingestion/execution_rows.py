"""Maps facts of executions (merging.py) to table rows and back. Only this package, the one writer, uses it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from app.db import Transaction
from app.db.rows import RowsOf
from app.ingestion.columns import failure_of
from app.ingestion.merge_keys import bound_of
from app.ingestion.merging import ExecutionFacts
from app.lifecycle import State
from app.paging.search import search_text
from app.turns import pieces

# An execution, by its engine's id and its external id.
Key = tuple[str, str]

# What a merge may change, in the order of merged_values.
MERGED = (
    "workflow_id",
    "workflow_name",
    "trigger_kind",
    "trigger_incomplete",
    "trigger_label",
    "state",
    "status",
    "queued_at",
    "started_at",
    "started_sent",
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
    "time_marks",
    "declared_queued_at",
    "first_event_at",
    "received_at",
    "log_count",
    "has_secrets",
    "awaiting_dispatch",
    "failed_step",
    "failed_step_name",
    "error_group_id",
    "due_at",
)
EXECUTION = ("id", "engine_id", "external_id", *MERGED)
# Executions whose rows are read in one go: half a millisecond.
PIECE = 32


class _Locked(msgspec.Struct, gc=False):
    """The columns that the next merge needs."""

    id: str
    external_id: str
    workflow_id: str
    workflow_name: str
    trigger_kind: str
    trigger_incomplete: bool
    trigger_label: str | None
    state: State
    started_at: int | None
    started_sent: int | None
    finished_at: int | None
    updated_at: int
    retry_of: str | None
    error_type: str | None
    error_message: str | None
    error_message_bytes: int | None
    error_step: int | None
    state_key: str
    workflow_key: str | None
    trigger_key: str | None
    definition_key: str | None
    retry_of_key: str | None
    time_marks: int
    declared_queued_at: int | None
    first_event_at: int
    received_at: int
    log_count: int
    has_secrets: bool
    awaiting_dispatch: bool
    failed_step: int | None
    failed_step_name: str | None
    error_group_id: str | None
    due_at: int | None


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
_LOCKED = RowsOf(_Locked)


async def lock(transaction: Transaction, keys: Iterable[Key]) -> dict[Key, Stored]:
    """The stored executions, their rows locked in id order until the commit."""
    found: dict[Key, Stored] = {}
    for engine_id, external_ids in _by_engine(keys):
        named, given = transaction.among("external_id", 2, "text", external_ids)
        where = f"{_OF_ENGINE.format(named)} ORDER BY id {transaction.for_update}"
        rows = await transaction.fetch(f"SELECT {_LOCKED.columns} FROM executions WHERE {where}", engine_id, given)
        for piece in pieces(rows, PIECE):
            for row in _LOCKED.read_all(piece):
                found[engine_id, row.external_id] = _stored(row)
            await transaction.pause()
    return found


async def lock_with(transaction: Transaction, keys: Iterable[Key], ids: Iterable[str]) -> None:
    """Lock executions by key and by id, all in id order. Only Postgres needs it."""
    if transaction.dialect.writes_alone:
        return
    every = set(ids)
    sql = f"SELECT id FROM executions WHERE {_OF_ENGINE.format(transaction.any_of('external_id', 2, 'text'))}"
    for engine_id, external_ids in _by_engine(keys):
        every.update(id_ for (id_,) in await transaction.fetch(sql, engine_id, transaction.array(external_ids)))
    condition = transaction.any_of("id", 1, "id")
    await transaction.fetch(
        f"SELECT 1 FROM executions WHERE {condition} ORDER BY id {transaction.for_update}", transaction.array(every)
    )


def _by_engine(keys: Iterable[Key]) -> list[tuple[str, list[str]]]:
    by_engine: dict[str, list[str]] = {}
    for engine_id, external_id in keys:
        by_engine.setdefault(engine_id, []).append(external_id)
    return sorted(by_engine.items())


def _stored(row: _Locked) -> Stored:
    facts = ExecutionFacts(
        workflow=row.workflow_name,
        trigger_kind=row.trigger_kind,
        trigger_incomplete=row.trigger_incomplete,
        trigger_label=row.trigger_label,
        started_at=row.started_at,
        started_sent=row.started_at if row.started_sent is None else row.started_sent,
        finished_by=bound_of(row.finished_at, row.state_key),
        retry_of=row.retry_of,
        error=failure_of(row.error_type, row.error_message, row.error_message_bytes, row.error_step),
        state_key=row.state_key,
        workflow_key=row.workflow_key,
        trigger_key=row.trigger_key,
        definition_key=row.definition_key,
        retry_of_key=row.retry_of_key,
        time_marks=row.time_marks,
        declared_queued_at=row.declared_queued_at,
        first_event_at=row.first_event_at,
        received_at=row.received_at,
        has_secrets=row.has_secrets,
        failed_step=row.failed_step,
        failed_step_name=row.failed_step_name,
        error_group_id=row.error_group_id,
        due_at=row.due_at,
        awaiting_dispatch=row.awaiting_dispatch,
    )
    return Stored(row.id, facts, row.state, row.updated_at, row.received_at, row.log_count, row.workflow_id)


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
        facts.trigger_label,
        int(state),
        int(state.status),
        facts.queued_at,
        facts.started_at,
        None if facts.started_sent == facts.started_at else facts.started_sent,
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
        facts.time_marks,
        facts.declared_queued_at,
        facts.first_event_at,
        facts.received_at,
        log_count,
        facts.has_secrets,
        facts.awaiting_dispatch,
        facts.failed_step,
        facts.failed_step_name,
        facts.error_group_id,
        facts.due_at,
    )


async def update_executions(transaction: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write merged executions. Each row is the id and the values of MERGED."""
    await transaction.update("executions", ("id", *MERGED), rows, key=("id",))


async def update_receipts(transaction: Transaction, rows: Sequence[tuple[str, int, int]]) -> None:
    """Write (id, received_at, log_count) where nothing else changed. No index has these columns."""
    await transaction.update("executions", ("id", "received_at", "log_count"), rows, key=("id",))
