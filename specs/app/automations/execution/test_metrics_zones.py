"""APP-AUTO-EXEC-METRICS-007: hours and days of figures are those of the clock that an administrator lives by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from specs.figures import moment
from specs.harness.driver import Runwatch, event, unique

ZONED = """
query Zoned($metrics: MetricsFilter!, $list: ExecutionFilter!, $bucket: MetricsBucket!, $zone: String!) {
  metrics(filter: $metrics, bucket: $bucket, timeZone: $zone) { cutHours trend { start end total failed } }
  executionHistogram(filter: $list, bucket: $bucket, timeZone: $zone) { cutHours points { start end total failed } }
  workflowMetrics(filter: $metrics, bucket: $bucket, timeZone: $zone) { nodes { trend { start end total failed } } }
  executions(filter: $list, first: 100) { nodes { status queuedAt } }
}
"""


@pytest.mark.parametrize(
    ("zone", "bucket", "first", "last", "hours"),
    [
        ("America/New_York", "DAY", "2025-03-08T00:00", "2025-03-11T00:00", [24, 23, 24]),
        ("America/New_York", "DAY", "2025-11-01T00:00", "2025-11-04T00:00", [24, 25, 24]),
        ("America/New_York", "HOUR", "2025-11-02T00:00", "2025-11-02T03:00", [1, 1, 1, 1]),
        ("Asia/Kolkata", "DAY", "2025-03-08T00:00", "2025-03-11T00:00", [24, 24, 24]),
        ("Asia/Kolkata", "HOUR", "2025-03-08T22:00", "2025-03-09T02:00", [1, 1, 1, 1]),
        ("Australia/Lord_Howe", "DAY", "2025-04-05T00:00", "2025-04-08T00:00", [24, 24.5, 24]),
        ("UTC", "DAY", "2025-03-08T00:00", "2025-03-11T00:00", [24, 24, 24]),
    ],
)
async def test_metrics_007_days_and_hours_are_those_of_a_zone(
    runwatch: Runwatch, zone: str, bucket: str, first: str, last: str, hours: list[float]
) -> None:
    """Buckets MUST begin by the clock of the zone, with days of 23 and 25 hours, and each have the list's runs."""
    engine, clock = unique("zone"), ZoneInfo(zone)
    start, end = (datetime.fromisoformat(each).replace(tzinfo=clock).astimezone(UTC) for each in (first, last))
    apart = (end - start) / 50
    # A run at each border of the window, and on both sides of each border within.
    borders = [start + timedelta(hours=sum(hours[:number])) for number in range(1, len(hours))]
    moments = [start + apart * number for number in range(50)]
    moments += [border - timedelta(microseconds=number) for border in borders for number in (0, 1)]
    events: list[dict[str, Any]] = []
    for number, at in enumerate(moments):
        state = "FAILED" if number % 3 else "SUCCEEDED"
        queued = event(engine, f"r{number}", "execution.queued", 0, {"workflow": engine}, time=at.isoformat())
        events += [queued, event(engine, f"r{number}", "execution.finished", 1, {"state": state}, time=at.isoformat())]
    runwatch.report(*events)
    window = {"from": start.isoformat(), "to": end.isoformat(), "engine": [engine]}
    listed = {"queuedFrom": window["from"], "queuedTo": window["to"], "engine": [engine]}
    asked = {"metrics": window, "list": listed, "bucket": bucket, "zone": zone}
    found = await runwatch.query(ZONED, asked)
    points = found["metrics"]["trend"]
    assert found["executionHistogram"]["points"] == points
    assert [each["trend"] for each in found["workflowMetrics"]["nodes"]] == [points]
    edges = [moment(point["start"]) for point in points] + [moment(points[-1]["end"])]
    assert edges == [start, *borders, end]
    assert [(after - before) / timedelta(hours=1) for before, after in pairwise(edges)] == hours
    assert all(edge.astimezone(clock).minute == 0 for edge in edges)
    for point in points:
        runs = [run for run in found["executions"]["nodes"] if point["start"] <= run["queuedAt"] < point["end"]]
        assert (point["total"], point["failed"]) == (len(runs), sum(run["status"] == "FAILURE" for run in runs))
    assert sum(point["total"] for point in points) == len(moments)
    halves = zone in {"Asia/Kolkata", "Australia/Lord_Howe"}
    assert (found["metrics"]["cutHours"], found["executionHistogram"]["cutHours"]) == (halves, halves)
