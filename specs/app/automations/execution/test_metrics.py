"""APP-AUTO-EXEC-METRICS: an administrator sees how runs go, in figures that agree with the list to the last run."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from specs.figures import (
    DAY,
    HISTOGRAM,
    HOUR,
    MINUTE,
    OVERVIEW,
    Runs,
    both,
    check_figures,
    check_points,
    counts,
    moment,
    three_days,
    windows,
)
from specs.harness.driver import Runwatch, at, run_events, unique

ALL = """
query All($filter: MetricsFilter!, $order: WorkflowMetricsOrder!, $search: String, $after: String) {
  workflowMetrics(filter: $filter, orderBy: $order, search: $search, first: 1, after: $after) {
    pageInfo { hasNextPage endCursor } totalCount { value }
    nodes {
      total failed successRatePercent averageDurationMs p95DurationMs
      trend { total } previous { total } workflow { name }
    }
  }
}
"""
ALL_OF_THEM = """
query All($filter: MetricsFilter!, $search: String) {
  workflowMetrics(filter: $filter, search: $search, orderBy: TOTAL) {
    nodes {
      total successRatePercent p95DurationMs
      previous { total failed successRatePercent averageDurationMs }
      workflow { name overdue usualGapMs recent { externalId } three: recent(first: 3) { externalId } }
    }
  }
}
"""


async def test_metrics_001_agree_with_the_list(runwatch: Runwatch) -> None:
    """Totals, rates, averages and percentiles MUST be those of the list for any window, right after each answer."""
    choice, engine = random.Random(11), unique("figures")
    names = [unique("one"), unique("two"), unique("three")]
    events = three_days(engine, choice, names)
    runs: Runs = []
    for place in range(0, len(events), 32):
        runwatch.report(*events[place : place + 32])
        for start, end in windows(choice, runs):
            metrics, _, found = await both(runwatch, engine, start, end)
            check_figures(metrics, found)
        _, _, runs = await both(runwatch, engine, at(-3 * HOUR), at(3 * DAY + HOUR))
    assert len(runs) == 80
    assert all(counts(runs).values())
    for _ in range(3):  # while they are folded
        workflow = choice.choice(runs)["workflow"]["id"]
        narrower: list[dict[str, Any]] = [{"triggerKind": ["webhook"]}, {"workflowId": [workflow]}, {"triggerKind": []}]
        for conditions in ({}, *narrower):
            for start, end in windows(choice, runs):
                metrics, _, found = await both(runwatch, engine, start, end, conditions)
                check_figures(metrics, found)
        await asyncio.sleep(0.4)


LENGTHS = [1, MINUTE, HOUR, 2 * HOUR, 5.9 * HOUR, 6.1 * HOUR, DAY, 5 * DAY, 14 * DAY, 30 * DAY, 90 * DAY, 400 * DAY]


async def test_metrics_002_trends_have_every_bucket(runwatch: Runwatch) -> None:
    """Each bucket of a window MUST be there, with exactly its runs; at most 120 buckets by default."""
    choice, engine = random.Random(12), unique("trends")
    runwatch.report(*three_days(engine, choice, [unique("one"), unique("two")]))
    for length in LENGTHS:
        start, end = at(1.7 * DAY - length / 2), at(1.7 * DAY + length / 2)
        for conditions in (None, {"triggerKind": ["schedule"]}):
            metrics, histogram, runs = await both(runwatch, engine, start, end, conditions)
            assert len(metrics["trend"]) <= 120
            assert histogram == {"kind": "EXACT", "points": metrics["trend"]}
            check_points(metrics["trend"], start, end, runs)
            check_figures(metrics, runs)
            assert sum(point["total"] for point in metrics["trend"]) == metrics["total"]
    for bucket, first, last, number in (
        ("MINUTE", DAY + 30, DAY + 6 * HOUR, 360),
        ("HOUR", 90 * MINUTE, 3 * DAY - 1, 71),
        ("DAY", -DAY - 1, 3 * DAY, 5),
        ("AUTO", 0, DAY, 24),
    ):
        start, end = at(first), at(last)
        metrics, histogram, runs = await both(runwatch, engine, start, end, bucket=bucket)
        assert len(metrics["trend"]) == number
        check_points(metrics["trend"], start, end, runs)
        assert histogram == {"kind": "EXACT", "points": metrics["trend"]}


async def test_metrics_002_the_histogram_is_that_of_any_list(runwatch: Runwatch) -> None:
    """Whatever the list's filter, its histogram MUST have the list's runs."""
    choice, engine, name = random.Random(13), unique("lists"), unique("Größe")
    runwatch.report(*three_days(engine, choice, [name, unique("other")]))
    start, end = at(-HOUR / 3), at(2.9 * DAY)
    seen = set()
    every: tuple[dict[str, Any], ...] = (
        {"status": ["FAILURE", "PENDING"]},
        {"state": ["TIMED_OUT", "SKIPPED", "RUNNING"]},
        {"workflowName": [name]},
        {"excludeWorkflowName": [name], "status": ["SUCCESS"]},
        {"minDurationMs": 3_600_000, "maxDurationMs": 9_000_000},
        {"unresolved": True},
        {"unresolved": False, "triggerKind": ["webhook"]},
        {"search": name.upper()},
        {"search": "none such"},
        {"failedStepName": ["none such"]},
        {"status": []},
    )
    for conditions in every:
        given = {"engine": [engine], "queuedFrom": start, "queuedTo": end, **conditions}
        for bucket in ("AUTO", "HOUR", "DAY"):
            found = await runwatch.query(HISTOGRAM, {"filter": given, "bucket": bucket})
            runs, histogram = found["executions"]["nodes"], found["executionHistogram"]
            check_points(histogram["points"], start, end, runs)
            total = sum(point["total"] for point in histogram["points"])
            assert (total, histogram["kind"]) == (found["executions"]["totalCount"]["value"], "EXACT")
            seen.add(total)
    assert len(seen) > 5
    day = await runwatch.query("query D { executionHistogram { points { start end } } metrics { from to } }")
    for first, last in (
        (day["executionHistogram"]["points"][0]["start"], day["executionHistogram"]["points"][-1]["end"]),
        (day["metrics"]["from"], day["metrics"]["to"]),
    ):
        assert moment(last) - moment(first) == timedelta(days=1)


async def test_metrics_006_all_workflows(runwatch: Runwatch) -> None:
    """Workflows without a run in the window MUST be listed too, with what they were before, searched by their name;
    each MUST have its newest runs, and say when it is overdue.
    """
    engine, hourly, idle = unique("all"), unique("Stündlich"), unique("idle")
    events = []
    for number in range(25):
        state = "FAILED" if number % 5 == 4 else "SUCCEEDED"
        events += run_events(engine, f"h{number:02}", number * HOUR, workflow=hourly, state=state, duration=number)
    runwatch.report(*events, *run_events(engine, "i", -HOUR, workflow=idle, state="FAILED"))
    given: dict[str, Any] = {"engine": [engine], "from": at(0), "to": at(DAY)}
    found = (await runwatch.query(ALL_OF_THEM, {"filter": given, "search": None}))["workflowMetrics"]
    assert [node["workflow"]["name"] for node in found["nodes"]] == [hourly, idle]
    runs, none = found["nodes"]
    assert (none["total"], none["successRatePercent"], none["p95DurationMs"]) == (0, None, None)
    assert none["previous"] == {"total": 1, "failed": 1, "successRatePercent": 0, "averageDurationMs": 2000}
    assert (none["workflow"]["overdue"], none["workflow"]["usualGapMs"]) == (False, None)
    assert [run["externalId"] for run in runs["workflow"]["recent"]] == [f"h{number:02}" for number in range(24, 4, -1)]
    assert [run["externalId"] for run in runs["workflow"]["three"]] == ["h24", "h23", "h22"]
    assert (runs["workflow"]["overdue"], runs["workflow"]["usualGapMs"]) == (True, HOUR * 1000)
    assert (runs["total"], runs["previous"]["total"]) == (24, 0)
    search = hourly[:6].upper()
    found = (await runwatch.query(ALL_OF_THEM, {"filter": given, "search": search}))["workflowMetrics"]
    assert [node["workflow"]["name"] for node in found["nodes"]] == [hourly]
    # One that runs on is not overdue.
    ahead = (datetime.now(UTC) - datetime.fromisoformat(at(0))).total_seconds()
    runwatch.report(*run_events(engine, "now", ahead, workflow=hourly))
    found = (await runwatch.query(ALL_OF_THEM, {"filter": given, "search": search}))["workflowMetrics"]
    assert found["nodes"][0]["workflow"]["overdue"] is False


async def test_metrics_003_by_workflow_error_and_trigger(runwatch: Runwatch) -> None:
    """Workflows MUST come in each order, errors by their number, and the kinds of triggers MUST be there to choose
    from.
    """
    engine, kinds = unique("overview"), [unique("ärger"), unique("Zeit"), unique("🚀")]
    good, bad, slow, idle = (unique(name) for name in ("good", "bad", "slow", "idle"))
    error = {"type": "E", "message": "no space left"}
    events = []
    for number in range(6):
        events += run_events(engine, f"g{number}", number * HOUR, workflow=good, kind=kinds[0], duration=1)
    for number in range(3):
        text = {"type": "E", "message": f"disk {number} is full"}
        events += run_events(engine, f"b{number}", number * HOUR + 7, workflow=bad, state="FAILED", error=text)
    for number, state in enumerate(("SUCCEEDED", "SUCCEEDED", "FAILED", "CANCELLED")):
        events += run_events(
            engine,
            f"s{number}",
            number * HOUR + 9,
            workflow=slow,
            kind=kinds[2],
            state=state,
            error=error if state == "FAILED" else None,
            duration=500,
        )
    events += run_events(engine, "i", HOUR, workflow=idle, kind=kinds[1], state=None)
    runwatch.report(*events)
    given: dict[str, Any] = {"engine": [engine], "from": at(-1), "to": at(DAY)}
    orders = {
        "FAILED": [bad, slow],
        "TOTAL": [good, slow, bad, idle],
        "SUCCESS_RATE": [bad, slow, good, idle],
        "AVERAGE_DURATION": [slow, bad, good, idle],
    }
    for order, expected in orders.items():
        variables = {"filter": given, "order": order, "first": 20}
        metrics = (await runwatch.query(OVERVIEW, variables))["metrics"]
        names = [each["workflow"]["name"] for each in metrics["byWorkflow"]]
        assert names[: len(expected)] == expected
        assert sorted(names) == sorted([good, bad, slow, idle])
        for each in metrics["byWorkflow"]:
            of = each["workflow"]["metrics"]  # the same, asked of the workflow
            assert [each[name] for name in ("total", "failed", "successRatePercent", "averageDurationMs")] == [
                of[name] for name in ("total", "failed", "successRatePercent", "averageDurationMs")
            ]
            assert each["p95DurationMs"] == of["durations"]["p95Ms"]
            assert sum(point["total"] for point in of["trend"]) == of["total"]
        found = {each["workflow"]["name"]: each for each in metrics["byWorkflow"]}
        rates = {name: each["successRatePercent"] for name, each in found.items()}
        assert rates == {good: 100, bad: 0, slow: pytest.approx(200 / 3), idle: None}
        averages = {name: each["averageDurationMs"] for name, each in found.items()}
        assert averages == {good: 1000, bad: 2000, slow: 500_000, idle: None}
        errors = [(each["count"], each["group"]["message"]) for each in metrics["topErrors"]]
        assert errors == [(3, "disk <num> is full"), (1, "no space left")]
        few = (await runwatch.query(OVERVIEW, {**variables, "first": 1}))["metrics"]
        assert [each["workflow"]["name"] for each in few["byWorkflow"]] == names[:1]
        assert few["topErrors"] == metrics["topErrors"][:1]
        pages: list[Any] = []
        for _ in range(4):
            after = pages[-1]["pageInfo"]["endCursor"] if pages else None
            variables = {"filter": given, "order": order, "search": None, "after": after}
            pages.append((await runwatch.query(ALL, variables))["workflowMetrics"])
        assert [page["pageInfo"]["hasNextPage"] for page in pages] == [True, True, True, False]
        assert [page["totalCount"]["value"] for page in pages] == [4] * 4
        assert [page["nodes"][0]["workflow"]["name"] for page in pages] == names
        for page, each in zip(pages, metrics["byWorkflow"], strict=True):
            (node,) = page["nodes"]
            same = ("total", "failed", "successRatePercent", "averageDurationMs", "p95DurationMs")
            assert [node[name] for name in same] == [each[name] for name in same]
            assert node["trend"] == each["workflow"]["metrics"]["trend"]
            assert node["previous"]["total"] == 0
    early = {"filter": {**given, "to": at(HOUR)}, "order": "FAILED", "first": 20}
    metrics = (await runwatch.query(OVERVIEW, early))["metrics"]
    assert [each["count"] for each in metrics["topErrors"]] == [1]
    found = await runwatch.query("query K { triggerKinds engines { name } }")
    assert found["triggerKinds"] == sorted(set(found["triggerKinds"]))
    assert {*kinds, "schedule"} <= set(found["triggerKinds"])
    assert engine in [each["name"] for each in found["engines"]]


FIT = """
query Fit($filter: ExecutionFilter) {
  executionHistogram(filter: $filter, window: FIT) { from to points { start end total } }
}
"""


async def test_metrics_005_a_window_that_fits(runwatch: Runwatch) -> None:
    """The window MUST be the least of the lengths that has the list's newest runs, and end at queuedTo."""
    engine = unique("fits")
    for begin, hours in ((30 * DAY - 1800, 1), (30 * DAY - 5 * HOUR, 6), (25 * DAY, 7 * 24), (2 * DAY, 30 * 24)):
        runwatch.report(*run_events(engine, unique("run"), begin))
        found = await runwatch.query(FIT, {"filter": {"engine": [engine], "queuedTo": at(30 * DAY)}})
        histogram = found["executionHistogram"]
        assert moment(histogram["to"]) == moment(at(30 * DAY))
        assert moment(histogram["to"]) - moment(histogram["from"]) == timedelta(hours=hours)
        assert (histogram["points"][0]["start"], histogram["points"][-1]["end"]) == (histogram["from"], histogram["to"])
    assert sum(point["total"] for point in histogram["points"]) == 4
    given = {"engine": [engine], "queuedFrom": at(29 * DAY), "queuedTo": at(30 * DAY)}
    histogram = (await runwatch.query(FIT, {"filter": given}))["executionHistogram"]
    assert (moment(histogram["from"]), moment(histogram["to"])) == (moment(at(29 * DAY)), moment(at(30 * DAY)))
    empty = (await runwatch.query(FIT, {"filter": {"engine": [unique("none")]}}))["executionHistogram"]
    assert moment(empty["to"]) - moment(empty["from"]) == timedelta(days=1)
