"""What all connections share."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Generic, Self, TypeVar

import strawberry

from app import paging
from app.graphql.compiled.projections import PROJECTION, OfRow, Rows
from app.paging import PageRequest
from resolvers.lists import CountedList, Listed

First = Annotated[int | None, strawberry.argument(description="Page size, 1 to 100. Defaults to 50.")]
After = Annotated[
    str | None,
    strawberry.argument(description="Rows after this cursor. BAD_USER_INPUT for a cursor of another list or order."),
]
Last = Annotated[
    int | None,
    strawberry.argument(description="Page size from the end of the list, 1 to 100. Not together with `first`."),
]
Before = Annotated[
    str | None,
    strawberry.argument(description="Rows before this cursor. BAD_USER_INPUT for a cursor of another list or order."),
]

# The metadata of an edge's cursor.
CURSOR: dict[Any, Any] = {PROJECTION: OfRow()}

__all__ = [
    "CURSOR",
    "EDGES",
    "NODES",
    "After",
    "Before",
    "Connection",
    "Count",
    "Edge",
    "First",
    "Last",
    "NameCount",
    "PageInfo",
    "PageRequest",
    "counted",
    "edges",
    "nodes",
    "size_of",
]

RowT = TypeVar("RowT")
NodeT = TypeVar("NodeT")


def size_of(first: int) -> int:
    """The size of a list that has one page only; BadInput when it is out of range."""
    return PageRequest(first=first).size


@strawberry.enum(description="Whether a count is exact.")
class CountKind(Enum):
    """Whether a count is exact."""

    EXACT = strawberry.enum_value("EXACT", description="The value is exact.")
    AT_LEAST = strawberry.enum_value("AT_LEAST", description="Counting stopped at the value; there are more rows.")


@strawberry.type(description="A number of rows. Counting stops at 10,000, unless counting all is cheap.")
class Count:
    """How many rows a list has."""

    value: int = strawberry.field(description="Number of counted rows.")
    kind: CountKind = strawberry.field(description="EXACT, or AT_LEAST if counting stopped.")

    @classmethod
    def of(cls, count: paging.Count) -> Count:
        """From app's count."""
        return cls(value=count.value, kind=CountKind.EXACT if count.exact else CountKind.AT_LEAST)


@strawberry.type(description="A name with a number of executions.")
class NameCount:
    """A name with a number of executions."""

    name: str = strawberry.field(description="The name.")
    count: Count = strawberry.field(description="Number of executions.")


@strawberry.type(description="Position of a page in its list.")
class PageInfo:
    """Position of a page in its list."""

    page: strawberry.Private[paging.Page[Any]]

    @strawberry.field(description="Whether rows follow this page.")
    async def has_next_page(self) -> bool:
        """Looks only when asked."""
        return await self.page.has_next_page()

    @strawberry.field(description="Whether rows precede this page.")
    async def has_previous_page(self) -> bool:
        """Looks only when asked."""
        return await self.page.has_previous_page()

    @strawberry.field(description="Cursor of the first row. Null on an empty page.")
    def start_cursor(self) -> str | None:
        """Of the first row."""
        return self.page.start_cursor

    @strawberry.field(description="Cursor of the last row. Null on an empty page.")
    def end_cursor(self) -> str | None:
        """Of the last row."""
        return self.page.end_cursor


# Each connection derives from these and describes its own rows: types that Strawberry makes of a generic one, and the
# fields of those, share one description.


@strawberry.type(description="A row in a list.")
class Edge(Generic[RowT, NodeT]):
    """A row in a list: its node and its cursor."""

    row: strawberry.Private[RowT]
    cursor: str = strawberry.field(description="Cursor of this row. Opaque.")
    node: NodeT = strawberry.field(description="The row.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[RowT]):
    """A page of a list of app's rows."""

    listed: strawberry.Private[Listed[RowT]]
    page_info: PageInfo = strawberry.field(description="Position of this page in the list.")
    updates_cursor: str = strawberry.field(description="Cursor for `executionUpdated(after:)`, read before the page.")

    @classmethod
    def of(cls, listed: Listed[RowT]) -> Self:
        """From a resolver's list."""
        cursor: str = listed.updates_cursor  # type: ignore[assignment]  # None only if it is not selected
        return cls(listed=listed, page_info=PageInfo(page=listed.page), updates_cursor=cursor)


def _items(self: Connection[Any]) -> list[Any]:
    return self.listed.page.items


# The projections of the two fields, where only the resolver makes objects.
EDGES = Rows(_items, shared=lambda self: self.listed.page.cursor)
NODES = Rows(_items)


def edges(edge: type[Edge[Any, Any]], node: Callable[[Any], object], description: str) -> Any:
    """The field of a connection that has its rows with their cursors; `node` makes what an edge is of."""

    def resolve(self: Connection[Any]) -> list[Any]:
        page = self.listed.page
        return [edge(row=row, cursor=page.cursor(row), node=node(row)) for row in page.items]

    return strawberry.field(resolve, description=description, metadata={PROJECTION: EDGES})


def nodes(node: Callable[[Any], object], description: str) -> Any:
    """The field of a connection that has its rows without their cursors."""

    def resolve(self: Connection[Any]) -> list[Any]:
        return [node(row) for row in self.listed.page.items]

    return strawberry.field(resolve, description=description, metadata={PROJECTION: Rows(_items, node)})


def counted() -> Any:
    """The field of a connection that has the number of its rows on all pages."""

    async def resolve(self: Connection[Any]) -> Count:
        assert isinstance(self.listed, CountedList)
        return Count.of(await self.listed.count())

    return strawberry.field(resolve, description="Number of rows on all pages. Counted only if selected.")
