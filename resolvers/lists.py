"""Lists: a page, and facts about the whole list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.changes import revisions
from app.paging import Count, Page, PageRequest
from resolvers.context import Context

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """A page, and the cursor of updates from which on it may be out of date."""

    page: Page[T]
    updates_cursor: str | None  # None: nobody asked for it


@dataclass(frozen=True, slots=True)
class CountedList(Listed[T]):
    """`count` asks for the number of rows on all pages: one more statement."""

    count: Callable[[], Awaitable[Count]]


async def read_list(
    context: Context,
    request: PageRequest,
    page: Callable[[], Awaitable[Page[T]]],
    count: Callable[[], Awaitable[Count]],
    *,
    follows: bool = True,
) -> CountedList[T]:
    """The list that `page` and `count` read. The caller has asked for the permission, which holds for both.

    Unless somebody `follows` it from here on, it needs no cursor of updates, which is a statement.
    """
    context.budget.take_list(request.size)
    if not follows:
        return CountedList(await page(), None, count)
    # Before the page: what the page then misses has a later revision.
    epoch, revision = await revisions.revision_of(context.database)
    return CountedList(await page(), revisions.updates_cursor(epoch, revision), count)
