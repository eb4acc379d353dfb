"""The log of an execution as text or NDJSON, oldest lines first."""

from __future__ import annotations

import orjson

from app import clock
from app.db import Database
from app.executions import log_pages, steps
from app.executions.log_pages import MAX_LINES
from app.executions.logs import LogEnd, LogEntry, LogFilter
from app.exports import Format, Pieces
from app.paging import PageRequest


async def pieces(database: Database, where: LogFilter, upto: LogEnd, form: Format) -> Pieces:
    """The lines up to a position of a log. Raises as a page of the log does."""
    found = await steps.of_executions(database, (upto.execution_id,))
    names = {step.index: step.name for step in found.get(upto.execution_id, ())}
    write = _text if form is Format.TXT else _json
    cursor: str | None = None
    while True:
        page = await log_pages.list_page(database, where, upto, PageRequest(MAX_LINES, cursor, most=MAX_LINES))
        yield b"".join(write(entry, names.get(entry.step_index)) for entry in page.items)
        if not await page.has_next_page():
            return
        cursor = page.end_cursor


def cut_off(form: Format, why: str) -> bytes:
    """The last line of an export that has not all there is."""
    return f"Cut off {why}\n".encode() if form is Format.TXT else orjson.dumps({"cutOff": why}) + b"\n"


def _text(entry: LogEntry, step: str | None) -> bytes:
    parts = [clock.to_rfc3339(entry.at), entry.level.name]
    if step is not None:
        parts.append(f"[{step}]")
    parts.append(entry.message)
    if entry.attributes is not None:
        parts.append(entry.attributes)
    return (" ".join(parts) + "\n").encode(errors="replace")


def _json(entry: LogEntry, step: str | None) -> bytes:
    line = {
        "at": clock.to_rfc3339(entry.at),
        "level": entry.level.name,
        "step": step,
        "message": entry.message,
        "attributes": None if entry.attributes is None else orjson.Fragment(entry.attributes),
    }
    return orjson.dumps(line) + b"\n"
