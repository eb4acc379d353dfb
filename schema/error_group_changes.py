"""What administrators change of error groups: merges, splits and marks."""

from __future__ import annotations

import strawberry

from app.error_groups.marks import GroupState, Marking
from schema.error_group import ErrorGroup, ErrorGroupSplit, ErrorGroupState
from schema.scalars import DateTime, verb_id


@strawberry.input(description="The error groups to merge. ADMIN only.")
class MergeErrorGroupsInput:
    """Which groups are one."""

    from_: list[strawberry.ID] = strawberry.field(
        name="from",
        description="Global ids of the error groups to merge into the other one, 1 to 200.",
    )
    into: strawberry.ID = strawberry.field(description="Global id of the error group that they become part of.")


@strawberry.type(description="Error groups that were merged.")
class MergeErrorGroupsPayload:
    """The merged group."""

    group: ErrorGroup = strawberry.field(description="The error group that they are part of now.")


@strawberry.type(description="An error group that is no part of another one any more.")
class UnmergeErrorGroupPayload:
    """What it is now."""

    group: ErrorGroup = strawberry.field(description="The error group of the given id, as it is now.")


@strawberry.input(description="The error group to split. ADMIN only.")
class SplitErrorGroupInput:
    """Which group, and by what."""

    id: strawberry.ID = strawberry.field(description="Global id of the error group.")
    by: list[ErrorGroupSplit] = strawberry.field(description="What to tell its failures apart by, all of it together.")


@strawberry.type(description="An error group that was split, or brought together again.")
class SplitErrorGroupPayload:
    """What its id leads to."""

    group: ErrorGroup = strawberry.field(
        description="The error group that the given id leads to now; its executions move within seconds or minutes."
    )


@strawberry.input(description="The error group, and what to say of it. ADMIN only.")
class SetErrorGroupStateInput:
    """A mark."""

    id: strawberry.ID = strawberry.field(description="Global id of the error group.")
    state: ErrorGroupState | None = strawberry.field(
        description="RESOLVED or MUTED. Null reopens it: it is OPEN. The others cannot be set."
    )
    muted_until: DateTime | None = strawberry.field(
        default=None, description="When MUTED ends. Null: when somebody ends it. Only with MUTED."
    )

    def marking(self) -> Marking:
        """As app's value; BadInput for a state that cannot be set, or a time in the past."""
        return Marking(None if self.state is None else GroupState[self.state.name], self.muted_until)

    def group_id(self) -> str:
        """The local id; NotFound for an id of another kind."""
        return verb_id("id", "errorGroup", self.id)


@strawberry.type(description="An error group of which somebody said something.")
class SetErrorGroupStatePayload:
    """What it is now."""

    group: ErrorGroup = strawberry.field(description="The error group that the given id leads to.")
