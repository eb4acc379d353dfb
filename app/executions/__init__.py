"""Executions as lists show them, and how to read them: plain rows, because a page of 50 costs 1.9 ms as models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from app import paging
from app.db import Database, Reader, Row, Transaction
from app.db.rows import RowsOf
from app.executions import scans
from app.executions.filters import EVERYTHING, ExecutionFilter
from app.executions.resolved_filters import Branched, resolve
from app.ids import is_id
from app.lifecycle import State, Status
from app.paging import Count, Page, PageRequest, read_page
from app.paging.keyset import Key, Ordering, Position, Segment

__all__ = [
    "EVERYTHING",
    "EXECUTIONS",
    "MAX_RECENT",
    "Execution",
    "ExecutionFilter",
    "ExecutionOrder",
    "OrderField",
    "by_ids",
    "count",
    "latest_of_error_groups",
    "latest_of_workflows",
    "list_page",
    "lock",
    "neighbour",
    "recent_of_workflows",
]

# Of one workflow: as many bars as a row of a table has room for, and enough to tell how often it usually runs.
MAX_RECENT = 20


class Execution(msgspec.Struct, frozen=True):
    """One run, as a row of a list. Times and the duration are in µs; None: not happened, or unknown."""

    id: str
    engine_id: str
    external_id: str
    workflow_id: str
    workflow_name: str
    trigger_kind: str
    trigger_incomplete: bool
    trigger_label: str | None  # "": nothing to tell it apart by; None: not made yet (app/ingestion/labelling.py)
    state: State
    status: Status
    queued_at: int
    started_at: int | None
    finished_at: int | None
    duration: int | None
    time_marks: int  # bits of TimeMark
    updated_at: int
    received_at: int  # the newest receipt: when Runwatch last heard of it
    retry_of: str | None
    root_id: str | None  # the original of its family; None: of itself, and nothing has retried it
    requested_by: str | None  # who asked Runwatch for this retry
    bulk_retry_id: str | None  # the bulk retry that made it
    retry_succeeded: bool  # a retry of it, however deep, has succeeded
    resolved_by_hand: bool  # somebody says that it, or a retry of it, however deep, was mended (app/resolutions.py)
    error_type: str | None
    error_message: str | None
    error_message_bytes: int | None  # of the whole message, which may have been cut
    failed_step: int | None  # index of the step to blame (app/ingestion/failures.py)
    failed_step_name: str | None
    error_group_id: str | None
    log_count: int  # lines of its log, which may have grown since
    due_at: int | None  # when it is to begin or continue; None where its engine did not say so with its state

    @property
    def unresolved(self) -> bool:
        """Whether it failed, and is not mended."""
        return self.status is Status.FAILURE and not (self.retry_succeeded or self.resolved_by_hand)


class OrderField(StrEnum):
    """Sort keys of a list of executions."""

    QUEUED_AT = "QUEUED_AT"
    STARTED_AT = "STARTED_AT"
    FINISHED_AT = "FINISHED_AT"
    DURATION = "DURATION"
    WORKFLOW_NAME = "WORKFLOW_NAME"
    STATUS = "STATUS"


@dataclass(frozen=True, slots=True)
class ExecutionOrder:
    """A sort order. Ids break ties in its direction; nulls come last in both."""

    field: OrderField = OrderField.QUEUED_AT
    descending: bool = True


# Of statements that have the table as `e`.
EXECUTIONS = RowsOf(
    Execution,
    "e",
    # Of its workflow and its engine, which have always a row: two statements less than to load them.
    {
        "workflow.id": "e.workflow_id",
        "workflow.name": "(SELECT w.name FROM workflows w WHERE w.id = e.workflow_id)",
        "engine.id": "e.engine_id",
        "engine.name": "(SELECT g.name FROM engines g WHERE g.id = e.engine_id)",
    },
)

_ORDERINGS = {
    ExecutionOrder(field, descending): Ordering(
        f"executions.{field}",
        field.value.lower(),
        kind={OrderField.WORKFLOW_NAME: "text", OrderField.STATUS: "small"}.get(field, "int"),  # type: ignore[arg-type]
        descending=descending,
        nullable=field in (OrderField.STARTED_AT, OrderField.FINISHED_AT, OrderField.DURATION),
    )
    for field in OrderField
    for descending in (False, True)
}


async def list_page(
    database: Database,
    where: ExecutionFilter,
    order: ExecutionOrder,
    request: PageRequest,
    columns: tuple[str, ...] | None = None,
) -> Page[Any]:
    """A page of the executions that match `where`: one statement, and one more to look up names.

    Its items are Executions, or rows that begin with the columns, as the database has them.

    Raises BadInput for a cursor of another list, LimitExceeded when a filter without an index takes too long.
    """
    ordering = _ORDERINGS[order]
    scope = await resolve(database, where)

    if columns is not None:
        columns += tuple(dict.fromkeys(name for name in ("id", ordering.column) if name not in columns))
    selected = EXECUTIONS.columns if columns is None else EXECUTIONS.columns_of(columns)
    fetch = database.fetch if where == EVERYTHING or where.names_executions else database.fetch_long

    async def read(segment: Segment) -> list[Any]:
        if scope is None:
            return []
        statement = scans.page(database.dialect, scope, segment, selected)
        rows = await fetch(statement.text, *statement.params)
        return EXECUTIONS.read_all(rows) if columns is None else list(rows)

    position = _position_by(ordering.column) if columns is None else _position_at(columns, ordering.column)
    return await read_page(ordering, request, read, position)


async def count(database: Database, where: ExecutionFilter) -> Count:
    """How many executions match `where`. Raises LimitExceeded as a page does."""
    scope = await resolve(database, where)
    if scope is None:
        return Count(0, exact=True)
    statement = scans.count(database.dialect, scope, paging.MAX_COUNT + 1)
    rows = await database.fetch_long(statement.text, *statement.params)
    return Count.capped(rows[0][0])


async def neighbour(
    database: Database, execution: Execution, statuses: tuple[Status, ...] | None, *, earlier: bool
) -> Execution | None:
    """The execution of the same workflow queued just before or after this one, of these statuses only; None: any.

    By (queued_at, id), as lists are sorted. Raises as a page does.
    """
    where = ExecutionFilter(workflow_ids=(execution.workflow_id,), statuses=statuses)
    order = ExecutionOrder(descending=earlier)
    cursor = _ORDERINGS[order].cursor(Position(execution.queued_at, execution.id))
    page = await list_page(database, where, order, PageRequest(first=1, after=cursor))
    return page.items[0] if page.items else None


async def by_ids(database: Database, ids: Iterable[str]) -> dict[str, Execution]:
    """The executions with these ids, by id. Leaves out unknown ones."""
    known = [id_ for id_ in ids if is_id(id_)]
    if not known:
        return {}
    condition, given = database.among("e.id", 1, "id", known)
    sql = f"SELECT {EXECUTIONS.columns} FROM executions e WHERE {condition}"
    return {each.id: each for each in EXECUTIONS.read_all(await database.fetch(sql, given))}


async def lock(transaction: Transaction, ids: Iterable[str]) -> dict[str, Execution]:
    """The executions with these ids, by id, their rows locked in id order until the commit."""
    condition, given = transaction.among("e.id", 1, "id", ids)
    rows = await transaction.fetch(
        f"SELECT {EXECUTIONS.columns} FROM executions e WHERE {condition} ORDER BY e.id {transaction.for_update}", given
    )
    return {each.id: each for each in EXECUTIONS.read_all(rows)}


async def latest_of_workflows(database: Database, workflow_ids: Iterable[str]) -> dict[str, Execution]:
    """The newest execution by (queuedAt, id) of each workflow, by workflow id. Leaves out workflows without any."""
    return {each.workflow_id: each for each in await _newest(database, "workflow_id", workflow_ids)}


async def recent_of_workflows(database: Database, workflow_ids: Iterable[str]) -> dict[str, list[Execution]]:
    """The newest executions of each workflow, at most MAX_RECENT, newest first. Leaves out workflows without any."""
    recent: dict[str, list[Execution]] = {}
    for each in await _newest(database, "workflow_id", workflow_ids, MAX_RECENT):
        recent.setdefault(each.workflow_id, []).append(each)
    for found in recent.values():
        found.sort(key=lambda each: (each.queued_at, each.id), reverse=True)
    return recent


async def latest_of_error_groups(reader: Reader, fingerprints: Iterable[str]) -> dict[str, Execution]:
    """The newest execution by (queuedAt, id) of each fingerprint, by fingerprint. Leaves out those without any."""
    found = await _newest(reader, "error_group_id", fingerprints)
    return {each.error_group_id: each for each in found if each.error_group_id is not None}


async def _newest(reader: Reader, column: Branched, ids: Iterable[str], limit: int = 1) -> list[Execution]:
    known = [id_ for id_ in dict.fromkeys(ids) if is_id(id_)]
    if not known:
        return []
    statement = scans.newest_of_each(reader.dialect, column, known, EXECUTIONS.columns, limit)
    return EXECUTIONS.read_all(await reader.fetch(statement.text, *statement.params))


def _position_at(columns: tuple[str, ...], column: str) -> Callable[[Row], Position]:
    key, id_ = columns.index(column), columns.index("id")
    return lambda row: Position(row[key], row[id_])


def _position_by(column: str) -> Callable[[Execution], Position]:
    def position(execution: Execution) -> Position:
        key: Key = getattr(execution, column)
        return Position(int(key) if column == "status" else key, execution.id)  # type: ignore[arg-type]

    return position
