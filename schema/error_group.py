"""Error groups: failures with one fingerprint."""

from __future__ import annotations

from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import strawberry

from app import error_groups, ids
from app.error_groups import merging
from app.error_groups import samples as samples_of_groups
from app.error_groups.fingerprints import Distinction
from resolvers import error_groups as resolvers
from schema import execution  # the module: the two types name each other
from schema.context import Info
from schema.node import Node
from schema.paging import Count, NameCount, size_of
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


@strawberry.enum(description="How an error group stands. OPEN and REGRESSED follow from what happens.")
class ErrorGroupState(Enum):
    """How a group stands."""

    OPEN = strawberry.enum_value("OPEN", description="Neither resolved nor muted.")
    REGRESSED = strawberry.enum_value(
        "REGRESSED", description="Resolved, and a failure was queued later than that: it is back."
    )
    RESOLVED = strawberry.enum_value("RESOLVED", description="An administrator says that its cause is mended.")
    MUTED = strawberry.enum_value(
        "MUTED", description="An administrator does not want to see it, for a time or for good."
    )


@strawberry.type(description="A value that a variable part of a message has.")
class ErrorGroupValue:
    """A value, and how often."""

    value: str = strawberry.field(description="The value, cut to 200 characters.")
    count: int = strawberry.field(description="Number of executions with it, of those that were looked at.")


@strawberry.type(description="A part of a message that varies within its error group.")
class ErrorGroupVariable:
    """A variable part."""

    part: strawberry.Private[samples_of_groups.VariablePart]
    placeholder: str = strawberry.field(description="What stands for it in the group's message, such as <num>.")
    distinct: int = strawberry.field(description="Number of distinct values, of the executions that were looked at.")

    @classmethod
    def of(cls, part: samples_of_groups.VariablePart) -> ErrorGroupVariable:
        """From app's part."""
        return cls(part=part, placeholder=part.placeholder, distinct=len(part.values))

    @strawberry.field(description="Its values, most frequent first.")
    def values(
        self,
        first: Annotated[
            int, strawberry.argument(description="Maximum number of values, 1 to 100. Defaults to 10.")
        ] = 10,
    ) -> list[ErrorGroupValue]:
        """Of the newest executions."""
        return [ErrorGroupValue(value=value, count=count) for value, count in self.part.values[: size_of(first)]]


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

    @strawberry.field(description="How it stands: what an administrator said of it, and what happened since.")
    async def state(self, info: Info) -> ErrorGroupState:
        """Batched."""
        return ErrorGroupState[await resolvers.state_of(info.context, self.row)]

    @strawberry.field(
        description="When it is muted no longer. Null unless it is MUTED, and for one that is so for good."
    )
    async def muted_until(self, info: Info) -> DateTime | None:
        """Batched."""
        until = await resolvers.muted_until(info.context, self.row)
        return None if until is None else DateTime(until)

    @strawberry.field(
        description=(
            "Names of the workflows that it happens in, most frequent first, of the newest 1,000 executions of each of"
            " its fingerprints: AT_LEAST if there are more."
        )
    )
    async def workflows(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="Maximum number of names, 1 to 100. Defaults to 5.")] = 5,
    ) -> list[NameCount]:
        """Batched."""
        found = await resolvers.workflows_of(info.context, self.row, partial(size_of, first))
        return [NameCount(name=name, count=Count.of(count)) for name, count in found]

    @strawberry.field(
        description=(
            "The parts of its message that vary, in the message's order, with the values that its newest 200 executions"
            " have. Empty for a message without any."
        )
    )
    async def variables(self, info: Info) -> list[ErrorGroupVariable]:
        """One statement."""
        return [ErrorGroupVariable.of(part) for part in await resolvers.variables_of(info.context, self.row)]

    async def _sightings(self, info: Info) -> error_groups.Sightings:
        found = await resolvers.sightings(info.context, self.row.fingerprints)
        return found or error_groups.Sightings(0, 0, 0)
