"""Error groups: everybody may read them, and administrators merge and split them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app import clock, error_groups
from app.auth import Permission
from app.error_groups import ErrorGroup, Sightings, listing, marks, merging, samples, splitting
from app.error_groups.fingerprints import Basis, Distinction
from app.error_groups.listing import GroupFilter, GroupOrder, ListedGroup
from app.error_groups.marks import GroupState, Marking
from app.error_groups.merging import Merge
from app.error_groups.samples import VariablePart
from app.error_groups.trends import Buckets
from app.metrics.windows import Bucket
from app.paging import Count, PageRequest
from app.time_zones import zone_of
from resolvers.arguments import Argument
from resolvers.context import Context
from resolvers.lists import CountedList, read_list


@dataclass(frozen=True, slots=True)
class GroupList(CountedList[ListedGroup]):
    """A page of groups, and the buckets of their trends."""

    buckets: Buckets


async def list_error_groups(
    context: Context,
    where: Argument[GroupFilter],
    request: Argument[PageRequest],
    order: GroupOrder,
    bucket: Bucket | None,
    time_zone: str,
    *,
    trend: bool = False,
    unresolved: bool = False,
) -> GroupList:
    """A page of the groups of a window, with what somebody asked for."""
    context.require(Permission.READ)
    database, wanted, given, zone = context.database, where(), request(), zone_of(time_zone)
    buckets = Buckets.of(wanted.window, bucket, zone)
    if trend:
        context.budget.take_trend(len(buckets.starts) * given.size)
    listed = await read_list(
        context,
        given,
        lambda: listing.list_page(
            database, wanted, given, order, unresolved=unresolved, trend=buckets if trend else None
        ),
        lambda: listing.count(database, wanted),
    )
    return GroupList(listed.page, listed.updates_cursor, listed.count, buckets)


async def is_new(context: Context, listed: ListedGroup) -> bool:
    """Whether nothing of a group is older than the window of its list."""
    context.require(Permission.READ)
    found = await context.loaders.error_group_sightings.load_all(listed.group.fingerprints)
    seen = error_groups.summed(found.values())
    return seen is not None and seen.first >= listed.since


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


async def state_of(context: Context, group: ErrorGroup) -> GroupState:
    """How a group stands now."""
    context.require(Permission.READ)
    return marks.state_of(
        await context.loaders.error_group_marks.load(group.id), group.latest.queued_at, clock.now_us()
    )


async def muted_until(context: Context, group: ErrorGroup) -> int | None:
    """When a muted group is so no longer; None if it is not muted, or for good."""
    context.require(Permission.READ)
    mark = await context.loaders.error_group_marks.load(group.id)
    muted = marks.state_of(mark, group.latest.queued_at, clock.now_us()) is GroupState.MUTED
    return mark.until if muted and mark is not None else None


async def workflows_of(context: Context, group: ErrorGroup, first: Argument[int]) -> list[tuple[str, Count]]:
    """The names of the workflows that a group happens in, most frequent first, at most `first`."""
    context.require(Permission.READ)
    size = first()
    found = await context.loaders.error_group_workflows.load_all(group.fingerprints)
    return samples.together(found.values())[:size]


async def variables_of(context: Context, group: ErrorGroup) -> list[VariablePart]:
    """The variable parts of a group's message, with their values."""
    context.require(Permission.READ)
    context.budget.take_list(samples.MAX_MESSAGES)
    return await samples.variable_parts(context.database, group.message, group.fingerprints)


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


async def set_error_group_state(context: Context, id_: Argument[str], marking: Argument[Marking]) -> ErrorGroup:
    """Resolve, mute or reopen a group."""
    context.require(Permission.MANAGE_GROUPS)
    return await marks.mark(context.database, context.viewer.name, id_(), marking())


async def split_error_group(context: Context, id_: Argument[str], by: Sequence[Distinction]) -> ErrorGroup:
    """Split a group by what tells its failures apart."""
    context.require(Permission.MANAGE_GROUPS)
    return await splitting.split(context.database, context.viewer.name, id_(), by)


async def unsplit_error_group(context: Context, id_: Argument[str]) -> ErrorGroup:
    """Bring the parts of a group together again."""
    context.require(Permission.MANAGE_GROUPS)
    return await splitting.unsplit(context.database, context.viewer.name, id_())
