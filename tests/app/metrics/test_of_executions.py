"""The trend of a list: whatever the filter, and whether rollups answer or rows are counted, it is that of the rows."""

from __future__ import annotations

import importlib
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import clock
from app.db import Database, Transaction
from app.errors import BadInput
from app.executions import count
from app.executions.filters import ExecutionFilter
from app.lifecycle import State, Status
from app.metrics import of_executions
from app.metrics.filters import MAX_WINDOW
from app.metrics.folding import fold
from app.metrics.of_executions import trend_of
from app.metrics.windows import MAX_FITTING, Bucket
from specs.harness import counts
from tests.app.executions.lists import ENGINES, MINUTE, WORKFLOWS, filters, lets_through, rows
from tests.app.metrics.oracle import same
from tests.databases import before_any_statement
from tests.factories import NOON, empty, execution_row, insert, insert_executions, record_statements

DELTAS = importlib.import_module("app.migrations.0006_metrics").OPERATIONS[-1].sql

slow_but_sure = settings(
    max_examples=counts.count("examples of figures", 20, 1_000),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# Hours around noon and minutes within the first, for the rows that come of execution_lists.
hours = st.integers(-3, 3).map(lambda number: number * clock.HOUR)
edges = st.one_of(hours, st.integers(-5, 5).map(lambda number: number * MINUTE), st.integers(-1, 1))


# Filters for which rows are counted, and for which rollups answer; the empty search is not a filter.
COUNTED: tuple[dict[str, Any], ...] = (
    {"states": (State.SUCCEEDED, State.RUNNING)},
    {"min_duration": 0},
    {"max_duration": 2_000_000},
    {"failed_step_names": ("load",)},
    {"error_group_ids": ("d" * 32,)},
    {"unresolved": True},
    {"unresolved": False},
    {"retry_of": "a" * 32},
    {"search": "run"},
)
ROLLED: tuple[dict[str, Any], ...] = (
    {},
    {"search": ""},
    {"statuses": (Status.SUCCESS, Status.PENDING)},
    {"statuses": (Status.FAILURE, Status.CANCELLED)},
    {"workflow_ids": (WORKFLOWS[0][1],)},
    {"workflow_names": (WORKFLOWS[0][2],)},
    {"exclude_workflow_names": (WORKFLOWS[1][2],)},
    {"engines": (ENGINES[0],)},
    {"trigger_kinds": ("schedule",)},
)


async def fill(database: Database, data: list[dict[str, Any]], folds: int | None) -> None:
    """Just these executions, of whose deltas so many are folded; None: all."""
    tables = ("executions", "workflows", "engines", "metric_deltas", "metric_rollups", "metric_error_groups")
    await empty(database, *tables)
    engines = [{"id": f"{n:032x}", "name": name, "kind": "NONE", "created_at": 0} for n, name in enumerate(ENGINES, 1)]
    await insert(database, "engines", engines)
    workflows = [
        {"id": id_, "engine_id": engine_id, "name": name, "search_text": name.casefold()}
        for engine_id, id_, name in WORKFLOWS
    ]
    await insert(database, "workflows", workflows)
    await insert_executions(database, *data)

    async def work(transaction: Transaction) -> None:
        await transaction.fetch(DELTAS)

    await database.transaction(work)
    if folds != 0:
        await fold(database, folds or 10_000)


@st.composite
def executions(draw: st.DrawFn) -> dict[str, Any]:
    """A row of any list, in some hour, with a duration that is its own."""
    row: dict[str, Any] = draw(rows())
    row["queued_at"] += draw(hours)
    if row["duration"] is not None:
        row["duration"] += draw(st.integers(-5, 10**7))
    return row


EVERYTHING = (NOON - 4 * clock.HOUR - 1, NOON + 5 * clock.HOUR + 7)


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int]:
    start, end = sorted((NOON + draw(edges), NOON + draw(edges)))
    return start, end + draw(st.sampled_from([1, MINUTE, clock.HOUR]))


async def check(
    database: Database,
    data: list[dict[str, Any]],
    where: ExecutionFilter,
    window: tuple[int, int],
    bucket: Bucket | None,
) -> None:
    """Assert that the trend is that of the matching rows, and that the list has as many."""
    start, end = window
    where = replace(where, queued_from=start, queued_to=end)
    expected = [row for row in data if lets_through(where, row)]
    trend = await trend_of(database, where, bucket, histograms=True)
    assert trend.exact
    points = trend.points
    assert (points[0].start, points[-1].end) == window
    assert all(one.end == other.start for one, other in pairwise(points))
    width = bucket or Bucket.fitting(start, end)
    assert all(point.start % width.value == 0 for point in points[1:])
    assert len(points) == width.count(start, end)
    for point in points:
        same(point.figures, [row for row in expected if point.start <= row["queued_at"] < point.end])
    listed = await count(database, where)
    assert (sum(point.figures.total for point in points), True) == (listed.value, listed.exact)
    assert await trend_of(database, where, bucket, histograms=False) == trend  # but for the histograms


@pytest.mark.slow
@slow_but_sure
@given(
    data=st.lists(executions(), max_size=40, unique_by=lambda row: row["id"]),
    folds=st.sampled_from([0, 5, None]),
    asked=st.lists(st.tuples(filters(), windows(), st.sampled_from([None, *Bucket])), min_size=1, max_size=4),
)
async def test_trend_is_that_of_the_rows(
    database: Database,
    data: list[dict[str, Any]],
    folds: int | None,
    asked: list[tuple[ExecutionFilter, tuple[int, int], Bucket | None]],
) -> None:
    """For filters of many conditions, most of which match little, and for each condition alone."""
    await fill(database, data, folds)
    for where, window, bucket in asked:
        await check(database, data, where, window, bucket)
    _, window, bucket = asked[0]
    for conditions in (*COUNTED, *ROLLED):
        await check(database, data, ExecutionFilter(**conditions), window, bucket)
        await check(database, data, ExecutionFilter(**conditions), EVERYTHING, Bucket.THREE_HOURS)


