"""What all connections share."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import strawberry

from app import paging
from app.paging import PageRequest

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

__all__ = ["After", "Before", "Count", "First", "Last", "PageInfo", "PageRequest"]


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
