"""Lists of error groups."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import strawberry

from app.error_groups.listing import GroupFilter, GroupOrder, ListedGroup
from app.error_groups.marks import GroupState
from resolvers import error_groups as resolvers
from resolvers.error_groups import GroupList
from schema.context import Info
from schema.error_group import ErrorGroup, ErrorGroupState
from schema.execution_input import filter_tuple
from schema.metrics_input import MetricsFilter
from schema.paging import Connection, Count, Edge, counted, edges, nodes
from schema.scalars import DateTime


@strawberry.enum(description="Order of error groups.")
class ErrorGroupOrder(Enum):
    """What a list of groups is sorted by."""

    COUNT = strawberry.enum_value("COUNT", description="Most failures in the window first.")
    LAST_SEEN = strawberry.enum_value("LAST_SEEN", description="Greatest lastSeenAt first.")
    FIRST_SEEN = strawberry.enum_value("FIRST_SEEN", description="Greatest firstSeenAt first: new groups.")
    UNRESOLVED = strawberry.enum_value(
        "UNRESOLVED", description="Most unresolved failures in the window first; those of 10,000 and more are alike."
    )

    @staticmethod
    def order(given: ErrorGroupOrder) -> GroupOrder:
        """As app has it."""
        return GroupOrder[given.name]


Order = Annotated[ErrorGroupOrder, strawberry.argument(description="Order. Defaults to the most failures first.")]
Search = Annotated[
    str | None,
    strawberry.argument(
        description=(
            "Groups whose type contains this text, or whose newest execution's workflow name, external id or error"
            " message does, in any case."
        )
    ),
]
States = Annotated[
    list[ErrorGroupState] | None, strawberry.argument(description="Groups in one of these states; [] matches none.")
]


def group_filter(given: MetricsFilter | None, search: str | None, states: list[ErrorGroupState] | None) -> GroupFilter:
    """As app's value; BadInput for invalid values."""
    wanted = filter_tuple(states, lambda state: GroupState[state.name])
    return GroupFilter(MetricsFilter.where(given), wanted, search)


@strawberry.type(description="An error group in a list.")
class ErrorGroupEdge(Edge[ListedGroup, ErrorGroup]):
    """An error group in a list."""

    node: ErrorGroup = strawberry.field(description="The error group.")

    @strawberry.field(description="Number of its executions in the list's window.")
    def count(self) -> int:
        """Read with the page."""
        return self.row.failures

    @strawberry.field(
        description="Number of its executions in each of the list's `buckets`. Read for all edges of a page at once."
    )
    def trend(self) -> list[int]:
        """Read with the page."""
        return list(self.row.trend)

    @strawberry.field(description="Number of its executions in the list's window that are not `resolved`.")
    def unresolved(self) -> Count:
        """Read with the page."""
        return Count.of(self.row.unresolved)

    @strawberry.field(description="Whether none of its executions that are kept was queued before the list's window.")
    async def is_new(self, info: Info) -> bool:
        """Batched."""
        return await resolvers.is_new(info.context, self.row)


def _node(row: ListedGroup) -> ErrorGroup:
    return ErrorGroup.of(row.group)


@strawberry.type(description="A page of error groups with failures in a window.")
class ErrorGroupConnection(Connection[ListedGroup]):
    """A page of error groups."""

    edges: list[ErrorGroupEdge] = edges(ErrorGroupEdge, _node, "The error groups with their cursors and counts.")
    nodes: list[ErrorGroup] = nodes(_node, "The error groups.")
    total_count: Count = counted()

    @strawberry.field(description="Where the buckets of each edge's trend begin; the first, where the window does.")
    def buckets(self) -> list[DateTime]:
        """Of the window."""
        assert isinstance(self.listed, GroupList)
        return [DateTime(at) for at in self.listed.buckets.begins]
