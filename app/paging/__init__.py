"""Pages of a list: what a connection's four arguments ask for, and what it answers.

A list is one or two *segments*: the rows whose sort key is not null, then, for a nullable key, the rows where it is. So
nulls come last in both directions while one ascending index (key, id) serves both (app/paging/keyset.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from app.db import Database
from app.errors import BadInput
from app.paging.keyset import Ordering, Position, Segment

T = TypeVar("T")
U = TypeVar("U")
Probe = Callable[[], Awaitable[bool]]

PAGE_SIZE = 50
MAX_PAGE_SIZE = 100

# Numbers of rows that statements ask for (the page and one more, which tells whether there is a next page). They are
# part of the statement's text: with LIMIT $1, Postgres costs a generic plan for a tenth of the table and falls for a
# hash join over all of it. Only a few steps, so that the connection has prepared the text already. The last three are
# for log lines.
LIMITS = (2, 11, 21, 26, 51, MAX_PAGE_SIZE + 1, 201, 501, 1001)

# Counting stops here: 10,000 index entries take 2 ms, a million 150 ms.
MAX_COUNT = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """A number of rows; at least `value` if not `exact`, because counting stops somewhere."""

    value: int
    exact: bool

    @classmethod
    def capped(cls, counted: int, most: int | None = None) -> Count:
        """Of a number of rows that stopped at one more than `most`, or than MAX_COUNT."""
        most = MAX_COUNT if most is None else most
        return cls(min(counted, most), exact=counted <= most)


async def counted(database: Database, rows: str, *params: object) -> Count:
    """How many rows a SELECT without a LIMIT has, exactly up to MAX_COUNT."""
    found = await database.fetch_long(f"SELECT count(*) FROM ({rows} LIMIT {MAX_COUNT + 1}) c", *params)
    return Count.capped(found[0][0])


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The four arguments of a connection, as given; BadInput for a number out of range, or first with last.

    `most` is the greatest size of the list's pages.
    """

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None
    most: int = MAX_PAGE_SIZE

    def __post_init__(self) -> None:
        if self.first is not None and self.last is not None:
            raise BadInput("Pass first or last, not both")
        name = "first" if self.last is None else "last"
        if not 1 <= self.size <= self.most:
            raise BadInput(f"{name}: must be 1 to {self.most}, not {self.size}")

    @property
    def size(self) -> int:
        """The maximum number of rows of the page."""
        if self.last is not None:
            return self.last
        return PAGE_SIZE if self.first is None else self.first

    @property
    def backward(self) -> bool:
        """Whether to take the page from the end of what lies between after and before."""
        return self.last is not None


class Page(Generic[T]):
    """Rows in list order. It computes on demand what only some queries ask for."""

    __slots__ = ("_next", "_ordering", "_previous", "cursor", "items", "position")

    def __init__(
        self,
        items: list[T],
        ordering: Ordering,
        position: Callable[[T], Position],
        previous: bool | Probe = False,
        next: bool | Probe = False,
    ) -> None:
        self.items = items
        self.cursor = ordering.cursors(position)  # of one of the items
        self._ordering = ordering
        self.position = position  # of one of them as well
        self._previous = previous
        self._next = next

    @property
    def start_cursor(self) -> str | None:
        """The cursor of the first item; None on an empty page."""
        return self.cursor(self.items[0]) if self.items else None

    @property
    def end_cursor(self) -> str | None:
        """The cursor of the last item; None on an empty page."""
        return self.cursor(self.items[-1]) if self.items else None

    def of(self, items: list[U], row: Callable[[U], T]) -> Page[U]:
        """The same page of other items: what was made of its rows, each of which `row` gives back."""
        position = self.position
        return Page(items, self._ordering, lambda item: position(row(item)), self._previous, self._next)

    async def has_next_page(self) -> bool:
        """Whether the list has rows after this page. One statement for a page that `before` ended, else none."""
        if not isinstance(self._next, bool):
            self._next = await self._next()
        return self._next

    async def has_previous_page(self) -> bool:
        """Whether the list has rows before this page. One statement for a page that `after` began, else none."""
        if not isinstance(self._previous, bool):
            self._previous = await self._previous()
        return self._previous


async def read_page(
    ordering: Ordering,
    request: PageRequest,
    read: Callable[[Segment], Awaitable[list[T]]],
    position: Callable[[T], Position],
    fitting: Callable[[list[T]], int] = len,
) -> Page[T]:
    """The page that `request` asks for; `read` runs a segment, with its rest.

    `fitting` says how many of the rows, in the order in which they were read, a page has room for; at least one. `read`
    may leave out what follows the first row that does not fit. Raises BadInput for a cursor of another ordering.
    """
    after = None if request.after is None else ordering.position(request.after)
    before = None if request.before is None else ordering.position(request.before)
    size = request.size
    items = await _read_between(ordering, after, before, request.backward, size + 1, read)
    kept = min(size, fitting(items))
    more = len(items) > kept
    del items[kept:]

    # With a cursor at an end, rows beyond it are likely but not certain (they may be deleted, or new): look.
    async def exists_from(place: Position) -> bool:
        start = ordering.nudged(place, 1 if ordering.descending else -1)
        return bool(await _read_between(ordering, start, None, False, 1, read))

    async def exists_up_to(place: Position) -> bool:
        end = ordering.nudged(place, -1 if ordering.descending else 1)
        return bool(await _read_between(ordering, None, end, True, 1, read))

    previous: bool | Probe = partial(exists_up_to, after) if after else False
    following: bool | Probe = partial(exists_from, before) if before else False
    if request.backward:
        items.reverse()
        return Page(items, ordering, position, more or previous, following)
    return Page(items, ordering, position, previous, more or following)


def limit_for(wanted: int) -> int:
    """The least of LIMITS that is enough."""
    return next(limit for limit in LIMITS if limit >= wanted)


async def _read_between(
    ordering: Ordering,
    after: Position | None,
    before: Position | None,
    backward: bool,
    wanted: int,
    read: Callable[[Segment], Awaitable[list[T]]],
) -> list[T]:
    """At least `wanted` rows between two positions in list order, if there are; from the end if backward."""
    limit = limit_for(wanted)
    segment = None
    for null in (False, True) if backward else (True, False):
        if bounds := _bounds(ordering, null, after, before):
            segment = Segment(ordering, null, *bounds, ordering.descending == backward, limit, segment)
    return [] if segment is None else await read(segment)


def _bounds(
    ordering: Ordering, null: bool, after: Position | None, before: Position | None
) -> tuple[Position | None, Position | None] | None:
    """What two positions leave of a segment, in index order; None if nothing."""
    if null and not ordering.nullable:
        return None
    if after is not None and (after.key is None) != null:
        if not null:
            return None  # it starts among the nulls, after this segment
        after = None
    if before is not None and (before.key is None) != null:
        if null:
            return None  # it ends before the nulls
        before = None
    return (before, after) if ordering.descending else (after, before)
