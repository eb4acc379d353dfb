"""Figures of a log against a plain list: levels, matches and numbers, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Database, open_database, postgres_pools, sqlite_reader
from app.errors import BadInput, LimitExceeded
from app.events import LogLevel
from app.executions import log_counts
from app.executions.log_counts import levels, matches, numbers
from app.executions.log_pages import list_page
from app.executions.logs import LogEntry, LogFilter
from app.paging import Count, PageRequest
from tests.app.executions.test_log_pages import ID, NEIGHBOUR, Row, lets_through, place, upto, written
from tests.factories import empty, insert, log_row, record_statements

everything = st.builds(
    LogFilter,
    min_level=st.none() | st.sampled_from(LogLevel),
    step_index=st.sampled_from((None, 0, 1, 7)),
    search=st.sampled_from((None, "", "ä", "b", "nowhere")),
)
on_hypothesis = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


async def fill(database: Database, lines: list[Row]) -> list[Row]:
    """Put lines into an empty log; they come back in the order of the list."""
    await empty(database, "log_entries")
    rows = [log_row(ID, number, **line) for number, line in enumerate(lines, 1)]
    await insert(database, "log_entries", rows)
    await insert(database, "log_entries", [row | {"execution_id": NEIGHBOUR} for row in rows])
    return sorted(rows, key=place)


@on_hypothesis
@given(lines=written, where=everything, missed=st.integers(0, 2))
async def test_levels_are_counted_under_step_and_search(
    database: Database, lines: list[Row], where: LogFilter, missed: int
) -> None:
    rows = await fill(database, lines)
    position = upto(len(rows) - missed)
    alone = LogFilter(None, where.step_index, where.search)
    counted = [row["level"] for row in rows if row["sequence"] <= position.sequence and lets_through(alone, row)]
    found = await levels(database, where, position)
    assert list(found.items()) == [(level, Count(counted.count(level), exact=True)) for level in LogLevel]


async def test_counting_of_levels_stops(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_counts, "MAX_COUNTED", 4)
    await insert(database, "log_entries", [log_row(ID, n, level=n % 2 + 1) for n in range(1, 10)])
    found = await levels(database, LogFilter(), upto(9))
    assert (found[LogLevel.DEBUG], found[LogLevel.INFO]) == (Count(4, exact=True), Count(4, exact=False))
    assert found[LogLevel.FATAL] == Count(0, exact=True)


@on_hypothesis
@given(lines=written, where=everything, after=st.none() | st.integers(0), missed=st.integers(0, 2))
async def test_matches_are_numbered_among_all_lines(
    database: Database, lines: list[Row], where: LogFilter, after: int | None, missed: int
) -> None:
    every = await fill(database, lines)
    position = upto(len(every) - missed)
    every = [row for row in every if row["sequence"] <= position.sequence]
    found = await matches(database, where, position)
    expected = [(row["sequence"], number) for number, row in enumerate(every, 1) if lets_through(where, row)]
    assert [(match.sequence, match.number) for match in found] == expected
    if after is not None and found:
        at = after % len(found)
        rest = await matches(database, where, position, found[at].cursor)
        assert rest == found[at + 1 :]
        (page,) = [await list_page(database, where, position, PageRequest(after=found[at].cursor))]
        assert [entry.sequence for entry in page.items] == [match.sequence for match in rest]


async def test_matches_stop_and_go_on(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_counts, "MAX_MATCHES", 3)
    await insert(database, "log_entries", [log_row(ID, n) for n in range(1, 8)])
    seen: list[int] = []
    cursor = None
    while found := await matches(database, LogFilter(search="LINE"), upto(7), cursor):
        assert len(found) <= 3
        seen += [match.number for match in found]
        cursor = found[-1].cursor
    assert seen == list(range(1, 8))
    with pytest.raises(BadInput):
        await matches(database, LogFilter(search="x"), upto(7), "garbage")


async def page_of(database: Database, where: LogFilter, position: Any, **request: Any) -> list[LogEntry]:
    return (await list_page(database, where, position, PageRequest(**request))).items


@on_hypothesis
@given(lines=written, where=everything, size=st.integers(1, 5), start=st.integers(0), missed=st.integers(0, 2))
async def test_numbers_are_places_in_the_whole_log(
    database: Database, lines: list[Row], where: LogFilter, size: int, start: int, missed: int
) -> None:
    every = await fill(database, lines)
    position = upto(max(len(every) - missed, 1))
    every = [row for row in every if row["sequence"] <= position.sequence]
    place_of = {row["sequence"]: number for number, row in enumerate(every, 1)}
    whole = await list_page(database, LogFilter(), position, PageRequest(first=100))
    after = whole.cursor(whole.items[start % len(whole.items)])
    for request in ({"first": size}, {"last": size}, {"first": size, "after": after}, {"last": size, "before": after}):
        for filter_, gaps in ((LogFilter(), False), (where, True)):
            items = await page_of(database, filter_, position, **request)
            statements = record_statements(database)
            found = await numbers(database, position, items, gaps=gaps)
            assert found == {entry.sequence: place_of[entry.sequence] for entry in items}
            assert len(statements) == bool(items)


async def test_lines_too_far_from_both_ends_have_no_number(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await insert(database, "log_entries", [log_row(ID, n, level=n % 6) for n in range(1, 41)])
    every = await page_of(database, LogFilter(), upto(40), first=100)
    monkeypatch.setattr(log_counts, "MAX_BESIDE_PAGE", 5)
    for start, known in ((0, True), (5, True), (6, False), (20, False), (32, False), (33, True), (38, True)):
        found = await numbers(database, upto(40), every[start : start + 2], gaps=False)
        assert found == ({n: n for n in (start + 1, start + 2)} if known else {}), start
    some = [every[n - 1] for n in (3, 5, 6, 9)]
    assert await numbers(database, upto(40), some, gaps=True, most=5) == {3: 3, 5: 5}
    some = [every[n - 1] for n in (30, 36, 40)]
    assert await numbers(database, upto(40), some, gaps=True, most=5) == {36: 36, 40: 40}


async def test_figures_that_take_too_long(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are refused; numbers are left out instead."""
    for module in (postgres_pools, sqlite_reader):
        monkeypatch.setattr(module, "READ_TIMEOUT_SECONDS", 0.001)
    database = await open_database(database_url)
    try:
        rows = [log_row(ID, n, message="x" * 500) for n in range(1, 12_001)]
        await insert(database, "log_entries", rows)
        for read in (levels, matches):
            with pytest.raises(LimitExceeded):
                await read(database, LogFilter(search="nowhere to be found"), upto(12_000))
        line = LogEntry(ID, 6_000, rows[5_999]["at"], LogLevel.INFO, None, "x", 1, None, None)
        assert await numbers(database, upto(12_000), [line], gaps=True) == {}
    finally:
        await database.close()
