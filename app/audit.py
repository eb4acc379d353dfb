"""Who did what: one entry for each action that only administrators may take, in the action's own transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from app import clock
from app.db import Database, Transaction
from app.db.rows import RowsOf
from app.ids import new_id
from app.paging import Count, Page, PageRequest, counted, read_page
from app.paging.keyset import Ordering, Params, Position, Segment


async def note(
    transaction: Transaction, actor: str, action: str, subject: str | None = None, detail: Any = None
) -> None:
    """Add an entry. `action` is the verb of the API, `subject` a global id; `detail` becomes JSON."""
    now = clock.now_us()
    shown = None if detail is None else orjson.dumps(detail).decode()
    await transaction.insert("audit_entries", _ENTRIES.names, [(new_id(now), now, actor, action, subject, shown)])


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action. `at` is in µs since the epoch, `subject` a global id, `detail` JSON text."""

    id: str
    at: int
    actor: str
    action: str
    subject: str | None
    detail: str | None


_ENTRIES = RowsOf(AuditEntry)
_NEWEST_FIRST = Ordering("auditEntries.AT", "at", descending=True)


async def list_page(database: Database, request: PageRequest) -> Page[AuditEntry]:
    """A page of all entries, newest first. Raises BadInput for a cursor of another list."""

    async def read(segment: Segment) -> list[AuditEntry]:
        params = Params(database.dialect)
        rows = await database.fetch(segment.select(_ENTRIES.columns, "audit_entries", params), *params.values)
        return _ENTRIES.read_all(rows)

    return await read_page(_NEWEST_FIRST, request, read, lambda entry: Position(entry.at, entry.id))


async def count(database: Database) -> Count:
    """How many entries there are."""
    return await counted(database, "SELECT 1 FROM audit_entries")


async def by_ids(database: Database, ids: Iterable[str]) -> dict[str, AuditEntry]:
    """The entries with these ids, by id. Leaves out unknown ones."""
    rows = await database.fetch(
        f"SELECT {_ENTRIES.columns} FROM audit_entries WHERE {database.any_of('id', 1, 'id')}", database.array(ids)
    )
    return {each.id: each for each in _ENTRIES.read_all(rows)}
