"""Figures of a log: how many lines it has by level, which of them a text occurs in, and the numbers of lines.

The number of a line is its place among all lines of its log by time, from 1. Late lines change it, so it is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.db import Database
from app.errors import LimitExceeded
from app.events import LogLevel
from app.executions.log_forms import WHOLE
from app.executions.log_pages import branches, contains, merged, ordering
from app.executions.logs import EVERY_LINE, LogEnd, LogEntry, LogFilter
from app.paging import Count
from app.paging.keyset import Params, Position, Segment

# Of one level.
MAX_COUNTED = 100_000
MAX_MATCHES = 1_000
# So many lines are counted from the nearer end of the log to the page: 10 ms, and enough for every page of 100,000.
# Where the page leaves out lines, they have to be sorted too, and a sixth takes as long.
MAX_BESIDE_PAGE = 60_000
MAX_RANKED = 10_000


@dataclass(frozen=True, slots=True)
class Match:
    """A line in which a text occurs, and its number."""

    execution_id: str
    at: int
    sequence: int
    number: int

    @property
    def cursor(self) -> str:
        """Its cursor in the lists of its log."""
        return ordering(self.execution_id).cursor(Position(self.at, self.sequence))


async def levels(database: Database, where: LogFilter, upto: LogEnd) -> dict[LogLevel, Count]:
    """How many lines up to a position of a log there are of each level, of the filter's step and search alone."""
    params = Params(database.dialect)
    whole = Segment(ordering(upto.execution_id), False, None, None, True, MAX_COUNTED + 1)
    lines = branches(params, replace(where, min_level=None), upto, whole, "1")
    counts = " UNION ALL ".join(
        f"SELECT {int(level)} AS level, count(*) AS lines FROM ({lines[level.name.lower()]}) c" for level in LogLevel
    )
    found = {
        level: Count.capped(lines, MAX_COUNTED) for level, lines in await database.fetch_long(counts, *params.values)
    }
    return {level: found[level] for level in LogLevel}


async def matches(database: Database, where: LogFilter, upto: LogEnd, after: str | None = None) -> list[Match]:
    """The lines up to a position of a log that the filter lets through, with their numbers, by time from a cursor on.

    At most MAX_MATCHES. Reads the whole log in the order of arrival: numbers need all lines. Raises BadInput for a
    cursor of another list, LimitExceeded when it takes too long.
    """
    order = ordering(upto.execution_id)
    start = None if after is None else order.position(after)
    params = Params(database.dialect)
    hits = [f"x.level >= {params.bind(int(where.min_level or LogLevel.TRACE))}"]
    if where.step_index is not None:
        hits.append(f"x.step_index = {params.bind(where.step_index)}")
    if where.search:
        hits.append(contains(params, where.search))
    rows = Segment(order, False, start, None, True, MAX_MATCHES)
    log = params.hide(upto.execution_id, "uuid")
    lines = (
        "SELECT x.at, x.sequence, row_number() OVER (ORDER BY x.at, x.sequence) AS number,"
        f" ({' AND '.join(hits)}) AS hit FROM log_entries x"
        f" WHERE x.execution_id = {log} AND x.sequence > 0 AND x.sequence <= {params.hide(upto.sequence, 'bigint')}"
    )
    found = await database.fetch_long(
        f"SELECT n.at, n.sequence, n.number FROM ({lines}) n WHERE n.hit AND {rows.where(params, alias='n.')}"
        f" ORDER BY {rows.order_by('n.')} LIMIT {rows.limit}",
        *params.values,
    )
    return [Match(upto.execution_id, at, sequence, number) for at, sequence, number in found]


async def numbers(
    database: Database, upto: LogEnd, lines: Sequence[LogEntry], *, gaps: bool, most: int | None = None
) -> Mapping[int, int]:
    """The numbers of lines, which are in the order of a list, by their sequences, among all up to a position of a log.

    Without `gaps` no other line is between them. Leaves out what is too far from both ends of the log. One statement.
    """
    if not lines:
        return {}
    # Most lines arrive in the order of their times: a line's sequence says which end is nearer.
    from_start = lines[0].sequence <= upto.sequence // 2
    try:
        if gaps:
            return await _ranked(database, upto, lines, from_start, most or MAX_RANKED)
        return await _consecutive(database, upto, lines, from_start, most or MAX_BESIDE_PAGE)
    except LimitExceeded:
        return {}  # a busy database: nobody needs numbers that much


async def _consecutive(
    database: Database, upto: LogEnd, lines: Sequence[LogEntry], from_start: bool, most: int
) -> Mapping[int, int]:
    order, params = ordering(upto.execution_id), Params(database.dialect)
    if from_start:
        beside = Segment(order, False, None, WHOLE.place(lines[0]), True, most + 1)
    else:
        beside = Segment(order, False, WHOLE.place(lines[-1]), None, True, most + 1)
    rows = merged(branches(params, EVERY_LINE, upto, beside, "1"))
    ((counted,),) = await database.fetch_long(
        f"SELECT count(*) FROM (SELECT 1 FROM ({rows}) b LIMIT {beside.limit}) c", *params.values
    )
    if counted > most:
        return {}
    first = counted + 1 if from_start else upto.sequence - counted - len(lines) + 1
    return {line.sequence: number for number, line in enumerate(lines, first)}


async def _ranked(
    database: Database, upto: LogEnd, lines: Sequence[LogEntry], from_start: bool, most: int
) -> Mapping[int, int]:
    order, params = ordering(upto.execution_id), Params(database.dialect)
    lower: Position | None = None
    upper: Position | None = None
    if from_start:
        upper = order.nudged(WHOLE.place(lines[-1]), 1)
    else:
        lower = order.nudged(WHOLE.place(lines[0]), -1)
    span = Segment(order, False, lower, upper, from_start, most)
    rows = merged(branches(params, EVERY_LINE, upto, span, "x.at, x.sequence"))
    ranked = f"SELECT b.sequence, row_number() OVER (ORDER BY {span.order_by('b.')}) AS rank FROM ({rows}) b"
    # Beyond the shortest branch that was cut, lines are missing; the first `most` of all are there.
    found = await database.fetch_long(
        f"SELECT r.sequence, r.rank FROM ({ranked}) r"
        f" WHERE r.rank <= {most} AND {params.any_of('r.sequence', [line.sequence for line in lines], 'int')}",
        *params.values,
    )
    return {sequence: rank if from_start else upto.sequence - rank + 1 for sequence, rank in found}
