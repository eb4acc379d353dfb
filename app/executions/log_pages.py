"""Pages of a log by time, and the statement that they, its counts and its numbers are read with.

A page has at most MAX_BYTES, whatever its lines are like. What it leaves out follows on the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Any

from app.db import Database
from app.db.dialect import Dialect
from app.errors import BadInput
from app.events import LogLevel
from app.executions.log_forms import WHOLE, LineForm, form_of
from app.executions.logs import LogEnd, LogFilter
from app.paging import Page, PageRequest, limit_for, read_page
from app.paging.keyset import Ordering, Params, Position, Segment
from app.paging.search import ESCAPES, occurs

MAX_LINES = 1_000
# Of messages and attributes, with LINE_BYTES a line for ids, times, cursors and the names of fields.
MAX_BYTES = 1024 * 1024
LINE_BYTES = 400
# A page of at most 50 lines of a log of so many reads all of that: branches and sizes take Postgres 100 µs more. The
# lines of such a page have 6.5 MB at most before it is cut.
SHORT, SHORT_LIMIT = 200, 51


@dataclass(frozen=True, slots=True)
class Around:
    """Asks for lines on both sides of one, at most `size` in all: the line is the first of the later half."""

    sequence: int
    size: int

    def __post_init__(self) -> None:
        check_size(self.size)


def check_size(size: int) -> None:
    """Raise BadInput for the size of a page around a line that is out of range."""
    if not 1 <= size <= MAX_LINES:
        raise BadInput(f"size: must be 1 to {MAX_LINES}, not {size}")


def ordering(execution_id: str) -> Ordering:
    """The order of a log's lines: by time, ties by arrival."""
    # Bound to the execution: sequences of one log say nothing of another.
    return Ordering(f"logs.{execution_id}", "at", id_column="sequence", id_kind="int")


async def list_page(
    database: Database, where: LogFilter, upto: LogEnd, request: PageRequest, columns: tuple[str, ...] | None = None
) -> Page[Any]:
    """A page of the lines up to a position of a log, by time; lines with the same time by arrival.

    Its items are LogEntries, or rows that begin with the columns, as the database has them. Raises BadInput for a
    cursor of another list, LimitExceeded when a search takes too long.
    """
    form = form_of(columns)

    async def read(segment: Segment) -> list[Any]:
        params = Params(database.dialect)
        statement = _rows(params, where, upto, segment, form)
        fetch = database.fetch_long if where.search else database.fetch
        return form.read_all(await fetch(statement, *params.values))

    return await read_page(ordering(upto.execution_id), request, read, form.place, partial(fitting, form=form))


async def page_around(
    database: Database, where: LogFilter, upto: LogEnd, at: int, asked: Around, columns: tuple[str, ...] | None = None
) -> Page[Any]:
    """The lines up to a position of a log on both sides of one, which was written at `at`: half of them before it.

    It need not pass the filter itself. Items are as those of `list_page`. One statement. Raises LimitExceeded when a
    search takes too long.
    """
    form = form_of(columns)
    order, middle = ordering(upto.execution_id), Position(at, asked.sequence)
    before, after = asked.size // 2, asked.size - asked.size // 2
    earlier = Segment(order, False, None, middle, False, limit_for(before + 1))
    later = Segment(order, False, order.nudged(middle, -1), None, True, limit_for(after + 1))
    params = Params(database.dialect)
    both = (f"SELECT * FROM ({_rows(params, where, upto, segment, form)}) b" for segment in (earlier, later))
    fetch = database.fetch_long if where.search else database.fetch
    rows = await fetch(" UNION ALL ".join(both), *params.values)
    lines = sorted(form.read_all(rows), key=form.time_and_sequence)
    start = sum(place < (at, asked.sequence) for place in map(form.time_and_sequence, lines))
    behind, ahead = lines[:start][::-1], lines[start:]
    kept_behind, kept_ahead = _fitting_on_both_sides(behind[:before], ahead[:after], form)
    items = behind[:kept_behind][::-1] + ahead[:kept_ahead]
    return Page(items, order, form.place, len(behind) > kept_behind, len(ahead) > kept_ahead)


