"""Error groups: everybody may read them, and administrators merge and split them."""

from __future__ import annotations

from collections.abc import Sequence

from app import error_groups
from app.auth import Permission
from app.error_groups import CountedGroup, ErrorGroup, Sightings, merging, splitting
from app.error_groups.fingerprints import Basis, Distinction
from app.error_groups.merging import Merge
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


async def basis_of(context: Context, group: ErrorGroup) -> Basis:
    """What a group was made by."""
    context.require(Permission.READ)
    return error_groups.basis_of(group.latest, await context.loaders.payloads.load(group.latest.id))


async def sightings(context: Context, fingerprints: Sequence[str]) -> Sightings | None:
    """How often and when a group happened; None if its last execution has just left it."""
    context.require(Permission.READ)
    found = await context.loaders.error_group_sightings.load_all(fingerprints)
    return error_groups.summed(found.values())


async def members(context: Context, group: ErrorGroup) -> list[tuple[Merge, ErrorGroup | None]]:
    """What was merged into a group, the newest first, and what each would be alone; None without any execution."""
    context.require(Permission.READ)
    if len(group.fingerprints) == 1:
        return []
    found = await context.loaders.error_group_merges.load(group.id) or []
    context.budget.take_list(len(found))
    alone = await context.loaders.error_group_members.load_all(each.fingerprint for each in found)
    return [(each, alone[each.fingerprint]) for each in found]


async def merge_error_groups(context: Context, given: Argument[Sequence[str]], into: Argument[str]) -> ErrorGroup:
    """Merge groups into another one."""
    context.require(Permission.MANAGE_GROUPS)
    return await merging.merge(context.database, context.viewer.name, given(), into())


async def unmerge_error_group(context: Context, id_: Argument[str]) -> ErrorGroup:
    """Take a group apart, or one out of another."""
    context.require(Permission.MANAGE_GROUPS)
    return await merging.unmerge(context.database, context.viewer.name, id_())


async def split_error_group(context: Context, id_: Argument[str], by: Sequence[Distinction]) -> ErrorGroup:
    """Split a group by what tells its failures apart."""
    context.require(Permission.MANAGE_GROUPS)
    return await splitting.split(context.database, context.viewer.name, id_(), by)


async def unsplit_error_group(context: Context, id_: Argument[str]) -> ErrorGroup:
    """Bring the parts of a group together again."""
    context.require(Permission.MANAGE_GROUPS)
    return await splitting.unsplit(context.database, context.viewer.name, id_())