@pytest.mark.parametrize(
    ("conditions", "counted"), [*((each, True) for each in COUNTED), *((e, False) for e in ROLLED)]
)
async def test_rows_are_counted_only_where_rollups_know_too_little(
    database: Database, conditions: dict[str, Any], counted: bool
) -> None:
    """What is counted is bounded, hence no window is: of rollups, one that cuts no hour reads no finished execution."""
    engine_id, workflow_id, name = WORKFLOWS[0]
    row = execution_row(engine_id=engine_id, workflow_id=workflow_id, workflow_name=name, duration=5)
    await fill(database, [row], None)
    hour = NOON - NOON % clock.HOUR
    where = ExecutionFilter(**conditions, queued_from=hour, queued_to=hour + clock.HOUR)
    recorded = record_statements(database)
    trend = await trend_of(database, where, Bucket.HOUR, histograms=True)
    assert len(trend.points) == 1
    text = recorded[-1][0]
    assert ("metric_rollups" in text) is not counted
    assert (f"LIMIT {of_executions.MAX_ROWS + 1}" in text) is counted


@pytest.mark.parametrize(
    "conditions",
    [{"states": (State.SUCCEEDED, State.RUNNING)}, {"min_duration": 0}, {"unresolved": False}, {"search": "run"}],
    ids=str,
)
async def test_counting_stops(database: Database, monkeypatch: pytest.MonkeyPatch, conditions: dict[str, Any]) -> None:
    engine_id, workflow_id, name = WORKFLOWS[0]
    data = [
        execution_row(
            engine_id=engine_id, workflow_id=workflow_id, workflow_name=name, queued_at=NOON + number, duration=number
        )
        for number in range(10)
    ]
    await fill(database, data, None)
    where = ExecutionFilter(**conditions, queued_from=NOON, queued_to=NOON + clock.HOUR)
    for limit, exact in ((11, True), (10, True), (9, False), (3, False)):
        monkeypatch.setattr(of_executions, "MAX_ROWS", limit)
        trend = await trend_of(database, where, None, histograms=True)
        assert trend.exact is exact
        # The newest are counted, and of those that are left out at least one was seen.
        newest = data if exact else data[-limit - 1 :]
        assert sum(point.figures.total for point in trend.points) == len(newest)
        assert trend.points[0].figures.succeeded.duration_sum == sum(row["duration"] for row in newest)


async def test_rollups_need_no_bound(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    engine_id, workflow_id, _ = WORKFLOWS[0]
    data = [execution_row(engine_id=engine_id, workflow_id=workflow_id) for _ in range(10)]
    await fill(database, data, None)
    monkeypatch.setattr(of_executions, "MAX_ROWS", 3)
    where = ExecutionFilter(queued_from=NOON - clock.HOUR, queued_to=NOON + clock.HOUR)
    trend = await trend_of(database, where, None, histograms=False)
    assert (trend.exact, sum(point.figures.total for point in trend.points)) == (True, 10)


async def test_a_filter_that_nothing_matches_has_every_bucket(database: Database) -> None:
    for conditions in ({"statuses": ()}, {"states": ()}, {"engines": ("none such",)}, {"workflow_ids": ()}):
        where = ExecutionFilter(**conditions, queued_from=NOON, queued_to=NOON + clock.DAY)
        trend = await trend_of(database, where, Bucket.HOUR, histograms=True)
        assert len(trend.points) == 25
        assert trend.exact
        for point in trend.points:
            same(point.figures, [])


async def test_windows_by_default(database: Database) -> None:
    """Until now, and 24 hours long; also where only one edge is given."""
    for conditions in ({}, {"search": "x"}):
        before = clock.now_us()
        points = (await trend_of(database, ExecutionFilter(**conditions), None, histograms=False)).points  # type: ignore[arg-type]
        assert before <= points[-1].end <= clock.now_us()
        assert points[-1].end - points[0].start == clock.DAY
        where = ExecutionFilter(queued_to=NOON, **conditions)  # type: ignore[arg-type]
        points = (await trend_of(database, where, None, histograms=False)).points
        assert (points[0].start, points[-1].end) == (NOON - clock.DAY, NOON)
        start = clock.now_us() - 30 * clock.DAY
        where = ExecutionFilter(queued_from=start, **conditions)  # type: ignore[arg-type]
        points = (await trend_of(database, where, None, histograms=False)).points
        assert points[0].start == start
        assert points[-1].end >= before
        assert len(points) <= MAX_FITTING


@before_any_statement
@pytest.mark.parametrize("conditions", [{}, {"search": "x"}, {"statuses": ()}], ids=str)
@pytest.mark.parametrize(
    ("start", "end", "bucket"),
    [
        (NOON, NOON, None),
        (NOON - MAX_WINDOW - 1, NOON, None),
        (-1, NOON, None),
        (-1, 5, None),
        (None, 5, None),
        (None, -(10**17), None),
        (2**62, None, None),
        (NOON - 7 * clock.HOUR, NOON, Bucket.MINUTE),
        (NOON - MAX_WINDOW, NOON, Bucket.HOUR),
    ],
)
async def test_invalid_windows_and_buckets(
    database: Database, conditions: dict[str, Any], start: int | None, end: int | None, bucket: Bucket | None
) -> None:
    """Also when nothing would match, since the next filter might."""
    with pytest.raises(BadInput):
        await trend_of(
            database, ExecutionFilter(queued_from=start, queued_to=end, **conditions), bucket, histograms=False
        )
