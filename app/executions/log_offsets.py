"""Places in a log by counting: where the page begins that leaves out so many lines, and how many a page leaves out.

A scrollbar needs both. Pages from cursor to cursor do not, and cost the same at every depth.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.db import Database
from app.errors import BadInput, LimitExceeded
from app.executions.log_pages import MAX_LINES, branches, merged, ordering
from app.executions.logs import EVERY_LINE, LogEnd, LogFilter
from app.paging.keyset import Params, Position, Segment

# 100,000 index entries take 10 ms on Postgres and 40 ms on SQLite, which sorts them.
MAX_SKIP = 100_000
_LAST = 2**62  # beyond every time and sequence


@dataclass(frozen=True, slots=True)
class Skip:
    """Asks for `size` lines after the first `lines`."""

    lines: int
    size: int

    def __post_init__(self) -> None:
        if self.lines < 0:
            raise BadInput(f"skip: must be 0 or more, not {self.lines}")
        if not 1 <= self.size <= MAX_LINES:
            raise BadInput(f"first: must be 1 to {MAX_LINES}, not {self.size}")


async def cursor_after(database: Database, where: LogFilter, upto: LogEnd, skip: int) -> str | None:
    """The cursor of the last of the first `skip` lines up to a position; None for none, that of the end beyond it.

    Raises LimitExceeded further than MAX_SKIP from the start, and from the end too where all lines are listed.
    """
    if skip == 0:
        return None
    order, params = ordering(upto.execution_id), Params(database.dialect)
    whole = where == EVERY_LINE
    if whole and skip >= upto.sequence:
        return order.cursor(Position(_LAST, _LAST))
    # No line is ever deleted alone: the newest sequence is the number of lines.
    from_start = not whole or skip <= upto.sequence // 2
    offset = skip - 1 if from_start else upto.sequence - skip
    if offset >= MAX_SKIP:
        raise LimitExceeded(f"skip: at most {MAX_SKIP} lines from an end of the log; use after")
    segment = Segment(order, False, None, None, from_start, MAX_SKIP)
    rows = merged(branches(params, where, upto, segment, "x.at, x.sequence"))
    found = await database.fetch_long(
        f"SELECT p.at, p.sequence FROM ({rows}) p ORDER BY {segment.order_by('p.')}"
        f" LIMIT 1 OFFSET {params.bind(offset)}",
        *params.values,
    )
    at, sequence = found[0] if found else (_LAST, _LAST)
    return order.cursor(Position(at, sequence))


async def lines_before(database: Database, where: LogFilter, upto: LogEnd, place: Position) -> int | None:
    """How many lines of a list up to a position are before one of its places; None for more than MAX_SKIP."""
    order, params = ordering(upto.execution_id), Params(database.dialect)
    before = Segment(order, False, None, place, True, MAX_SKIP + 1)
    rows = merged(branches(params, where, upto, before, "1"))
    ((counted,),) = await database.fetch_long(
        f"SELECT count(*) FROM (SELECT 1 FROM ({rows}) b LIMIT {before.limit}) c", *params.values
    )
    return int(counted) if counted <= MAX_SKIP else None
