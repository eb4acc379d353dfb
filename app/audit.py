"""Who did what: one entry for each action that only administrators may take, in the action's own transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from app import clock
from app.db import Database, Transaction
from app.db.rows import RowsOf
from app.errors import BadInput, LimitExceeded
from app.ids import new_id
from app.paging import Count, Page, PageRequest, counted, read_page
from app.paging.keyset import LEAST_ID, Ordering, Params, Position, Segment
from app.paging.search import check_text

MAX_FILTER_VALUES = 500


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


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries to read; all given fields must match, a list any of its values. None does not constrain."""

    actors: tuple[str, ...] | None = None
    actions: tuple[str, ...] | None = None
    start: int | None = None  # µs since the epoch, inclusive
    end: int | None = None  # exclusive
    subject: str | None = None

    def __post_init__(self) -> None:
        for name, texts in (("actor", self.actors), ("action", self.actions), ("subject", (self.subject or "",))):
            if len(texts or ()) > MAX_FILTER_VALUES:
                raise LimitExceeded(f"filter.{name}: at most {MAX_FILTER_VALUES} values, not {len(texts or ())}")
            for text in texts or ():
                check_text(f"filter.{name}", text)
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise BadInput("filter.from: must be before filter.to")

    def conditions(self, params: Params) -> list[str]:
        """All but those of the time."""
        given = {"actor": self.actors, "action": self.actions}
        conditions = [params.any_of(column, each, "text") for column, each in given.items() if each is not None]
        if self.subject is not None:
            conditions.append(f"subject = {params.bind(self.subject)}")
        return conditions


EVERYTHING = AuditFilter()
_ENTRIES = RowsOf(AuditEntry)
_NEWEST_FIRST = Ordering("auditEntries.AT", "at", descending=True)


async def list_page(database: Database, request: PageRequest, where: AuditFilter = EVERYTHING) -> Page[AuditEntry]:
    """A page of the entries that match, newest first.

    Raises BadInput for a cursor of another list, LimitExceeded when a filter finds too little for too long.
    """
    start, end = (None if at is None else Position(at, LEAST_ID["uuid"]) for at in (where.start, where.end))
    fetch = database.fetch if where == EVERYTHING else database.fetch_long

    async def read(segment: Segment) -> list[AuditEntry]:
        params = Params(database.dialect)
        within = segment.narrowed(start, end)
        statement = within.select(_ENTRIES.columns, "audit_entries", params, where.conditions(params))
        return _ENTRIES.read_all(await fetch(statement, *params.values))

    return await read_page(_NEWEST_FIRST, request, read, lambda entry: Position(entry.at, entry.id))


async def count(database: Database, where: AuditFilter = EVERYTHING) -> Count:
    """How many entries match. Raises LimitExceeded as a page does."""
    params = Params(database.dialect)
    conditions = where.conditions(params)
    if where.start is not None:
        conditions.append(f"at >= {params.bind(where.start)}")
    if where.end is not None:
        conditions.append(f"at < {params.bind(where.end)}")
    found = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return await counted(database, f"SELECT 1 FROM audit_entries{found}", *params.values)


async def by_ids(database: Database, ids: Iterable[str]) -> dict[str, AuditEntry]:
    """The entries with these ids, by id. Leaves out unknown ones."""
    rows = await database.fetch(
        f"SELECT {_ENTRIES.columns} FROM audit_entries WHERE {database.any_of('id', 1, 'id')}", database.array(ids)
    )
    return {each.id: each for each in _ENTRIES.read_all(rows)}
