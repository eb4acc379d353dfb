"""Reads of log lines, and following a log as it grows."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from app.auth import Permission
from app.errors import NotFound
from app.executions import Execution, logs
from app.executions.logs import LogEntry, LogFilter, LogPosition
from app.paging import PageRequest
from resolvers.arguments import Argument
from resolvers.context import Context
from resolvers.lists import Listed

# Lines per read for a follower who is behind: at 64 KiB a line at most 6 MB.
MAX_BATCH_LINES = 100


@dataclass(frozen=True, slots=True)
class LogList(Listed[LogEntry]):
    """A page of a log, and whose log it is. Its cursor of updates is a position in the log."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class LogUpdate:
    """A line that has arrived; None: the given cursor was too old, list again. `cursor` is the position after it."""

    cursor: str
    entry: LogEntry | None


async def list_logs(
    context: Context, execution_id: str, where: Argument[LogFilter], request: Argument[PageRequest]
) -> LogList | None:
    """A page of an execution's log by time; None for an unknown execution."""
    context.require(Permission.READ)
    filter_, given = where(), request()
    context.budget.take_list(given.size)
    execution = await context.loaders.executions.load(execution_id)
    # Before the page, which then has no line beyond it: what the page misses is what follows the cursor.
    position = await logs.position(context.database, execution_id)
    if execution is None or position is None:
        return None
    page = await logs.list_page(context.database, filter_, position, given)
    return LogList(page, position.cursor, execution)


async def follow_log(
    context: Context, execution: Argument[str], after: str | None = None
) -> AsyncGenerator[LogUpdate, None]:
    """Every line that arrives after the cursor `after`, by arrival, or from now on. Ends with the execution's deletion.

    BadInput for a cursor of anything else than this log, NotFound for an unknown execution. While it waits it holds no
    connection to the database.
    """
    context.require(Permission.READ)
    execution_id = execution()
    place = None if after is None else LogPosition.of(execution_id, after)
    with context.log_notifications.follow(execution_id) as follower:
        present = await logs.position(context.database, execution_id)
        if present is None:
            raise NotFound("No such execution")
        if place is None:
            place = present
        while present is not None:
            if place.epoch != present.epoch or place.sequence > present.sequence:
                place = present
                yield LogUpdate(place.cursor, None)
            while place.sequence < present.sequence:
                upto = present.at(min(place.sequence + MAX_BATCH_LINES, present.sequence))
                for entry in await logs.appended(context.database, place, upto):
                    yield LogUpdate(place.at(entry.sequence).cursor, entry)
                place = upto
            await follower.notified()
            present = await logs.position(context.database, execution_id)
