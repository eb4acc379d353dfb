"""Error groups in a window: their order, counts and pages, beside a model in Python."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from app import error_groups, executions
from app.db import Database
from app.error_groups import listing
from app.error_groups.listing import GroupFilter
from app.errors import BadInput
from app.ids import new_id
from app.metrics.filters import MAX_WINDOW, MetricsFilter
from app.paging import PageRequest
from tests.factories import NOON, execution_row, insert_engine, insert_executions, insert_workflow

GROUPS = [new_id(NOON + number) for number in range(7)]


async def fill(database: Database) -> list[dict[str, object]]:
    choice = random.Random(4)
    engines = [await insert_engine(database, name) for name in ("one", "two")]
    workflows = {engine: await insert_workflow(database, engine, "w") for engine in engines}
    rows = []
    for number in range(120):
        engine = choice.choice(engines)
        group = choice.choice([*GROUPS[:5], GROUPS[0], None])
        rows.append(
            execution_row(
                engine_id=engine, workflow_id=workflows[engine], queued_at=NOON + number // 2, error_group_id=group
            )
        )
    await insert_executions(database, *rows)
    return rows


async def test_pages_are_those_of_the_model(database: Database) -> None:
    rows = await fill(database)
    for start, end, engines in ((0, 60, None), (10, 30, None), (0, 60, ("one",)), (0, 60, ("nobody",)), (7, 8, None)):
        where = MetricsFilter.of(engines=engines, start=NOON + start, end=NOON + end)
        one = await database.fetch("SELECT id FROM engines WHERE name = 'one'")
        counted = Counter(
            row["error_group_id"]
            for row in rows
            if row["error_group_id"]
            and NOON + start <= row["queued_at"] < NOON + end  # type: ignore[operator]
            and (engines is None or (engines == ("one",) and row["engine_id"] == one[0][0]))
        )
        expected = sorted(counted.items(), key=lambda item: (item[1], item[0]), reverse=True)
        seen = []
        after = None
        while True:
            page = await listing.list_page(database, GroupFilter(where), PageRequest(first=2, after=after))
            seen += [(each.group.id, each.failures) for each in page.items]
            after = page.end_cursor
            if not await page.has_next_page():
                break
        assert seen == expected
        assert (await listing.count(database, GroupFilter(where))).value == len(expected)
        if expected:
            last = await listing.list_page(database, GroupFilter(where), PageRequest(last=2))
            assert [each.group.id for each in last.items] == [id_ for id_, _ in expected[-2:]]


async def test_sightings_and_the_latest_execution(database: Database) -> None:
    rows = await fill(database)
    found = await error_groups.sightings(database, GROUPS)
    latest = await executions.latest_of_error_groups(database, GROUPS)
    for group in GROUPS:
        of_group = [row for row in rows if row["error_group_id"] == group]
        if not of_group:
            assert group not in found
            assert group not in latest
            continue
        times = [row["queued_at"] for row in of_group]
        assert (found[group].count, found[group].first, found[group].last) == (len(times), min(times), max(times))  # type: ignore[type-var]
        newest = max(of_group, key=lambda row: (row["queued_at"], row["id"]))
        assert latest[group].id == newest["id"]


def test_windows() -> None:
    default = MetricsFilter.of()
    assert default.end - default.start == 24 * 3600 * 1_000_000
    assert MetricsFilter.of(start=0, end=MAX_WINDOW).start == 0
    for start, end in ((5, 5), (6, 5), (0, MAX_WINDOW + 1)):
        with pytest.raises(BadInput):
            MetricsFilter.of(start=start, end=end)
