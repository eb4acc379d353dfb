"""Reads of facets."""

from __future__ import annotations

from typing import Any

from app.auth import Permission
from app.executions.facets import Counts, Facet
from app.executions.filters import ExecutionFilter
from app.executions.searching import check_search
from app.paging import Count
from app.paging.search import searchable
from resolvers.arguments import Argument
from resolvers.context import Context


async def find_facets(context: Context, where: Argument[ExecutionFilter]) -> ExecutionFilter:
    """The filter whose facets can be counted."""
    context.require(Permission.READ)
    return where()


async def total(context: Context, where: ExecutionFilter) -> Count:
    """How many match."""
    context.require(Permission.READ)
    context.budget.take_figures()
    return await context.facets.total(where)


async def unresolved(context: Context, where: ExecutionFilter) -> Count:
    """How many match that are unresolved."""
    context.require(Permission.READ)
    context.budget.take_figures()
    return await context.facets.unresolved(where)


async def statuses(context: Context, where: ExecutionFilter) -> Counts:
    """How many match with each status."""
    context.require(Permission.READ)
    context.budget.take_figures()
    return await context.facets.statuses(where)


async def states(context: Context, where: ExecutionFilter) -> Counts:
    """How many match in each state."""
    context.require(Permission.READ)
    context.budget.take_figures()
    return await context.facets.states(where)


async def values(
    context: Context,
    facet: Facet,
    where: ExecutionFilter,
    first: Argument[int] | None = None,
    search: str | None = None,
) -> list[tuple[Any, Count]]:
    """The most frequent values of a facet that contain `search`; all if no `first` is given."""
    context.require(Permission.READ)
    size = None if first is None else first()
    check_search(search)
    context.budget.take_figures()
    found = await context.facets.by(facet, where)
    term = searchable(search or "")
    return [(value, count) for value, count in found.items() if term in searchable(value)][:size]