def size_of(line: Any, form: LineForm = WHOLE) -> int:
    """What a line takes of MAX_BYTES; `_SIZE` says the same in SQL."""
    message, attributes = form.message_and_attributes(line)
    return len(message.encode()) + len((attributes or "").encode()) + LINE_BYTES


def fitting(lines: list[Any], room: int | None = None, form: LineForm = WHOLE) -> int:
    """How many of the lines, from the first on, a page has room for. At least one: none takes a half."""
    left = MAX_BYTES if room is None else room
    # Nearly every page has room for all of them, even if a character takes four bytes.
    texts = map(form.message_and_attributes, lines)
    characters = sum([len(message) + len(attributes or "") for message, attributes in texts])
    if characters * 4 + len(lines) * LINE_BYTES <= left:
        return len(lines)
    for number, line in enumerate(lines):
        left -= size_of(line, form)
        if left < 0:
            return number
    return len(lines)


def _fitting_on_both_sides(behind: list[Any], ahead: list[Any], form: LineForm) -> tuple[int, int]:
    """How many lines of each side a page has room for, as it grows by one line on each side in turn."""
    left = MAX_BYTES
    kept, open_ = [0, 0], [True, True]
    for pair in zip_longest(ahead, behind):
        for side, line in enumerate(pair):
            if line is None or not open_[side]:
                continue
            if (size := size_of(line, form)) > left:
                open_[side] = False
            else:
                left -= size
                kept[side] += 1
    return kept[1], kept[0]


def branches(params: Params, where: LogFilter, upto: LogEnd, segment: Segment, selected: str) -> dict[str, str]:
    """The first lines of a segment of each level that the filter lets through, as statements by the level's name.

    The index is (level, execution_id, at, sequence), for one step with step_index in front. With the execution in front
    it would begin as the primary key does. For a page of 50, Postgres might then read that key, or the index without
    the level, and sort or filter all lines of a log: 20 ms for 100,000. Values are hidden, because Postgres would take
    a level that is rare elsewhere to be rare here.
    """
    columns, values = "x.level, x.execution_id", f"{{level}}, {params.hide(upto.execution_id, 'uuid')}"
    conditions = [f"x.sequence <= {params.hide(upto.sequence, 'bigint')}"]
    if where.step_index is not None:
        columns = f"x.step_index, {columns}"
        values = f"{params.hide(where.step_index, 'bigint')}, {values}"
        conditions.append("x.step_index IS NOT NULL")  # the index is partial; a row comparison does not tell
    if where.search:
        conditions.append(contains(params, where.search))
    conditions.append(segment.where(params, alias="x.", leading=(columns, values)))
    branch = (
        f"SELECT {selected} FROM log_entries x WHERE {' AND '.join(conditions)}"
        f" ORDER BY {segment.order_by('x.', leading=columns)} LIMIT {segment.limit}"
    )
    levels = [level for level in LogLevel if where.min_level is None or level >= where.min_level]
    return {level.name.lower(): branch.format(level=params.hide(int(level), "smallint")) for level in levels}


