"""Reads of error groups."""

from __future__ import annotations

from app import error_groups
from app.auth import Permission
from app.error_groups import CountedGroup, ErrorGroup, Sightings
from app.error_groups.fingerprints import Basis
from app.executions import Execution
from app.metrics.filters import MetricsFilter
from app.paging import PageRequest
from resolvers.arguments import Argument
from resolvers.context import Context
from resolvers.lists import CountedList, read_list


async def list_error_groups(
    context: Context, where: Argument[MetricsFilter], request: Argument[PageRequest]
) -> CountedList[CountedGroup]:
    """A page of the groups of a window, most frequent first."""
    context.require(Permission.READ)
    database, window, given = context.database, where(), request()
    return await read_list(
        context,
        given,
        lambda: error_groups.list_page(database, window, given),
        lambda: error_groups.count(database, window),
    )


async def find_error_group(context: Context, id_: str) -> ErrorGroup | None:
    """One group; None if it has no execution."""
    context.require(Permission.READ)
    return await context.loaders.error_groups.load(id_)


async def basis_of(context: Context, group: ErrorGroup) -> Basis | None:
    """What a group was made by; None if its last execution has just left it."""
    context.require(Permission.READ)
    latest = await context.loaders.error_group_executions.load(group.id)
    return None if latest is None else error_groups.basis_of(latest, await context.loaders.payloads.load(latest.id))


async def sightings(context: Context, group: ErrorGroup) -> Sightings | None:
    """How often and when a group happened; None if its last execution has just left it."""
    context.require(Permission.READ)
    return await context.loaders.error_group_sightings.load(group.id)


async def latest_execution(context: Context, group: ErrorGroup) -> Execution | None:
    """The newest execution of a group by queuedAt."""
    context.require(Permission.READ)
    return await context.loaders.error_group_executions.load(group.id)
