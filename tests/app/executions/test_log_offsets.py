"""Places in a log by counting, against a plain list, on both databases."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Database
from app.errors import BadInput, LimitExceeded
from app.events import LogLevel
from app.executions import log_offsets
from app.executions.log_offsets import Skip, cursor_after, lines_before
from app.executions.log_pages import list_page
from app.executions.logs import LogFilter
from app.paging import PageRequest
from tests.app.executions.test_log_counts import everything, fill
from tests.app.executions.test_log_pages import ID, Row, lets_through, upto, written
from tests.factories import insert, log_row


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(lines=written, where=everything, skip=st.integers(0, 22), missed=st.integers(0, 2))
async def test_a_page_begins_after_the_lines_that_it_leaves_out(
    database: Database, lines: list[Row], where: LogFilter, skip: int, missed: int
) -> None:
    rows = await fill(database, lines)
    position = upto(len(rows) - missed)
    listed = [row["sequence"] for row in rows if row["sequence"] <= position.sequence and lets_through(where, row)]
    after = await cursor_after(database, where, position, skip)
    page = await list_page(database, where, position, PageRequest(first=5, after=after))
    # A page is cut by bytes too: it has the first of what is left.
    found = [entry.sequence for entry in page.items]
    assert found == listed[skip : skip + len(found)]
    assert bool(found) == bool(listed[skip:])
    for entry in page.items:
        assert await lines_before(database, where, position, page.position(entry)) == listed.index(entry.sequence)


async def test_counting_stops(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_offsets, "MAX_SKIP", 4)
    await insert(database, "log_entries", [log_row(ID, n, at=n, level=2) for n in range(1, 13)])
    info = LogFilter(min_level=LogLevel.DEBUG)
    page = await list_page(database, LogFilter(), upto(12), PageRequest(first=12))
    places = map(page.position, page.items[3:6])
    assert [await lines_before(database, LogFilter(), upto(12), place) for place in places] == [3, 4, None]
    for skip, where in ((5, LogFilter()), (8, LogFilter()), (5, info), (11, info)):
        with pytest.raises(LimitExceeded, match="skip: at most 4 lines"):
            await cursor_after(database, where, upto(12), skip)
    # From the nearer end: 9 of 12 are 3 from the end, for which a filtered list would have to be counted through.
    for skip, where in ((4, LogFilter()), (9, LogFilter()), (12, LogFilter()), (99, LogFilter()), (4, info)):
        after = await cursor_after(database, where, upto(12), skip)
        page = await list_page(database, where, upto(12), PageRequest(first=1, after=after))
        assert [line.sequence for line in page.items] == [n for n in [skip + 1] if n <= 12]


@pytest.mark.parametrize(
    ("lines", "size", "message"), [(-1, 5, "skip: must be"), (0, 0, "first: "), (0, 1_001, "first: ")]
)
def test_numbers_out_of_range_are_refused(lines: int, size: int, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Skip(lines, size)
