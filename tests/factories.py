"""Rows for tests of the read path, put straight into the tables: every column has a value, name only what matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from app.db import Database, Transaction
from app.events import LogLevel
from app.ids import new_id
from app.lifecycle import State
from app.paging.search import folded, search_text

NOON = 1_780_000_000_000_000  # µs since the epoch: some noon to count from

_numbers = count(1)


def execution_row(**given: Any) -> dict[str, Any]:
    """An execution as a row; `state` decides its status, the names in it decide its search text."""
    number = next(_numbers)
    state = State(given.get("state", State.SUCCEEDED))
    row: dict[str, Any] = {
        "id": new_id(given.get("queued_at", NOON)),
        "engine_id": "e" * 31 + "1",
        "external_id": f"run-{number}",
        "workflow_id": "f" * 31 + "1",
        "workflow_name": "nightly",
        "trigger_kind": "schedule",
        "trigger_incomplete": False,
        "trigger_label": "",
        "state": int(state),
        "status": int(state.status),
        "queued_at": NOON,
        "started_at": None,
        "finished_at": None,
        "duration": None,
        "time_marks": 0,
        "updated_at": NOON,
        "retry_of": None,
        "root_id": None,
        "error_type": None,
        "error_message": None,
        "error_message_bytes": None,
        "error_step": None,
        "state_key": "",
        "workflow_key": None,
        "trigger_key": None,
        "definition_key": None,
        "retry_of_key": None,
        "declared_queued_at": None,
        "first_event_at": NOON,
        "received_at": NOON,
        "log_count": 0,
        "failed_step": None,
        "failed_step_name": None,
        "error_group_id": None,
        "due_at": None,
        "requested_by": None,
        "bulk_retry_id": None,
        "retry_succeeded": False,
        "resolved_by_hand": False,
    }
    row |= given | {"state": int(state)}
    row["search_text"] = search_text(row["workflow_name"], row["external_id"], row["error_message"])
    return row


def step_row(execution_id: str, index: int, **given: Any) -> dict[str, Any]:
    """A step as a row, under way unless `state` says otherwise."""
    row: dict[str, Any] = {
        "execution_id": execution_id,
        "step_index": index,
        "name": f"step {index}",
        "state": int(State.RUNNING),
        "state_key": "",
        "name_key": "",
    }
    return row | given


def log_row(execution_id: str, sequence: int, **given: Any) -> dict[str, Any]:
    """A log line as a row; its message decides its size and what search looks in."""
    message = given.get("message", f"line {sequence}")
    row = {
        "execution_id": execution_id,
        "sequence": sequence,
        "event_key": f"{sequence:032x}",
        "at": NOON + sequence,
        "level": int(LogLevel.INFO),
        "step_index": None,
        "message": message,
        "message_bytes": len(message.encode()),
        "folded": folded(message),
        "attributes": None,
        "attributes_bytes": None,
    }
    return row | given


async def insert(database: Database, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns."""
    if rows:
        columns = list(rows[0])
        values = [tuple(row[column] for column in columns) for row in rows]

        async def work(transaction: Transaction) -> None:
            await transaction.insert(table, columns, values)

        await database.transaction(work)


async def insert_executions(database: Database, *rows: Mapping[str, Any]) -> None:
    """Insert executions made by `execution_row`."""
    await insert(database, "executions", rows)


async def insert_engine(database: Database, name: str, id_: str | None = None) -> str:
    """Insert an engine; its id."""
    id_ = id_ or new_id(NOON)
    await insert(database, "engines", [{"id": id_, "name": name, "kind": "NONE", "created_at": NOON}])
    return id_


async def insert_workflow(database: Database, engine_id: str, name: str, id_: str | None = None) -> str:
    """Insert a workflow; its id."""
    id_ = id_ or new_id(NOON)
    row = {"id": id_, "engine_id": engine_id, "name": name, "search_text": name.casefold()}
    await insert(database, "workflows", [row])
    return id_


async def empty(database: Database, *tables: str) -> None:
    """Delete the rows of some tables, for tests that fill them several times."""

    async def work(transaction: Transaction) -> None:
        for table in tables:
            await transaction.fetch(f"DELETE FROM {table}")

    await database.transaction(work)


def record_statements(database: Database) -> list[tuple[str, tuple[Any, ...]]]:
    """The reading statements that `database` runs from now on, with their parameters, as they come."""
    statements: list[tuple[str, tuple[Any, ...]]] = []
    fetch = database.fetch

    async def recording(sql: str, *params: Any) -> Sequence[Sequence[Any]]:
        statements.append((sql, params))
        return await fetch(sql, *params)

    database.fetch = recording  # type: ignore[method-assign]
    return statements
