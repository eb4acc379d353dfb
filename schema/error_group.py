"""Error groups: failures with one fingerprint."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from app import error_groups, ids
from app.error_groups import merging
from app.error_groups.fingerprints import Distinction
from resolvers import error_groups as resolvers
from schema import execution  # the module: the two types name each other
from schema.context import Info
from schema.node import Node
from schema.paging import Connection, Count, Edge, counted, edges, nodes
from schema.scalars import DateTime

if TYPE_CHECKING:
    from schema.execution import Execution


@strawberry.enum(description="What the failures of an error group share, beside the type of their error.")
class ErrorGroupBasis(Enum):
    """What a group was made by."""

    FRAMES = strawberry.enum_value(
        "FRAMES",
        description=(
            "Message, if there is one, and the innermost frames of the stack trace: up to five, without lines, folders,"
            " hashes and numbers of a build. Of a cause, where the trace has causes; of an exception group's leaves."
        ),
    )
    MESSAGE = strawberry.enum_value("MESSAGE", description="Message alone: no stack trace in a known format.")
    FILES = strawberry.enum_value(
        "FILES",
        description=(
            "No message, and a stack trace in an unknown format: files that it names with a line, and its last line."
        ),
    )
    LINES = strawberry.enum_value(
        "LINES", description="No message, and a stack trace in an unknown format without files: its last five lines."
    )
    PLACE = strawberry.enum_value("PLACE", description="Neither message nor stack trace: workflow and failed step.")


@strawberry.enum(description="What tells the failures of one error group apart.")
class ErrorGroupSplit(Enum):
    """What a group is split by."""

    MESSAGE = strawberry.enum_value("MESSAGE", description="Message, with the parts that vary.")
    FRAMES = strawberry.enum_value(
        "FRAMES", description="Stack trace: up to 100 frames, of which a group has five. In an unknown format: its end."
    )
    WORKFLOW = strawberry.enum_value("WORKFLOW", description="Name of the workflow.")
    STEP = strawberry.enum_value("STEP", description="Name of the failed step.")


@strawberry.type(description="An error group that was merged into another one by `mergeErrorGroups`.")
class ErrorGroupMember:
    """A merge, and what it merged."""

    merge: strawberry.Private[merging.Merge]
    id: strawberry.ID = strawberry.field(
        description="Global id that it had. `node` and filters take it as the other's, `unmergeErrorGroup` undoes that."
    )
    type: str | None = strawberry.field(
        description="Error type. Null if the engine names none, or none of its executions is kept."
    )
    message: str | None = strawberry.field(
        description="Message with placeholders for its variable parts. Null if none of its executions is kept."
    )
    merged_at: DateTime = strawberry.field(description="When it was merged.")
    merged_by: str = strawberry.field(description="Name of the viewer who merged it.")

    @classmethod
    def of(cls, merge: merging.Merge, alone: error_groups.ErrorGroup | None) -> ErrorGroupMember:
        """From app's merge, and the group that it would be alone."""
        return cls(
            merge=merge,
            id=strawberry.ID(ids.to_global("errorGroup", merge.fingerprint)),
            type=None if alone is None else alone.type,
            message=None if alone is None else alone.message,
            merged_at=DateTime(merge.at),
            merged_by=merge.actor,
        )

    @strawberry.field(description="Number of its executions, without a window.")
    async def count(self, info: Info) -> int:
        """Batched."""
        found = await resolvers.sightings(info.context, (self.merge.fingerprint,))
        return 0 if found is None else found.count


@strawberry.type(
    description=(
        "Failures with one type, one message apart from its variable parts, and one origin, or several merged ones."
        " Type, message and basis are those of its newest execution."
    )
)
class ErrorGroup(Node):
    """Failures with one fingerprint, or with several that were merged."""

    row: strawberry.Private[error_groups.ErrorGroup]
    type: str | None = strawberry.field(description="Error type. Null if the engine names none.")
    message: str = strawberry.field(
        description="Message with placeholders for its variable parts, for example: no user <num>."
    )

    @strawberry.field(description="What its failures share beside the type.")
    async def basis(self, info: Info) -> ErrorGroupBasis | None:
        """Batched."""
        return ErrorGroupBasis[(await resolvers.basis_of(info.context, self.row)).name]

    @classmethod
    def of(cls, row: error_groups.ErrorGroup) -> ErrorGroup:
        """From app's group."""
        return cls(id=strawberry.ID(ids.to_global("errorGroup", row.id)), row=row, type=row.type, message=row.message)

    @strawberry.field(description="Least queuedAt of its executions.")
    async def first_seen_at(self, info: Info) -> DateTime:
        """Batched."""
        return DateTime((await self._sightings(info)).first)

    @strawberry.field(description="Greatest queuedAt of its executions.")
    async def last_seen_at(self, info: Info) -> DateTime:
        """Batched."""
        return DateTime((await self._sightings(info)).last)

    @strawberry.field(description="Number of its executions, without a window.")
    async def count(self, info: Info) -> int:
        """Batched."""
        return (await self._sightings(info)).count

    @strawberry.field(description="Its newest execution by queuedAt.")
    def latest_execution(self) -> Annotated[Execution, strawberry.lazy("schema.execution")] | None:
        """Read with the group."""
        return execution.Execution.of(self.row.latest)

    @strawberry.field(
        description=(
            "Groups that somebody merged into it, newest merge first, at most 200; their executions count as its own."
            " Empty for most."
        )
    )
    async def members(self, info: Info) -> list[ErrorGroupMember]:
        """Batched."""
        return [ErrorGroupMember.of(merge, alone) for merge, alone in await resolvers.members(info.context, self.row)]

    @strawberry.field(
        description="What its group was split by, if it is a part of one that `splitErrorGroup` split. Empty for most."
    )
    def split_by(self) -> list[ErrorGroupSplit]:
        """Read with the group."""
        return [each for each in ErrorGroupSplit if Distinction[each.name] in self.row.split_by]

    async def _sightings(self, info: Info) -> error_groups.Sightings:
        found = await resolvers.sightings(info.context, self.row.fingerprints)
        return found or error_groups.Sightings(0, 0, 0)


@strawberry.type(description="An error group in a list.")
class ErrorGroupEdge(Edge[error_groups.CountedGroup, ErrorGroup]):
    """An error group in a list."""

    node: ErrorGroup = strawberry.field(description="The error group.")

    @strawberry.field(description="Number of its executions in the list's window.")
    def count(self) -> int:
        """Read with the page."""
        return self.row.failures


def _node(row: error_groups.CountedGroup) -> ErrorGroup:
    return ErrorGroup.of(row.group)


@strawberry.type(description="A page of error groups, most frequent in the window first.")
class ErrorGroupConnection(Connection[error_groups.CountedGroup]):
    """A page of error groups."""

    edges: list[ErrorGroupEdge] = edges(ErrorGroupEdge, _node, "The error groups with their cursors and counts.")
    nodes: list[ErrorGroup] = nodes(_node, "The error groups.")
    total_count: Count = counted()


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
