"""Error groups: failures with one fingerprint."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from app import error_groups, ids
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


@strawberry.type(description="Failures with one type, one message apart from its variable parts, and one origin.")
class ErrorGroup(Node):
    """Failures with one fingerprint."""

    row: strawberry.Private[error_groups.ErrorGroup]
    type: str | None = strawberry.field(description="Error type. Null if the engine names none.")
    message: str = strawberry.field(
        description="Message with placeholders for its variable parts, for example: no user <num>."
    )

    @strawberry.field(
        description="What its failures share beside the type. Null if its last execution has just left it."
    )
    async def basis(self, info: Info) -> ErrorGroupBasis | None:
        """Batched."""
        found = await resolvers.basis_of(info.context, self.row)
        return None if found is None else ErrorGroupBasis[found.name]

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
    async def latest_execution(self, info: Info) -> Annotated[Execution, strawberry.lazy("schema.execution")] | None:
        """Batched."""
        latest = await resolvers.latest_execution(info.context, self.row)
        return None if latest is None else execution.Execution.of(latest)

    async def _sightings(self, info: Info) -> error_groups.Sightings:
        found = await resolvers.sightings(info.context, self.row)
        return error_groups.Sightings(0, 0, 0) if found is None else found


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
