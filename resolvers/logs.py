"""Reads of log lines, and following a log as it grows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app import ids
from app.auth import Permission
from app.db import Database
from app.errors import BadInput, NotFound
from app.events import LogLevel
from app.executions import Execution, log_counts, log_offsets, log_pages, logs
from app.executions.log_counts import Match
from app.executions.log_offsets import Skip
from app.executions.log_pages import MAX_LINES, Around
from app.executions.logs import EVERY_LINE, LogEnd, LogEntry, LogFilter, LogPosition
from app.executions.searching import check_search
from app.paging import Count, Page, PageRequest
from resolvers.arguments import Argument
from resolvers.context import Context
from resolvers.lists import Listed

# Lines per read for a follower who is behind: at 64 KiB a line at most 6 MB.
MAX_BATCH_LINES = 100
# Of one update: clients take messages of up to 1 MiB, and it may have its last line twice. Lines are numbered from the
# end of the log, where they most often are.
MAX_UPDATE_LINES = 500
MAX_UPDATE_BYTES = 512 * 1024
MAX_RANKED_FOR_UPDATE = 1_000


@dataclass(slots=True)
class Numbered:
    """Lines whose numbers are read together, when the first of them is asked for its own."""

    lines: Sequence[LogEntry]
    upto: LogEnd
    gaps: bool
    most: int | None = None
    reading: asyncio.Task[Mapping[int, int]] | None = field(default=None, init=False)


@dataclass(frozen=True, slots=True)
class LogList(Listed[LogEntry]):
    """A page of a log, and whose log it is. Its cursor of updates is a position in the log."""

    execution: Execution
    filter: LogFilter
    upto: LogEnd
    numbered: Numbered
    skipped: int | None = None  # how many lines of the list the request left out, if it said so


@dataclass(frozen=True, slots=True)
class LogUpdate:
    """Lines that have arrived; none: the given cursor was too old, list again. `cursor` is the position after them."""

    cursor: str
    entries: Sequence[LogEntry] = ()
    upto: LogPosition | None = None  # the log as it was then

    @property
    def numbered(self) -> Numbered:
        """The lines, to be numbered together."""
        assert self.upto is not None
        by_time = sorted(self.entries, key=lambda entry: (entry.at, entry.sequence))
        return Numbered(by_time, self.upto, gaps=True, most=MAX_RANKED_FOR_UPDATE)


async def list_logs(
    context: Context,
    of: Execution | str,
    where: Argument[LogFilter],
    request: Argument[PageRequest | Around | Skip],
    *,
    follows: bool = True,
    columns: tuple[str, ...] | None = None,
) -> LogList | None:
    """A page of the log of an execution, or of its id, by time; None for an unknown execution.

    With the cursor of updates if somebody follows it. NotFound for a page around a line that the log does not have.
    Its items are as those of app.executions.log_pages.list_page.
    """
    context.require(Permission.READ)
    filter_, given = where(), request()
    context.budget.take_list(given.size)
    execution = of if isinstance(of, Execution) else await context.loaders.executions.load(of)
    # Before the page, which then has no line beyond it: what the page misses is what follows the cursor.
    found = None if execution is None else await _end(context, execution, given, follows=follows)
    if execution is None or found is None:
        return None
    end, at = found
    page: Page[Any]
    skipped: int | None = None
    if isinstance(given, Skip):
        skipped = given.lines
        context.budget.take_figures()
        after = await log_offsets.cursor_after(context.database, filter_, end, skipped)
        following = PageRequest(given.size, after, None, None, MAX_LINES)
        page = await log_pages.list_page(context.database, filter_, end, following, columns)
    elif isinstance(given, PageRequest):
        page = await log_pages.list_page(context.database, filter_, end, given, columns)
    elif at is None:
        raise NotFound("around: the log has no such line")
    else:
        page = await log_pages.page_around(context.database, filter_, end, at, given, columns)
    # Its lines are on other pages, or gone with the execution since its row was read.
    doubtful = end.sequence and not page.items and not isinstance(end, LogPosition)
    if doubtful and await logs.position(context.database, execution.id) is None:
        return None
    numbered = Numbered(page.items, end, gaps=filter_ != EVERY_LINE)
    cursor = end.cursor if isinstance(end, LogPosition) else None
    return LogList(page, cursor, execution, filter_, end, numbered, skipped)


async def _end(
    context: Context, execution: Execution, given: PageRequest | Around | Skip, *, follows: bool
) -> tuple[LogEnd, int | None] | None:
    """How far the log goes, and when the line was written that is asked for. The row knows, but for the epoch."""
    if isinstance(given, Around):
        return await logs.position_and_line(context.database, execution.id, given.sequence)
    if not follows:
        return LogEnd(execution.id, execution.log_count), None
    position = await logs.position(context.database, execution.id)
    return None if position is None else (position, None)


async def number_of(context: Context, numbered: Numbered, line: LogEntry) -> int | None:
    """The number of a line among all of its log; None where counting is not worth it."""
    context.require(Permission.READ)
    if numbered.reading is None:
        context.budget.take_figures()
        read = log_counts.numbers(
            context.database, numbered.upto, numbered.lines, gaps=numbered.gaps, most=numbered.most
        )
        numbered.reading = asyncio.create_task(read)
        numbered.reading.add_done_callback(_retrieve)
    # Shielded: cancelling one field must not cancel the others that wait.
    return (await asyncio.shield(numbered.reading)).get(line.sequence)


def _retrieve(reading: asyncio.Task[Mapping[int, int]]) -> None:
    """Whoever asked may be gone: nobody else has to hear of a failure."""
    if not reading.cancelled():
        reading.exception()


async def offset_of(context: Context, listed: LogList) -> int | None:
    """How many lines of the list are before its page; None where counting is not worth it."""
    context.require(Permission.READ)
    if listed.skipped is not None or not listed.page.items:
        return listed.skipped or 0
    context.budget.take_figures()
    return await log_offsets.lines_before(
        context.database, listed.filter, listed.upto, listed.page.position(listed.page.items[0])
    )


async def levels_of(context: Context, listed: LogList) -> Mapping[LogLevel, Count]:
    """How many lines of each level there are, whatever the least level of the list."""
    context.require(Permission.READ)
    context.budget.take_figures()
    return await log_counts.levels(context.database, listed.filter, listed.upto)


async def matches_of(context: Context, listed: LogList, search: str, after: str | None) -> list[Match]:
    """The lines in which a text occurs, whatever the search of the list."""
    context.require(Permission.READ)
    if not search:
        raise BadInput("search: must not be empty")
    check_search(search)
    context.budget.take_figures()
    where = LogFilter(listed.filter.min_level, listed.filter.step_index, search)
    return await log_counts.matches(context.database, where, listed.upto, after)


async def follow_log(
    context: Context, execution: Argument[str], after: str | None = None, *, together: bool = False
) -> AsyncGenerator[LogUpdate, None]:
    """Every line that arrives after the cursor `after`, by arrival, or from now on. Ends with the execution's deletion.

    Each has its own update, unless they are to come `together`. BadInput for a cursor of anything else than this log,
    NotFound for an unknown execution. While it waits it holds no connection to the database.
    """
    context.require(Permission.READ)
    execution_id = execution()
    place = None if after is None else LogPosition.of(execution_id, after)
    with context.log_notifications.follow(execution_id) as follower:
        present = await logs.position(context.database, execution_id)
        if present is None:
            raise NotFound(f"executionId: no such execution: {ids.to_global('execution', execution_id)!r}")
        if place is None:
            place = present
        while present is not None:
            if place.epoch != present.epoch or place.sequence > present.sequence:
                place = present
                yield LogUpdate(place.cursor)
            async for entries in _batches(context.database, place, present, together):
                yield LogUpdate(place.at(entries[-1].sequence).cursor, entries, present)
            place = present
            await follower.notified()
            present = await logs.position(context.database, execution_id)


async def _batches(
    database: Database, after: LogPosition, upto: LogPosition, together: bool
) -> AsyncGenerator[list[LogEntry], None]:
    """The lines between two positions, by arrival: one by one, or as many together as an update may have."""
    waiting: list[LogEntry] = []
    most = MAX_UPDATE_LINES if together else 1
    while after.sequence < upto.sequence:
        end = upto.at(min(after.sequence + MAX_BATCH_LINES, upto.sequence))
        waiting += await logs.appended(database, after, end)
        after = end
        while waiting:
            size = log_pages.fitting(waiting[:most], MAX_UPDATE_BYTES)
            if size == len(waiting) < most and after != upto:
                break  # there is room for more
            yield waiting[:size]
            del waiting[:size]
