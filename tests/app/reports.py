"""Events as an engine would report them, decoded by the real decoder; and what the tables then hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app import clock
from app.db import Database
from app.events import Event
from app.events.decoding import Form, decode
from tests.sealing import SEALER

NOON = 1_780_000_000_000_000  # µs since the epoch: some noon to count from
NOW = NOON + clock.MINUTE


def report(type_: str, subject: str = "run", at: int = 0, id_: str | None = None, **data: Any) -> dict[str, Any]:
    """A CloudEvent, `at` seconds after noon."""
    return {
        "specversion": "1.0",
        "id": id_ or f"{type_}@{at}",
        "source": "engine",
        "type": type_,
        "subject": subject,
        "time": clock.to_rfc3339(NOON + at * clock.SECOND),
        "data": data,
    }


def step(type_: str, index: int, at: int = 0, id_: str | None = None, **fields: Any) -> dict[str, Any]:
    """A step event of step `index`."""
    fields = {"index": index, "name": f"step {index}", **fields}
    return report(f"step.{type_}", at=at, id_=id_ or f"step.{type_}-{index}@{at}", step=fields)


def line(message: str, at: int = 0, id_: str | None = None, **fields: Any) -> dict[str, Any]:
    """A log line."""
    fields = {"level": "INFO", "message": message, **fields}
    return report("log.written", at=at, id_=id_ or f"line-{message[:50]}@{at}", **fields)


def events(reports: Sequence[Mapping[str, Any]], subject: str | None = None) -> list[Event]:
    """The reports as events; of `subject`, if that is given. They must all be valid."""
    given = [dict(one) if subject is None else {**one, "subject": subject} for one in reports]
    batch = decode(json.dumps(given).encode(), Form.BATCH, now=NOW, sealer=SEALER)
    assert batch.rejected == []
    return batch.events


# What differs from one order of arrival to another, and may.
_OWN = {"id", "execution_id", "engine_id", "workflow_id", "updated_at", "received_at", "external_id", "search_text"}
_BELOW = {
    "execution_payloads": "1",
    "steps": "step_index",
    "step_payloads": "step_index",
    "log_entries": "event_key",
}
_EMPTY = (None, 0)


async def dump(database: Database, subject: str = "run") -> dict[str, list[dict[str, Any]]]:
    """All that is stored of an execution, but for what depends on when and under which subject it came in."""
    rows = await select(database, "executions", "external_id = $1", subject)
    assert len(rows) == 1
    stored = {"executions": [_common(rows[0])]}
    for table, order in _BELOW.items():
        below = await select(database, table, f"execution_id = $1 ORDER BY {order}", rows[0]["id"])
        # A row of payloads without any payload reads like none.
        kept = [row for row in map(_common, below) if "payload" not in table or _says_anything(row)]
        stored[table] = kept
    return stored


def _common(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _OWN and name != "sequence"}


def _says_anything(row: dict[str, Any]) -> bool:
    return any(value not in _EMPTY for name, value in row.items() if name != "step_index")


_columns: dict[str, list[str]] = {}


async def select(database: Database, table: str, condition: str, *params: Any) -> list[dict[str, Any]]:
    """Rows with the names of their columns."""
    if table not in _columns:
        if database.dialect == "sqlite":
            found = await database.fetch("SELECT name FROM pragma_table_info($1)", table)
        else:
            found = await database.fetch(
                "SELECT column_name FROM information_schema.columns WHERE table_name = $1", table
            )
        _columns[table] = sorted(row[0] for row in found if row[0] != "search_number")  # of SQLite's index alone
    columns = _columns[table]
    rows = await database.fetch(f"SELECT {', '.join(columns)} FROM {table} WHERE {condition}", *params)
    return [dict(zip(columns, row, strict=True)) for row in rows]


async def row_of(database: Database, subject: str = "run") -> dict[str, Any]:
    """The row of one execution."""
    (row,) = await select(database, "executions", "external_id = $1", subject)
    return row


async def revisions(database: Database) -> list[int]:
    """The revisions that executions have, in their order."""
    return [row[0] for row in await database.fetch("SELECT revision FROM execution_revisions ORDER BY revision")]


async def newest_revision(database: Database) -> int:
    """The count of revisions."""
    return int((await database.fetch("SELECT revision FROM revision_counter"))[0][0])
