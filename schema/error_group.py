"""Error groups: failures with one fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from app import error_groups, ids
from resolvers import error_groups as resolvers
from schema import execution  # the module: the two types name each other
from schema.context import Info
from schema.node import Node
from schema.paging import Count, PageInfo
from schema.scalars import DateTime

if TYPE_CHECKING:
    from schema.execution import Execution


@strawberry.type(
    description="Failures with the same type, the same message but for its variable parts, and one origin."
)
class ErrorGroup(Node):
    """Failures with one fingerprint."""

    row: strawberry.Private[error_groups.ErrorGroup]
    type: str | None = strawberry.field(description="The kind of error; null when the engine names none.")
    message: str = strawberry.field(description="The message with its variable parts replaced, as in: no user <num>.")

    @classmethod
    def of(cls, row: error_groups.ErrorGroup) -> ErrorGroup:
        """From app's group."""
        return cls(id=strawberry.ID(ids.to_global("errorGroup", row.id)), row=row, type=row.type, message=row.message)

    @strawberry.field(description="The least queuedAt of its executions.")
    async def first_seen_at(self, info: Info) -> DateTime:
        """Batched."""
        return DateTime((await self._sightings(info)).first)

    @strawberry.field(description="The greatest queuedAt of its executions.")
    async def last_seen_at(self, info: Info) -> DateTime:
        """Batched."""
        return DateTime((await self._sightings(info)).last)

    @strawberry.field(description="How many executions it has, of all time.")
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
class ErrorGroupEdge:
    """An error group in a list."""

    cursor: str = strawberry.field(description="Its place in this list; opaque.")
    node: ErrorGroup = strawberry.field(description="The group.")
    count: int = strawberry.field(description="How many of its executions lie in the window that the list is of.")


@strawberry.type(description="A page of error groups, those with the most failures in the window first.")
class ErrorGroupConnection:
    """A page of error groups."""

    listed: strawberry.Private[resolvers.ErrorGroupList]
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    updates_cursor: str = strawberry.field(description="A place in the changes of executions, read before the page.")

    @classmethod
    def of(cls, listed: resolvers.ErrorGroupList) -> ErrorGroupConnection:
        """From a resolver's list."""
        return cls(listed=listed, page_info=PageInfo(page=listed.page), updates_cursor=listed.updates_cursor)

    @strawberry.field(description="The groups with their cursors and counts.")
    def edges(self) -> list[ErrorGroupEdge]:
        """With cursors."""
        page = self.listed.page
        return [
            ErrorGroupEdge(cursor=page.cursor(item), node=ErrorGroup.of(item.group), count=item.failures)
            for item in page.items
        ]

    @strawberry.field(description="The groups.")
    def nodes(self) -> list[ErrorGroup]:
        """Without cursors."""
        return [ErrorGroup.of(item.group) for item in self.listed.page.items]

    @strawberry.field(description="How many there are on all pages; counted only when asked for.")
    async def total_count(self, info: Info) -> Count:
        """One more statement."""
        return Count.of(await resolvers.count_error_groups(info.context, self.listed.where))
