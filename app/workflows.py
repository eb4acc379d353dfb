"""Workflows: the definitions that engines run, by the names that engines give them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.db import Database
from app.db.rows import RowsOf
from app.executions.searching import check_search, contains
from app.ids import is_id
from app.paging import Count, Page, PageRequest, counted, read_page
from app.paging.keyset import Ordering, Params, Position, Segment


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow of one engine, where its name is unique."""

    id: str
    engine_id: str
    name: str


_WORKFLOWS = RowsOf(Workflow)
_BY_NAME = Ordering("workflows.NAME", "name", kind="text")


async def list_page(database: Database, search: str | None, request: PageRequest) -> Page[Workflow]:
    """A page of the workflows whose name contains `search`, by name sorted by code points.

    Raises BadInput for a cursor of another list or an invalid text, LimitExceeded for a long one.
    """
    check_search(search)

    async def read(segment: Segment) -> list[Workflow]:
        params = Params(database.dialect)
        conditions = [contains(params, "search_text", search)] if search else []
        statement = segment.select(_WORKFLOWS.columns, "workflows", params, conditions)
        fetch = database.fetch_long if search else database.fetch
        return _WORKFLOWS.read_all(await fetch(statement, *params.values))

    return await read_page(_BY_NAME, request, read, lambda workflow: Position(workflow.name, workflow.id))


async def count(database: Database, search: str | None) -> Count:
    """How many workflows there are whose name contains `search`."""
    check_search(search)
    params = Params(database.dialect)
    where = f"WHERE {contains(params, 'search_text', search)}" if search else ""
    return await counted(database, f"SELECT 1 FROM workflows {where}", *params.values)


async def find(
    database: Database, ids: Sequence[str] | None, engines: Sequence[str] | None, search: str | None
) -> list[Workflow]:
    """All workflows of these ids and engines, by name, whose name contains `search`; None does not constrain."""
    check_search(search)
    if ids is not None:
        ids = [id_ for id_ in ids if is_id(id_)]
    params = Params(database.dialect)
    conditions = [] if ids is None else [params.any_of("id", ids, "id")]
    if engines is not None:
        named = params.any_of("name", engines, "text")
        conditions.append(f"engine_id IN (SELECT id FROM engines WHERE {named})")
    if search:
        conditions.append(contains(params, "search_text", search))
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    fetch = database.fetch_long if search else database.fetch
    return _WORKFLOWS.read_all(await fetch(f"SELECT {_WORKFLOWS.columns} FROM workflows {where}", *params.values))


async def by_ids(database: Database, ids: Iterable[str]) -> dict[str, Workflow]:
    """The workflows with these ids, by id. Leaves out unknown ones."""
    known = [id_ for id_ in ids if is_id(id_)]
    if not known:
        return {}
    condition, given = database.among("id", 1, "id", known)
    rows = await database.fetch(f"SELECT {_WORKFLOWS.columns} FROM workflows WHERE {condition}", given)
    return {each.id: each for each in _WORKFLOWS.read_all(rows)}
