"""A list of executions as CSV or NDJSON, newest first."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from app import clock, executions, ids
from app.db import Database
from app.errors import BadInput
from app.executions import ExecutionFilter, ExecutionOrder
from app.exports import PAGE_ROWS, Format, Pieces
from app.lifecycle import State, Status
from app.paging import PageRequest

MAX_ROWS = 1_000_000
# A spreadsheet takes a cell that begins so for a formula, and may run it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class _Column:
    source: str  # of the table, as lists read it
    shown: Callable[[Any], Any] = lambda value: value


_ID = partial(ids.to_global, "execution")
_COLUMNS = {
    "id": _Column("id", _ID),
    "externalId": _Column("external_id"),
    "workflow": _Column("workflow_name"),
    "engine": _Column("engine.name"),
    "status": _Column("status", lambda value: Status(value).name),
    "state": _Column("state", lambda value: State(value).name),
    "triggerKind": _Column("trigger_kind"),
    "triggerLabel": _Column("trigger_label", lambda value: value or None),
    "queuedAt": _Column("queued_at", clock.to_rfc3339),
    "startedAt": _Column("started_at", clock.to_rfc3339),
    "finishedAt": _Column("finished_at", clock.to_rfc3339),
    "durationMs": _Column("duration", lambda value: value / 1000),
    "failedStep": _Column("failed_step_name"),
    "errorType": _Column("error_type"),
    "errorMessage": _Column("error_message"),
    "retryOf": _Column("retry_of", _ID),
    "requestedBy": _Column("requested_by"),
}


def columns_of(names: Sequence[str] | None) -> tuple[str, ...]:
    """The columns of an export, in the order in which they were asked for; None: all. BadInput for an unknown one."""
    if names is None:
        return tuple(_COLUMNS)
    for name in names:
        if name not in _COLUMNS:
            raise BadInput(f"columns: no column is called {name[:60]!r}; choose from {', '.join(_COLUMNS)}")
    if not names or len(set(names)) < len(names):
        raise BadInput("columns: name at least one, and each once")
    return tuple(names)


async def pieces(
    database: Database, where: ExecutionFilter, columns: Sequence[str], form: Format, most: int = MAX_ROWS
) -> Pieces:
    """The executions that match, at most so many. Raises as a page of the list does."""
    write = _csv if form is Format.CSV else _ndjson
    shown = [_COLUMNS[name] for name in columns]
    sources = tuple(dict.fromkeys(each.source for each in shown))
    places = [sources.index(each.source) for each in shown]
    if form is Format.CSV:
        yield write(columns, [columns])
    cursor: str | None = None
    left = most
    while True:
        request = PageRequest(first=min(PAGE_ROWS, left), after=cursor, most=PAGE_ROWS)
        page = await executions.list_page(database, where, ExecutionOrder(), request, sources)
        rows = [
            [
                None if (value := row[place]) is None else each.shown(value)
                for place, each in zip(places, shown, strict=True)
            ]
            for row in page.items
        ]
        if rows:
            yield write(columns, rows)
        left -= len(rows)
        if not await page.has_next_page():
            return
        if left == 0:
            yield cut_off(form, f"after {most} runs")
            return
        cursor = page.end_cursor


def cut_off(form: Format, why: str) -> bytes:
    """The last line of an export that has not all there is."""
    if form is Format.CSV:
        return _csv((), [[f"Cut off {why}"]])
    return orjson.dumps({"cutOff": why}) + b"\n"


def _csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode(errors="replace")


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _ndjson(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    return b"".join(orjson.dumps(dict(zip(columns, row, strict=True))) + b"\n" for row in rows)
