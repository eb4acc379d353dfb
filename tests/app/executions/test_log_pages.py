"""Pages of a log against a plain list: every way to ask for one, cut by number and by size, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Database
from app.errors import BadInput
from app.events import LogLevel
from app.executions import log_pages, logs
from app.executions.log_pages import LINE_BYTES, Around, list_page, ordering, page_around
from app.executions.logs import LogFilter, LogPosition
from app.paging import Page, PageRequest
from app.paging.keyset import Position
from tests.factories import NOON, empty, execution_row, insert, insert_executions, log_row, record_statements

ID = "a" * 32
NEIGHBOUR = "b" * 32
Row = dict[str, Any]

written = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(NOON, NOON + 4),
            "level": st.sampled_from(LogLevel).map(int),
            "step_index": st.sampled_from((None, 0, 1)),
            # Of one to three bytes a character: a page is cut by bytes.
            "message": st.sampled_from(("a", "ä" * 90, "日" * 120, "b" * 700)),
            "attributes": st.sampled_from((None, '{"x": "ß"}', '"' + "c" * 300 + '"')),
        }
    ),
    min_size=1,
    max_size=20,
)
filters = st.sampled_from(
    (LogFilter(), LogFilter(min_level=LogLevel.INFO), LogFilter(step_index=0), LogFilter(search="ä"))
)
sizes = st.integers(1, 7)
asked = st.lists(
    st.one_of(
        st.fixed_dictionaries({"first": sizes}, optional={"after": st.integers(0), "before": st.integers(0)}),
        st.fixed_dictionaries({"last": sizes}, optional={"after": st.integers(0), "before": st.integers(0)}),
        st.fixed_dictionaries({"around": st.integers(0), "size": sizes}),
    ),
    min_size=1,
    max_size=6,
)


def upto(sequence: int) -> LogPosition:
    return LogPosition(ID, sequence, "ab")


def place(row: Row) -> tuple[int, int]:
    return (row["at"], row["sequence"])


def weight(row: Row) -> int:
    return LINE_BYTES + len(row["message"].encode()) + len((row["attributes"] or "").encode())


def lets_through(where: LogFilter, row: Row) -> bool:
    return (
        (where.min_level is None or row["level"] >= where.min_level)
        and (where.step_index is None or row["step_index"] == where.step_index)
        and (where.search or "") in row["message"]
    )


def within(rows: list[Row], size: int, room: int) -> list[Row]:
    """The first rows that a page has room for."""
    kept: list[Row] = []
    while rows[len(kept) :] and len(kept) < size and sum(map(weight, [*kept, rows[len(kept)]])) <= room:
        kept.append(rows[len(kept)])
    return kept


Answer = tuple[list[int], bool, bool]


def between(rows: list[Row], every: list[Row], ask: dict[str, int], room: int) -> Answer:
    """What a page by first, last, after and before has, and whether there is more before and after it."""
    after, before = (place(every[ask[name] % len(every)]) if name in ask else None for name in ("after", "before"))
    inside = [row for row in rows if (not after or place(row) > after) and (not before or place(row) < before)]
    earlier = any(after is not None and place(row) <= after for row in rows)
    later = any(before is not None and place(row) >= before for row in rows)
    if "first" in ask:
        kept = within(inside, ask["first"], room)
        later |= len(kept) < len(inside)
    else:
        kept = within(inside[::-1], ask["last"], room)[::-1]
        earlier |= len(kept) < len(inside)
    return [row["sequence"] for row in kept], earlier, later


def around(rows: list[Row], every: list[Row], ask: dict[str, int], room: int) -> Answer:
    """What a page around a line has: it grows by a line on each side in turn, the line's own side first."""
    middle = place(every[ask["around"] % len(every)])
    behind = [row for row in rows if place(row) < middle][::-1]
    ahead = [row for row in rows if place(row) >= middle]
    wanted = {"behind": behind[: ask["size"] // 2], "ahead": ahead[: ask["size"] - ask["size"] // 2]}
    kept: dict[str, list[Row]] = {"behind": [], "ahead": []}
    full: set[str] = set()
    for turn in range(2 * len(rows)):
        side = ("ahead", "behind")[turn % 2]
        if side in full or len(kept[side]) == len(wanted[side]):
            continue
        row = wanted[side][len(kept[side])]
        if sum(map(weight, [*kept["behind"], *kept["ahead"], row])) > room:
            full.add(side)
        else:
            kept[side].append(row)
    found = kept["behind"][::-1] + kept["ahead"]
    answer = [row["sequence"] for row in found]
    return answer, len(kept["behind"]) < len(behind), len(kept["ahead"]) < len(ahead)


async def shown(page: Page[Any]) -> Answer:
    items = [int(page.position(line).id) for line in page.items]
    return items, await page.has_previous_page(), await page.has_next_page()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    lines=written,
    where=filters,
    asks=asked,
    room=st.sampled_from((1_500, 4_000, 1 << 20)),
    missed=st.integers(0, 2),
    short=st.sampled_from((0, log_pages.SHORT)),
    columns=st.sampled_from((None, ("level", "at"), ("attributes", "execution_id"))),
)
async def test_every_page_is_that_of_a_list(
    database: Database,
    lines: list[Row],
    where: LogFilter,
    asks: list[dict[str, int]],
    room: int,
    missed: int,
    short: int,
    columns: tuple[str, ...] | None,
) -> None:
    await empty(database, "log_entries")
    every = [log_row(ID, number, **line) for number, line in enumerate(lines, 1)]
    await insert(database, "log_entries", every)
    await insert(database, "log_entries", [row | {"execution_id": NEIGHBOUR} for row in every])
    position = upto(max(len(every) - missed, 1))
    every = sorted(every[: position.sequence], key=place)
    rows = [row for row in every if lets_through(where, row)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_pages, "MAX_BYTES", room)
        patch.setattr(log_pages, "SHORT", short)
        for ask in asks:
            if "around" in ask:
                middle = every[ask["around"] % len(every)]
                page = await page_around(
                    database, where, position, middle["at"], Around(middle["sequence"], ask["size"]), columns
                )
                expected = around(rows, every, ask, room)
            else:
                cursors = {
                    name: ordering(ID).cursor(Position(*place(every[ask[name] % len(every)])))
                    for name in ("after", "before")
                    if name in ask
                }
                request = PageRequest(ask.get("first"), cursors.get("after"), ask.get("last"), cursors.get("before"))
                page = await list_page(database, where, position, request, columns)
                expected = between(rows, every, ask, room)
            assert await shown(page) == expected, ask


async def walk(database: Database, position: LogPosition, size: int, back: bool) -> tuple[list[int], int]:
    """All sequences of a log by its pages, and the most bytes that one had."""
    found: list[int] = []
    cursor, more, most = None, True, 0
    while more:
        first_or_last = {"last": size, "before": cursor} if back else {"first": size, "after": cursor}
        page = await list_page(database, LogFilter(), position, PageRequest(**first_or_last, most=1_000))  # type: ignore[arg-type]
        assert page.items
        sequences = [entry.sequence for entry in page.items]
        found = sequences + found if back else found + sequences
        most = max(most, sum(map(log_pages.size_of, page.items)))
        more = await (page.has_previous_page() if back else page.has_next_page())
        cursor = page.start_cursor if back else page.end_cursor
    return found, most


async def test_pages_of_a_thousand_long_lines_have_a_mebibyte(database: Database) -> None:
    rows = [log_row(ID, n, message="ß" * (n % 30 * 1_000), level=n % 6, attributes='"x"') for n in range(1, 301)]
    await insert(database, "log_entries", rows)
    total = sum(map(weight, rows))
    for back in (False, True):
        statements = record_statements(database)
        found, most = await walk(database, upto(300), 1_000, back)
        assert found == list(range(1, 301))
        assert log_pages.MAX_BYTES - 65_536 < most <= log_pages.MAX_BYTES
        assert len(statements) <= 2 * (total // (log_pages.MAX_BYTES - 65_536) + 1)
        # What does not fit is not read either.
        read = await database.fetch(statements[0][0], *statements[0][1])
        assert sum(weight({"message": row[5], "attributes": row[7]}) for row in read) < log_pages.MAX_BYTES + 65_536


@pytest.mark.parametrize("size", [0, -1, 1_001, 2**31 - 1])
def test_a_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(BadInput, match=r"size: must be 1 to 1000"):
        Around(1, size)


async def test_position_and_line_come_together(database: Database) -> None:
    run = execution_row(log_count=3)
    await insert_executions(database, run)
    await insert(database, "log_entries", [log_row(run["id"], n) for n in (1, 2, 3)])
    present = await logs.position(database, run["id"])
    statements = record_statements(database)
    for sequence, at in ((2, NOON + 2), (3, NOON + 3), (4, None)):
        assert await logs.position_and_line(database, run["id"], sequence) == (present, at)
    assert len(statements) == 3
    for unknown in ("0" * 32, "nonsense", ""):
        assert await logs.position_and_line(database, unknown, 1) is None
