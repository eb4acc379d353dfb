"""What changes error groups."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from app.error_groups.fingerprints import Distinction
from resolvers import error_groups as group_resolvers
from schema.context import Info
from schema.error_group import ErrorGroup
from schema.error_group_changes import (
    MergeErrorGroupsInput,
    MergeErrorGroupsPayload,
    SetErrorGroupStateInput,
    SetErrorGroupStatePayload,
    SplitErrorGroupInput,
    SplitErrorGroupPayload,
    UnmergeErrorGroupPayload,
)
from schema.scalars import verb_id

GroupId = Annotated[strawberry.ID, strawberry.argument(description="The error group.")]
GroupStateInput = Annotated[
    SetErrorGroupStateInput, strawberry.argument(description="The error group, and what to say of it.")
]
MergeInput = Annotated[MergeErrorGroupsInput, strawberry.argument(description="The error groups to merge.")]
SplitInput = Annotated[SplitErrorGroupInput, strawberry.argument(description="The error group to split, and by what.")]


@strawberry.field(
    description=(
        "Merges error groups into another one, which keeps its id: their executions, counts and ids count as its"
        " own, those of runs to come too. Nothing else changes, no alert fires, and `unmergeErrorGroup` undoes it."
        " Merging again changes nothing. NOT_FOUND for an unknown id; BAD_USER_INPUT for none or more than 200;"
        " LIMIT_EXCEEDED for a group of more than 200. ADMIN only, and audited."
    )
)
async def merge_error_groups(info: Info, input: MergeInput) -> MergeErrorGroupsPayload:
    """Audited."""
    merged = partial(lambda given: [verb_id("from", "errorGroup", id_) for id_ in given], input.from_)
    into = partial(verb_id, "into", "errorGroup", input.into)
    group = await group_resolvers.merge_error_groups(info.context, merged, into)
    return MergeErrorGroupsPayload(group=ErrorGroup.of(group))


@strawberry.field(
    description=(
        "Says of an error group that its cause is mended (RESOLVED: REGRESSED as soon as a failure was queued"
        " later), or that nobody wants to see it (MUTED, until a time or for good); null takes either back. Its"
        " executions stay as they are. NOT_FOUND for an unknown id; BAD_USER_INPUT for OPEN and REGRESSED, which"
        " cannot be set, and for a time that is past or without MUTED. ADMIN only, and audited."
    )
)
async def set_error_group_state(info: Info, input: GroupStateInput) -> SetErrorGroupStatePayload:
    """Audited."""
    group = await group_resolvers.set_error_group_state(info.context, input.group_id, input.marking)
    return SetErrorGroupStatePayload(group=ErrorGroup.of(group))


@strawberry.field(
    description=(
        "Splits an error group: failures that differ in what `by` names are groups of their own, those to come at"
        " once, those that are there within seconds or minutes. Its id leads to the part that happened last, and in"
        " filters to all. Counts of pruned executions cannot be split. No alert fires, and `unsplitErrorGroup`"
        " undoes it. NOT_FOUND for an unknown id; BAD_USER_INPUT for an empty `by`, for a group that was merged, or"
        " split otherwise; CONFLICT while an earlier split of it is being undone; LIMIT_EXCEEDED beyond 100 splits."
        " ADMIN only, and audited."
    )
)
async def split_error_group(info: Info, input: SplitInput) -> SplitErrorGroupPayload:
    """Audited."""
    by = [Distinction[each.name] for each in input.by]
    group = await group_resolvers.split_error_group(info.context, partial(verb_id, "id", "errorGroup", input.id), by)
    return SplitErrorGroupPayload(group=ErrorGroup.of(group))


@strawberry.field(
    description=(
        "Takes an error group out of the one that it was merged into; of one that others were merged into, takes"
        " all of them out. Any other group stays as it is. NOT_FOUND for an unknown id. ADMIN only, and audited."
    )
)
async def unmerge_error_group(info: Info, id: GroupId) -> UnmergeErrorGroupPayload:
    """Audited."""
    group = await group_resolvers.unmerge_error_group(info.context, partial(verb_id, "id", "errorGroup", id))
    return UnmergeErrorGroupPayload(group=ErrorGroup.of(group))


@strawberry.field(
    description=(
        "Undoes the split of an error group, or of the one that this is a part of: within seconds or minutes its"
        " parts are one group again, and their ids lead to it. Any other group stays as it is. NOT_FOUND for an"
        " unknown id; BAD_USER_INPUT while one of the parts is merged. ADMIN only, and audited."
    )
)
async def unsplit_error_group(info: Info, id: GroupId) -> SplitErrorGroupPayload:
    """Audited."""
    group = await group_resolvers.unsplit_error_group(info.context, partial(verb_id, "id", "errorGroup", id))
    return SplitErrorGroupPayload(group=ErrorGroup.of(group))
