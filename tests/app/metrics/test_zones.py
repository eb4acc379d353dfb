"""Trends in time zones: days of 23 and 25 hours, half hours, and that each run counts in its bucket, once."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from app import clock
from app.db import Database
from app.errors import BadInput
from app.executions.filters import ExecutionFilter
from app.ingestion import Ingestion
from app.lifecycle import State
from app.metrics.filters import MetricsFilter
from app.metrics.folding import fold
from app.metrics.of_executions import trend_of
from app.metrics.report import report
from app.metrics.windows import Bucket
from app.metrics.zones import Division
from app.time_zones import zone_of
from tests.app.metrics.oracle import same
from tests.app.reports import events, select
from tests.app.reports import report as event
from tests.sealing import SEALER


def at(text: str) -> int:
    return clock.to_us(datetime.fromisoformat(text))


def lengths(name: str, bucket: Bucket, start: str, end: str) -> list[float]:
    """The lengths of the buckets between two times, in hours."""
    division = Division.of(zone_of(name), bucket, at(start), at(end))
    assert division is not None
    edges = [*division.starts, at(end)]
    return [(after - before) / clock.HOUR for before, after in pairwise(edges)]


@pytest.mark.parametrize(
    ("name", "bucket", "start", "end", "expected"),
    [
        ("America/New_York", Bucket.DAY, "2026-03-07T00:00-05:00", "2026-03-10T00:00-04:00", [24, 23, 24]),
        ("America/New_York", Bucket.DAY, "2026-10-31T00:00-04:00", "2026-11-03T00:00-05:00", [24, 25, 24]),
        ("America/New_York", Bucket.HOUR, "2026-11-01T00:00-04:00", "2026-11-01T03:00-05:00", [1] * 4),
        ("America/New_York", Bucket.HOUR, "2026-03-08T00:00-05:00", "2026-03-08T04:00-04:00", [1] * 3),
        ("America/New_York", Bucket.SIX_HOURS, "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00", [7, 6, 6, 6]),
        ("Asia/Kolkata", Bucket.DAY, "2026-05-01T00:00+05:30", "2026-05-03T00:00+05:30", [24, 24]),
        ("Asia/Kolkata", Bucket.HOUR, "2026-05-01T00:00+05:30", "2026-05-01T03:00+05:30", [1] * 3),
        ("America/Sao_Paulo", Bucket.DAY, "2018-11-03T00:00-03:00", "2018-11-05T00:00-02:00", [24, 23]),
        ("America/Havana", Bucket.DAY, "2026-10-31T00:00-04:00", "2026-11-03T00:00-05:00", [24, 25, 24]),
        ("Australia/Lord_Howe", Bucket.DAY, "2026-10-03T00:00+10:30", "2026-10-05T00:00+11:00", [24, 23.5]),
        ("Pacific/Apia", Bucket.DAY, "2011-12-29T00:00-10:00", "2012-01-01T00:00+14:00", [24, 24]),
    ],
)
def test_buckets_follow_the_clock_of_the_zone(
    name: str, bucket: Bucket, start: str, end: str, expected: list[float]
) -> None:
    assert lengths(name, bucket, start, end) == expected


def test_fitting_buckets_are_few_and_many_are_refused() -> None:
    start, end, zone = at("2025-01-01T00:00Z"), at("2026-02-01T00:00Z"), ZoneInfo("Asia/Kathmandu")
    fitting = Division.of(zone, None, start, end)
    assert fitting is not None
    assert 90 <= len(fitting.starts) <= 120
    with pytest.raises(BadInput, match="at most 1500 buckets"):
        Division.of(zone, Bucket.HOUR, start, end)
    assert Division.of(zone, None, end - clock.HOUR, end) is None  # minutes are those of UTC


@pytest.mark.parametrize("name", ["Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"])
async def test_each_run_counts_where_its_clock_says(database: Database, name: str) -> None:
    """Folded and unfolded, and where rows are counted: the same, and that of the rows."""
    ingestion, zone = Ingestion(database, SEALER), zone_of(name)
    start = at("2026-04-03T10:20:00Z")  # before Lord Howe sets its clock back by half an hour
    for number in range(60):
        moment = start + number * 49 * clock.MINUTE
        time = clock.to_rfc3339(moment)
        state = ("SUCCEEDED", "FAILED", None)[number % 3]
        begun = {**event("execution.started", f"r{number}"), "time": time}
        ended = {**event("execution.finished", f"r{number}", state=state), "time": clock.to_rfc3339(moment + number)}
        await ingestion.record(events([begun, *([ended] if state else [])]))
        if number == 30:
            await fold(database)
    rows = await select(database, "executions", "1 = 1")
    window = (start + 7 * clock.MINUTE, start + 58 * 49 * clock.MINUTE)
    where = MetricsFilter(ExecutionFilter(), *window)
    for bucket in (Bucket.DAY, Bucket.SIX_HOURS, Bucket.HOUR):
        found = await report(database, where, bucket, zone, points=True, histograms=True)
        listed = ExecutionFilter(queued_from=window[0], queued_to=window[1])
        trend = await trend_of(database, listed, bucket, zone, histograms=True)
        counted = await trend_of(
            database,
            ExecutionFilter(queued_from=window[0], queued_to=window[1], states=tuple(State)[:6]),
            bucket,
            zone,
            histograms=True,
        )
        assert (found.points[0].start, found.points[-1].end) == window
        for points in (found.points, trend.points, counted.points):
            for point in points:
                same(point.figures, [row for row in rows if point.start <= row["queued_at"] < point.end])
        assert found.cut_hours is trend.cut_hours
        assert found.cut_hours is (name == "Asia/Kolkata") or name == "Australia/Lord_Howe"
        assert len(found.points) == len(trend.points) == len(counted.points)
    local = datetime.fromtimestamp(found.points[1].start / clock.SECOND, UTC).astimezone(zone)
    assert (local.minute, local.second) == (0, 0)