def _short(params: Params, where: LogFilter, upto: LogEnd, segment: Segment, form: LineForm) -> str:
    """The first lines of a segment of a short log: by its key alone, however the other indexes look to the planner."""
    key = (
        f"x.execution_id = {params.hide(upto.execution_id, 'uuid')}"
        f" AND x.sequence <= {params.hide(upto.sequence, 'bigint')}"
    )
    conditions = [segment.where(params, alias="x.")]
    # The sign keeps SQLite from an index of the column.
    if where.min_level is not None:
        conditions.append(f"+x.level >= {params.hide(int(where.min_level), 'smallint')}")
    if where.step_index is not None:
        conditions.append(f"+x.step_index = {params.hide(where.step_index, 'bigint')}")
    if where.search:
        conditions.append(contains(params, where.search))
    end = f"ORDER BY {segment.order_by('x.')} LIMIT {segment.limit}"
    if params.dialect is Dialect.SQLITE:  # it would copy the log into a table first: a sixth of the time
        return f"SELECT {form.columns} FROM log_entries x WHERE {' AND '.join([key, *conditions])} {end}"
    filtered = {"level": where.min_level, "step_index": where.step_index, "folded": where.search}
    names = dict.fromkeys((*form.names, *(name for name, asked in filtered.items() if asked is not None)))
    return (
        f"WITH x AS MATERIALIZED (SELECT {', '.join(f'x.{name}' for name in names)} FROM log_entries x WHERE {key})"
        f" SELECT {form.columns} FROM x WHERE {' AND '.join(conditions)} {end}"
    )


def merged(statements: dict[str, str]) -> str:
    """The rows of all branches."""
    return " UNION ALL ".join(f"SELECT * FROM ({branch}) {name}" for name, branch in statements.items())


def contains(params: Params, search: str) -> str:
    """The condition that a line's message contains a text."""
    # The database folds ASCII; `folded` has the rest, without escapes (app/paging/search.py).
    text = ESCAPES.sub("", search) or search
    return occurs(params, text.casefold(), "coalesce(x.folded, lower(x.message))")


_SIZE = {
    # The length stands in front of a text that is stored apart: Postgres does not read it for that.
    Dialect.POSTGRES: f"octet_length({{0}}.message) + coalesce(octet_length({{0}}.attributes), 0) + {LINE_BYTES}",
    Dialect.SQLITE: (
        f"length(CAST({{0}}.message AS BLOB)) + coalesce(length(CAST({{0}}.attributes AS BLOB)), 0) + {LINE_BYTES}"
    ),
}


def _rows(params: Params, where: LogFilter, upto: LogEnd, segment: Segment, form: LineForm) -> str:
    """The statement: the first lines of each level, merged, up to the one with which they exceed MAX_BYTES.

    A page of 1,000 lines of 64 KiB would be 64 MB in memory.
    """
    if upto.sequence <= SHORT and segment.limit <= SHORT_LIMIT:
        return _short(params, where, upto, segment, form)
    end = f"ORDER BY {segment.order_by('p.')} LIMIT {segment.limit}"
    size, columns = _SIZE[params.dialect], form.columns
    before = (
        f"coalesce(sum({{size}}) OVER (ORDER BY {segment.order_by('p.')}"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before"
    )
    if params.dialect is Dialect.POSTGRES:
        lines = merged(branches(params, where, upto, segment, columns))
        page = f"SELECT * FROM ({lines}) p {end}"
        names = ", ".join(f"s.{name}" for name in form.names)
        sums = f"SELECT p.*, {before.format(size=size.format('p'))} FROM ({page}) p"
        return f"SELECT {names} FROM ({sums}) s WHERE s.before <= {MAX_BYTES} ORDER BY {segment.order_by('s.')}"
    # SQLite would carry the whole lines through its sort: 0.4 s for 1,000 of 64 KiB on each level, and 4 ms for 1,000
    # of 100 bytes where their places alone take 1.
    places = merged(branches(params, where, upto, segment, "x.at, x.sequence"))
    log = params.hide(upto.execution_id, "uuid")
    join = f"CROSS JOIN log_entries x ON x.execution_id = {log} AND x.sequence = p.sequence"
    page = f"SELECT * FROM ({places}) p {end}"
    sums = f"SELECT p.at, p.sequence, {before.format(size=size.format('x'))} FROM ({page}) p {join}"
    return f"SELECT {columns} FROM ({sums}) p {join} WHERE p.before <= {MAX_BYTES} ORDER BY {segment.order_by('p.')}"
