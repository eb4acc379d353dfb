"""What was rejected or corrected of an engine's events, the clients that sent them, and ends that were refused."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import msgspec

from app.db import Database
from app.db.rows import Column, RowsOf
from app.lifecycle import State
from app.paging import Count, Page, PageRequest, counted, read_page
from app.paging.keyset import Ordering, Params, Position, Segment


class IssueKind(StrEnum):
    """What became of the events."""

    REJECTED = "REJECTED"
    CLOCK_AHEAD = "CLOCK_AHEAD"
    ASSUMED_UTC = "ASSUMED_UTC"


class Issue(msgspec.Struct, frozen=True):
    """Events of one engine that share a kind and a reason; the ids are those of the newest. Times in µs."""

    id: str
    kind: IssueKind
    reason: str
    events: int
    first_at: int
    last_at: int
    event_id: str | None
    event_type: str | None
    external_id: str | None


class EngineClient(msgspec.Struct, frozen=True):
    """What sent events of an engine, in its own words, and when it last did."""

    name: str
    last_seen_at: int


class _Refused(msgspec.Struct):
    id: Annotated[str, Column("e.id")]
    reason: str


_ISSUES = RowsOf(Issue)
_CLIENTS = RowsOf(EngineClient)
_REFUSED = RowsOf(_Refused, "r")


async def list_page(database: Database, engine_id: str, request: PageRequest) -> Page[Issue]:
    """A page of the issues of an engine, those seen last first. Raises BadInput for a cursor of another list."""
    order = Ordering(f"engineIssues.{engine_id}", "last_at", descending=True)

    async def read(segment: Segment) -> list[Issue]:
        params = Params(database.dialect)
        of_engine = f"engine_id = {params.bind(engine_id)}"
        sql = segment.select(_ISSUES.columns, "engine_issues", params, [of_engine])
        return _ISSUES.read_all(await database.fetch(sql, *params.values))

    return await read_page(order, request, read, lambda issue: Position(issue.last_at, issue.id))


async def count(database: Database, engine_id: str) -> Count:
    """How many issues an engine has."""
    return await counted(database, "SELECT 1 FROM engine_issues WHERE engine_id = $1", engine_id)


async def counts_of(database: Database, engine_ids: Iterable[str]) -> dict[str, int]:
    """How many issues each engine has, by its id. Leaves out those without."""
    condition, given = database.among("engine_id", 1, "id", engine_ids)
    rows = await database.fetch(
        f"SELECT engine_id, count(*) FROM engine_issues WHERE {condition} GROUP BY engine_id", given
    )
    return {id_: int(number) for id_, number in rows}


async def clients_of(database: Database, engine_ids: Iterable[str]) -> dict[str, list[EngineClient]]:
    """The clients of each engine, by its id, those seen last first."""
    condition, given = database.among("engine_id", 1, "id", engine_ids)
    found: dict[str, list[EngineClient]] = {}
    for id_, *values in await database.fetch(
        f"SELECT engine_id, {_CLIENTS.columns} FROM engine_clients WHERE {condition} ORDER BY last_seen_at DESC, name",
        given,
    ):
        found.setdefault(id_, []).append(_CLIENTS.read(values))
    return found


async def refused_ends(database: Database, execution_ids: Iterable[str]) -> dict[str, str]:
    """Why the last end of each unfinished execution was refused, by its id."""
    condition, given = database.among("e.id", 1, "id", execution_ids)
    rows = await database.fetch(
        f"SELECT {_REFUSED.columns} FROM executions e JOIN refused_ends r"
        " ON r.engine_id = e.engine_id AND r.external_id = e.external_id"
        f" WHERE {condition} AND e.state < {int(State.SUCCEEDED)}",
        given,
    )
    return {each.id: each.reason for each in _REFUSED.read_all(rows)}
