"""Reads of error groups."""

from __future__ import annotations

from dataclasses import dataclass

from app import error_groups
from app.auth import Permission
from app.changes import revisions
from app.error_groups import CountedGroup, ErrorGroup, Sightings
from app.executions import Execution
from app.metrics.filters import MetricsFilter
from app.paging import Count, Page, PageRequest
from resolvers.context import Context


@dataclass(frozen=True, slots=True)
class ErrorGroupList:
    """A page, the window it was made with, and the place in the changes from which on it may be out of date."""

    page: Page[CountedGroup]
    where: MetricsFilter
    updates_cursor: str


async def list_error_groups(context: Context, where: MetricsFilter, request: PageRequest) -> ErrorGroupList:
    """A page of the groups of a window, the most frequent first."""
    context.require(Permission.READ)
    context.budget.take_list(request.size)
    epoch, revision = await revisions.revision_of(context.database)
    page = await error_groups.list_page(context.database, where, request)
    return ErrorGroupList(page, where, revisions.updates_cursor(epoch, revision))


async def count_error_groups(context: Context, where: MetricsFilter) -> Count:
    """How many groups have failures in a window."""
    context.require(Permission.READ)
    return await error_groups.count(context.database, where)


async def find_error_group(context: Context, id_: str) -> ErrorGroup | None:
    """One group, or None when no execution is in it."""
    context.require(Permission.READ)
    return await context.loaders.error_groups.load(id_)


async def sightings(context: Context, group: ErrorGroup) -> Sightings | None:
    """How often and when a group happened; None when its last execution has just left it."""
    context.require(Permission.READ)
    return await context.loaders.error_group_sightings.load(group.id)


async def latest_execution(context: Context, group: ErrorGroup) -> Execution | None:
    """The newest execution of a group by queuedAt."""
    context.require(Permission.READ)
    return await context.loaders.error_group_executions.load(group.id)
