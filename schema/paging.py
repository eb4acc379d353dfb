"""What all connections share."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import strawberry

from app import paging
from app.paging import PageRequest

First = Annotated[int | None, strawberry.argument(description="The most rows, 1 to 100; 50 without first and last.")]
After = Annotated[str | None, strawberry.argument(description="Rows after this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="The most rows from the end, 1 to 100; not with first.")]
Before = Annotated[str | None, strawberry.argument(description="Rows before this cursor.")]

__all__ = ["After", "Before", "Count", "First", "Last", "PageInfo", "PageRequest"]


@strawberry.enum(description="Whether a count is the whole truth.")
class CountKind(Enum):
    """Whether a count is exact."""

    EXACT = strawberry.enum_value("EXACT", description="There are exactly so many.")
    AT_LEAST = strawberry.enum_value("AT_LEAST", description="Counting stopped here; there are more.")


@strawberry.type(description="A number of rows. Counting stops at 10,000 unless it is cheap.")
class Count:
    """How many rows a list has."""

    value: int = strawberry.field(description="The number of rows counted.")
    kind: CountKind = strawberry.field(description="EXACT, or AT_LEAST when counting stopped.")

    @classmethod
    def of(cls, count: paging.Count) -> Count:
        """From app's count."""
        return cls(value=count.value, kind=CountKind.EXACT if count.exact else CountKind.AT_LEAST)


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Where a page lies in its list."""

    page: strawberry.Private[paging.Page[Any]]

    @strawberry.field(description="Whether rows follow this page.")
    async def has_next_page(self) -> bool:
        """Looks only when asked."""
        return await self.page.has_next_page()

    @strawberry.field(description="Whether rows precede this page.")
    async def has_previous_page(self) -> bool:
        """Looks only when asked."""
        return await self.page.has_previous_page()

    @strawberry.field(description="Cursor of the first row; null on an empty page.")
    def start_cursor(self) -> str | None:
        """Of the first row."""
        return self.page.start_cursor

    @strawberry.field(description="Cursor of the last row; null on an empty page.")
    def end_cursor(self) -> str | None:
        """Of the last row."""
        return self.page.end_cursor
