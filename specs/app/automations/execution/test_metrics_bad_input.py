"""APP-AUTO-EXEC-METRICS: figures of nothing are null, and what cannot be meant is refused."""

from __future__ import annotations

from typing import Any

import pytest

from specs.app.automations.execution.test_bad_input import refused, works
from specs.conftest import before_any_statement
from specs.figures import DAY, HISTOGRAM, HOUR, MINUTE, OVERVIEW
from specs.harness.driver import Runwatch, at, run_events, unique

NOTHING = {"count": 0, "averageMs": None, "p50Ms": None, "p95Ms": None, "p99Ms": None, "maxMs": None}


async def test_metrics_004_nothing_is_null(runwatch: Runwatch) -> None:
    """A rate, a mean or a percentile of nothing MUST be null: neither 0 nor 100."""
    engine = unique("nothing")
    runwatch.report(
        *run_events(engine, "pending", 0, state=None), *run_events(engine, "skipped", 5, state="SKIPPED", duration=7)
    )
    found = await runwatch.query("query W($s: String) { workflows(search: $s) { nodes { id } } }", {"s": "nightly"})
    some = found["workflows"]["nodes"][0]["id"]
    for conditions, total in (
        ({"engine": [engine]}, 2),
        ({"engine": [engine], "triggerKind": ["none such"]}, 0),
        ({"engine": ["none such"]}, 0),
        ({"engine": []}, 0),
        ({"engine": ["none such"], "workflowId": [some]}, 0),
        ({"workflowId": ["workflow_" + "0" * 32]}, 0),
        ({"workflowId": []}, 0),
    ):
        window = {"from": at(-90 * MINUTE), "to": at(90 * MINUTE)}
        variables = {"filter": {**conditions, **window}, "order": "SUCCESS_RATE", "first": 5}
        metrics = (await runwatch.query(OVERVIEW, variables))["metrics"]
        assert [metrics[name] for name in ("total", "succeeded", "failed")] == [total, 0, 0]
        assert [metrics[name] for name in ("pending", "cancelled")] == [total // 2] * 2
        assert metrics["successRatePercent"] is metrics["averageDurationMs"] is None
        assert metrics["durations"] == metrics["failures"] == NOTHING
        assert metrics["topErrors"] == []
        for each in metrics["byWorkflow"]:
            assert each["successRatePercent"] is each["averageDurationMs"] is each["p95DurationMs"] is None
        assert len(metrics["byWorkflow"]) == bool(total)
        listed = {**conditions, "queuedFrom": window["from"], "queuedTo": window["to"]}
        found = await runwatch.query(HISTOGRAM, {"filter": listed, "bucket": "HOUR"})
        points = found["executionHistogram"]["points"]
        assert len(points) == 4
        for point in points:
            assert point["failureRatePercent"] is point["averageDurationMs"] is point["p95DurationMs"] is None
    unknown = 'query U { workflow(id: "workflow_%s") { metrics { total } } }' % ("0" * 32)
    assert await runwatch.query(unknown) == {"workflow": None}


BAD_WINDOWS = [
    ({"from": at(1), "to": at(0)}, None),
    ({"from": at(0), "to": at(0)}, None),
    ({"from": "2999-01-01T00:00:00Z"}, None),
    ({"from": at(0), "to": at(3650 * DAY)}, None),
    ({"from": at(0), "to": at(400 * DAY + 1)}, None),
    ({"from": "1960-01-01T00:00:00Z", "to": "1960-02-01T00:00:00Z"}, None),
    ({"to": "0001-01-01T00:00:00Z"}, None),
    ({"to": "9999-12-31T23:59:59-12:00"}, None),
    ({"from": "0001-01-01T00:00:00+12:00"}, None),
    ({"from": "yesterday"}, None),
    ({"from": "2026-01-01T00:00:00"}, None),
    ({"from": at(0), "to": at(365 * DAY)}, "MINUTE"),
    ({"from": at(0), "to": at(6 * HOUR + 1)}, "MINUTE"),
    ({"from": at(0), "to": at(400 * DAY)}, "HOUR"),
    ({"from": at(0), "to": at(1500 * HOUR + 1)}, "HOUR"),
    ({"from": at(0), "to": at(DAY)}, "FORTNIGHT"),
    ({"from": at(0), "to": at(DAY)}, "FIVE_MINUTES"),
]


@before_any_statement
@pytest.mark.parametrize(("window", "bucket"), BAD_WINDOWS, ids=str)
async def test_metrics_004_windows_that_cannot_be_meant(
    runwatch: Runwatch, window: dict[str, Any], bucket: str | None
) -> None:
    """An invalid window or bucket MUST be refused as BAD_USER_INPUT, whichever field has it."""
    variables = {"f": window, "b": bucket}
    given = "query M($f: MetricsFilter, $b: MetricsBucket)"
    for selection in ("total", "trend { total }"):
        refused(
            runwatch.post(
                {"query": f"{given} {{ metrics(filter: $f, bucket: $b) {{ {selection} }} }}", "variables": variables}
            )
        )
    renamed = {{"from": "queuedFrom", "to": "queuedTo"}[name]: value for name, value in window.items()}
    document = (
        "query H($f: ExecutionFilter, $b: MetricsBucket)"
        " { executionHistogram(filter: $f, bucket: $b) { points { total } } }"
    )
    refused(runwatch.post({"query": document, "variables": {"f": renamed, "b": bucket}}))
    works(runwatch)


@before_any_statement
@pytest.mark.parametrize(
    ("arguments", "selection"),
    [
        ('(filter: {workflowId: ["execution_00000000000000000000000000000000"]})', "total"),
        ('(filter: {workflowId: ["nonsense"]})', "total"),
        ('(filter: {engine: ["a\\u0000b"]})', "total"),
        ("(filter: {status: [FAILURE]})", "total"),
        ("(bucket: FORTNIGHT)", "total"),
        ("", "topErrors(first: 0) { count }"),
        ("", "topErrors(first: 101) { count }"),
        ("", "topErrors(first: -1) { count }"),
        ("", "byWorkflow(first: 0) { total }"),
        ("", "byWorkflow(first: 101) { total }"),
        ("", "byWorkflow(orderBy: SHOE_SIZE) { total }"),
        ("", "durations(status: BROKEN) { count }"),
        ("", "trend(first: 1) { total }"),
        ("", "trend"),
    ],
)
async def test_metrics_004_arguments_that_cannot_be_meant(runwatch: Runwatch, arguments: str, selection: str) -> None:
    """So MUST any other argument."""
    refused(runwatch.post({"query": f"{{ metrics{arguments} {{ {selection} }} }}"}))
    works(runwatch)


@before_any_statement
@pytest.mark.parametrize(
    ("arguments", "selection"),
    [
        ("(first: 0)", "total"),
        ("(first: 101)", "total"),
        ("(first: 1, last: 1)", "total"),
        ('(after: "nonsense")', "total"),
        ("(orderBy: SHOE_SIZE)", "total"),
        ('(search: "a\\u0000b")', "total"),
        ('(timeZone: "Mars/Olympus")', "trend { total }"),
        ("(bucket: MINUTE)", "trend { total }"),
        ('(filter: {from: "1900-01-01T00:00:00Z"})', "total"),
        ('(filter: {workflowId: ["nonsense"]})', "total"),
        ("", "workflow { recent(first: 0) { id } }"),
        ("", "workflow { recent(first: 21) { id } }"),
    ],
)
async def test_metrics_006_arguments_that_cannot_be_meant(runwatch: Runwatch, arguments: str, selection: str) -> None:
    """Invalid arguments of workflows MUST be refused too."""
    runwatch.report(*run_events(unique("some"), "run", 0))
    refused(runwatch.post({"query": f"{{ workflowMetrics{arguments} {{ nodes {{ {selection} }} }} }}"}))
    works(runwatch)


@before_any_statement
async def test_metrics_004_fragments_that_multiply(runwatch: Runwatch) -> None:
    """A document whose fragments double with every level MUST be refused; one that only repeats itself MUST work."""
    doubling = (
        "fragment F%d on Workflow { a: lastExecution { workflow { NEXT } } b: lastExecution { workflow { NEXT } } }"
    )
    repeating = "fragment F%d on Workflow { metrics { byWorkflow(first: 1) { workflow { NEXT NEXT } } } }"
    for level, works_as in ((doubling, None), (repeating, "workflows")):
        fragments = " ".join((level % number).replace("NEXT", f"...F{number + 1}") for number in range(11))
        document = f"{{ workflows(first: 1) {{ nodes {{ ...F0 }} }} }} {fragments} fragment F11 on Workflow {{ name }}"
        answer = runwatch.post({"query": document})
        if works_as is None:
            refused(answer)
        else:
            assert works_as in answer.json()["data"]
    works(runwatch)
