"""Figures as the specs query them, and as they should be: counted from the runs in the list."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from specs.harness.driver import Runwatch, at, event, run_events

MINUTE, HOUR, DAY = 60, 3600, 86_400
FIGURES = """
  from to total pending succeeded failed cancelled successRatePercent averageDurationMs
  durations { count averageMs p50Ms p95Ms p99Ms maxMs }
  failures: durations(status: FAILURE) { count averageMs p50Ms p95Ms p99Ms maxMs }
"""
POINTS = """
  start end total pending succeeded failed cancelled failureRatePercent averageDurationMs p50DurationMs p95DurationMs
"""
BOTH = f"""
query Both($metrics: MetricsFilter!, $list: ExecutionFilter!, $bucket: MetricsBucket) {{
  metrics(filter: $metrics, bucket: $bucket) {{ {FIGURES} trend {{ {POINTS} }} }}
  executionHistogram(filter: $list, bucket: $bucket) {{ kind points {{ {POINTS} }} }}
  executions(filter: $list, first: 100) {{
    totalCount {{ value kind }} nodes {{ status durationMs queuedAt workflow {{ id }} }}
  }}
}}
"""
HISTOGRAM = f"""
query H($filter: ExecutionFilter!, $bucket: MetricsBucket) {{
  executionHistogram(filter: $filter, bucket: $bucket) {{ kind points {{ {POINTS} }} }}
  executions(filter: $filter, first: 100) {{ totalCount {{ value }} nodes {{ status durationMs queuedAt }} }}
}}
"""
OVERVIEW = f"""
query Overview($filter: MetricsFilter!, $order: WorkflowMetricsOrder!, $first: Int!) {{
  metrics(filter: $filter) {{
    {FIGURES}
    topErrors(first: $first) {{ count group {{ id message }} }}
    byWorkflow(first: $first, orderBy: $order) {{
      workflow {{ name metrics(filter: $filter) {{ {FIGURES} trend {{ total }} }} }}
      total failed successRatePercent averageDurationMs p95DurationMs
    }}
  }}
}}
"""
Runs = Sequence[Any]


def moment(text: str) -> datetime:
    """A time as the API has it."""
    return datetime.fromisoformat(text)


async def both(
    runwatch: Runwatch,
    engine: str,
    start: str,
    end: str,
    conditions: Mapping[str, Any] | None = None,
    bucket: str | None = None,
) -> tuple[Any, Any, Runs]:
    """The metrics and the histogram of a window, and the runs that the list has for it."""
    given = {"engine": [engine], **(conditions or {})}
    window = {"queuedFrom": start, "queuedTo": end}
    variables = {"metrics": {**given, "from": start, "to": end}, "list": {**given, **window}, "bucket": bucket}
    found = await runwatch.query(BOTH, variables)
    runs = found["executions"]["nodes"]
    assert found["executions"]["totalCount"] == {"value": len(runs), "kind": "EXACT"}
    assert (moment(found["metrics"]["from"]), moment(found["metrics"]["to"])) == (moment(start), moment(end))
    return found["metrics"], found["executionHistogram"], runs


def counts(runs: Runs) -> dict[str, int]:
    """How many are unfinished, and how many ended how."""
    names = {"pending": "PENDING", "succeeded": "SUCCESS", "failed": "FAILURE", "cancelled": "CANCELLED"}
    return {name: sum(run["status"] == status for run in runs) for name, status in names.items()}


def durations(runs: Runs, *statuses: str) -> list[float]:
    """Those of the runs of some statuses that have one, in their order."""
    return sorted(run["durationMs"] for run in runs if run["status"] in statuses and run["durationMs"] is not None)


def mean(values: list[float]) -> Any:
    """The mean, or null."""
    return pytest.approx(sum(values) / len(values), abs=0.001) if values else None


def share(values: list[float], percent: int) -> Any:
    """What so many per cent took no longer than, within 2 %; or null."""
    return pytest.approx(values[-(-len(values) * percent // 100) - 1], rel=0.02) if values else None


def check_durations(stats: Any, values: list[float]) -> None:
    """Assert that they are those of just these."""
    assert stats == {
        "count": len(values),
        "averageMs": mean(values),
        "p50Ms": share(values, 50),
        "p95Ms": share(values, 95),
        "p99Ms": share(values, 99),
        "maxMs": share(values, 100),
    }


def check_figures(metrics: Any, runs: Runs) -> None:
    """Assert that they are those of just these runs."""
    ended = counts(runs)
    assert {name: metrics[name] for name in ended} == ended
    assert metrics["total"] == len(runs)
    both = ended["succeeded"] + ended["failed"]
    assert metrics["successRatePercent"] == (pytest.approx(ended["succeeded"] * 100 / both) if both else None)
    ran = durations(runs, "SUCCESS", "FAILURE")
    assert metrics["averageDurationMs"] == mean(ran)
    check_durations(metrics["durations"], ran)
    check_durations(metrics["failures"], durations(runs, "FAILURE"))


def check_points(points: Any, start: str, end: str, runs: Runs) -> None:
    """Assert that they are every bucket of the window, and that each has just its runs."""
    assert moment(points[0]["start"]) == moment(start)
    assert moment(points[-1]["end"]) == moment(end)
    assert all(one["end"] == other["start"] for one, other in pairwise(points))
    inner = {moment(point["end"]) - moment(point["start"]) for point in points[1:-1]}
    assert len(inner) <= 1, "one length"
    for point in points:
        within = [run for run in runs if point["start"] <= run["queuedAt"] < point["end"]]
        ended = counts(within)
        assert {name: point[name] for name in ended} == ended
        assert point["total"] == len(within)
        both = ended["succeeded"] + ended["failed"]
        assert point["failureRatePercent"] == (pytest.approx(ended["failed"] * 100 / both) if both else None)
        ran = durations(within, "SUCCESS", "FAILURE")
        assert (point["averageDurationMs"], point["p95DurationMs"]) == (mean(ran), share(ran, 95))
        assert point["p50DurationMs"] == share(ran, 50)


def three_days(engine: str, choice: random.Random, workflows: Sequence[str]) -> list[dict[str, Any]]:
    """The events of 80 runs of three days, with late ones and corrections, out of order."""
    events = []
    for number in range(80):
        seconds = choice.choice([choice.uniform(0, 3 * DAY), choice.randint(0, 71) * HOUR])
        state = choice.choice(["SUCCEEDED", "SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED", "SKIPPED", None])
        duration = choice.uniform(0, 4 * HOUR)
        subject, kind = f"r{number:02}", choice.choice(["schedule", "webhook"])
        events += run_events(
            engine,
            subject,
            seconds,
            workflow=choice.choice(workflows),
            kind=kind,
            state=state,
            duration=duration,
            started=bool(number % 8),
        )
        if number % 3 == 0:  # it ended otherwise than was said
            events.append(event(engine, subject, "execution.finished", seconds + duration + 9, {"state": "FAILED"}))
        if number % 5 == 0:  # it was queued earlier than was said, in another hour
            events.append(event(engine, subject, "execution.queued", seconds - choice.uniform(0, 2 * HOUR)))
    choice.shuffle(events)
    return events


def windows(choice: random.Random, runs: Runs) -> Iterable[tuple[str, str]]:
    """Some that cut hours, and one that begins and ends at the very moments of runs."""
    yield at(-3 * HOUR), at(3 * DAY + HOUR)
    start = choice.uniform(-HOUR, 2 * DAY)
    yield at(start), at(start + choice.choice([choice.uniform(1, HOUR), choice.uniform(HOUR, DAY)]))
    yield at(17 * MINUTE + 0.000001), at(2 * DAY + 43 * MINUTE)
    moments = sorted({run["queuedAt"] for run in runs})
    if len(moments) > 1:
        low, high = sorted(choice.sample(range(len(moments)), 2))
        yield moments[low], moments[high]
