"""AUTO-EXEC-ADMIN-002: an administrator sees where every run stands."""

from __future__ import annotations

import asyncio
import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from specs.harness.driver import Runwatch, at, event, run_events, unique

LIST = """
query List($engine: [String!]) {
  executions(filter: {engine: $engine}, orderBy: {field: QUEUED_AT, direction: ASC}) {
    nodes {
      externalId status state workflowName queuedAt dueAt startedAt finishedAt updatedAt lastHeardAt
      queueMs durationMs
      trigger { kind data dataBytes }
      error { type message stackTrace truncated }
    }
  }
}
"""
FORMAT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


async def nodes(runwatch: Runwatch, engine: str) -> list[Any]:
    """All executions of an engine, oldest first."""
    found: list[Any] = (await runwatch.query(LIST, {"engine": [engine]}))["executions"]["nodes"]
    return found


async def test_status_001_each_state_reads_as_its_status(runwatch: Runwatch) -> None:
    """The state MUST be what the engine last reported, and the status MUST follow from it."""
    engine = unique("states")
    finished = {
        "SUCCEEDED": "SUCCESS",
        "FAILED": "FAILURE",
        "TIMED_OUT": "FAILURE",
        "CRASHED": "FAILURE",
        "CANCELLED": "CANCELLED",
        "SKIPPED": "CANCELLED",
    }
    for number, state in enumerate(finished):
        runwatch.report(*run_events(engine, state, number * 10, state=state))
    runwatch.report(*run_events(engine, "QUEUED", 100, state=None, started=False))
    runwatch.report(*run_events(engine, "RUNNING", 110, state=None))
    waiting = event(engine, "WAITING", "execution.waiting", 130, {"dueAt": at(200)})
    runwatch.report(*run_events(engine, "WAITING", 120, state=None), waiting)
    found = await nodes(runwatch, engine)
    assert {node["externalId"]: node["state"] for node in found} == {
        node["externalId"]: node["externalId"] for node in found
    }
    assert [node["dueAt"] for node in found if node["dueAt"]] == [found[-1]["dueAt"]], "of the one that is told to wait"
    expected = {**finished, "QUEUED": "PENDING", "RUNNING": "PENDING", "WAITING": "PENDING"}
    assert {node["state"]: node["status"] for node in found} == expected


async def test_status_002_events_in_any_order_end_alike(runwatch: Runwatch) -> None:
    """Late, repeated and reordered events MUST give the same run."""
    engine = unique("orders")
    shuffler = random.Random(7)
    for number in range(12):
        subject = f"r{number:02}"
        events = [
            *run_events(
                engine, subject, 5, state="FAILED", error={"type": "E", "message": "first", "stackTrace": "at x"}
            ),
            event(engine, subject, "execution.finished", 4, {"state": "SUCCEEDED"}),
            event(engine, subject, "execution.waiting", 6.5),
            event(engine, subject, "execution.heartbeat", 7),
            event(engine, subject, "step.started", 6.2, {"step": {"index": 0, "name": "s"}}),
            event(engine, subject, "log.written", 6.4, {"level": "INFO", "message": "hello"}),
        ]
        shuffler.shuffle(events)
        for one in events[:4]:
            runwatch.report(one)
        runwatch.report(*events[2:], *events[:3])
    shown = []
    for node in await nodes(runwatch, engine):
        assert node["trigger"].pop("data") == {"subject": node.pop("externalId")}
        del node["updatedAt"], node["lastHeardAt"]
        shown.append(node)
    assert len(shown) == 12
    assert shown == shown[:1] * 12
    assert (shown[0]["state"], shown[0]["startedAt"], shown[0]["error"]["message"]) == (
        "FAILED",
        "2026-01-01T00:00:06.000000Z",
        "first",
    )


async def test_status_003_times_are_exact(runwatch: Runwatch) -> None:
    """Times MUST be UTC with six digits, durations their differences, and unknown ones null."""
    engine = unique("times")
    queued = event(engine, "r", "execution.queued", 0, {"workflow": "w"})
    runwatch.report({**queued, "time": "2026-01-01T02:00:00.000001+02:00"})
    (node,) = await nodes(runwatch, engine)
    assert node["queuedAt"] == "2026-01-01T00:00:00.000001Z"
    assert [node[name] for name in ("startedAt", "finishedAt", "queueMs", "durationMs", "error")] == [None] * 5
    runwatch.report(event(engine, "r", "execution.started", 1.5), event(engine, "r", "execution.started", 1.25))
    runwatch.report(event(engine, "r", "execution.finished", 90_001.5, {"state": "SUCCEEDED"}))
    (node,) = await nodes(runwatch, engine)
    assert (node["startedAt"], node["finishedAt"]) == ("2026-01-01T00:00:01.250000Z", "2026-01-02T01:00:01.500000Z")
    assert (node["queueMs"], node["durationMs"]) == (1249.999, 90_000_250.0)
    times = ("queuedAt", "startedAt", "finishedAt", "updatedAt", "lastHeardAt")
    assert all(FORMAT.fullmatch(node[name]) for name in times)
    assert node["queuedAt"] < node["lastHeardAt"] <= node["updatedAt"], "not by Runwatch's clock"
    assert at(0).startswith("2026-01-01T00:00:00")


async def test_status_004_a_failure_always_says_why(runwatch: Runwatch) -> None:
    """A failed run MUST have an error, even when the engine sent none; other runs MUST have none."""
    engine = unique("errors")
    error = {"type": "ValueError", "message": "x" * 10_000, "stackTrace": "Traceback …\n  at f"}
    runwatch.report(
        *run_events(engine, "told", 0, state="FAILED", error=error),
        *run_events(engine, "silent", 10, state="TIMED_OUT"),
        *run_events(engine, "crashed", 11, state="CRASHED"),
        *run_events(engine, "cancelled", 12, state="CANCELLED"),
        *run_events(engine, "fine", 20),
        *run_events(engine, "running", 30, state=None),
    )
    told, silent, crashed, cancelled, fine, running = await nodes(runwatch, engine)
    assert told["error"] == {**error, "message": "x" * 8192, "truncated": True}
    assert silent["error"]["message"]
    assert (silent["error"]["type"], silent["error"]["truncated"]) == (None, False)
    assert crashed["error"]["message"]
    assert fine["error"] is running["error"] is cancelled["error"] is None


async def test_status_005_trigger_data_keeps_its_digits(runwatch: Runwatch) -> None:
    """Trigger data MUST come back as the text that the engine sent: digits, order of keys, everything."""
    engine = unique("digits")
    data = b'{"z": 12345678901234567890, "a": 1.10, "list": [1.0, -0, 1e400], "s": "\\ud800 \\u0000 \xc3\xa9"}'
    body = (
        b'[{"specversion":"1.0","id":"1","source":"%b","subject":"r","time":"2026-01-01T00:00:00Z",'
        b'"type":"execution.queued","data":{"workflow":"w","trigger":{"kind":"manual","data":%b}}}]'
    ) % (engine.encode(), data)
    assert runwatch.post_events(body).json() == {"accepted": 1, "rejected": []}
    document = "query D($e: [String!]) { executions(filter: {engine: $e}) { nodes { trigger { data dataBytes } } } }"
    answer = runwatch.post({"query": document, "variables": {"e": [engine]}})
    assert b'"trigger":{"data":' + data + b',"dataBytes":%d}' % len(data) in answer.content


BACKWARDS = """
query Steps($e: [String!]) {
  executions(filter: {engine: $e}) { nodes { timeMarks steps { index durationMs timeMarks startedAt finishedAt } } }
}
"""


async def test_status_006_a_step_that_ends_before_it_starts_has_no_duration(runwatch: Runwatch) -> None:
    """A step whose duration would be below 0 MUST have none, and a mark; the engine's own figure counts."""
    engine = unique("backwards")
    told: list[dict[str, Any]] = [event(engine, "r", "execution.started", 0, {"workflow": "w"})]
    for index, (began, ended, given) in enumerate([(5, 3, None), (5, 7, None), (5, 3, 20), (None, 3, None)]):
        step = {"index": index, "name": f"step {index}"}
        if began is not None:
            told.append(event(engine, "r", "step.started", began, {"step": step}, id=f"{index}/started"))
        end = step | {"state": "SUCCEEDED"} | ({} if given is None else {"durationMs": given})
        told.append(event(engine, "r", "step.finished", ended, {"step": end}, id=f"{index}/finished"))
    runwatch.report(*told)
    [run] = (await runwatch.query(BACKWARDS, {"e": [engine]}))["executions"]["nodes"]
    assert run["timeMarks"] == []
    assert [(each["durationMs"], each["timeMarks"]) for each in run["steps"]] == [
        (None, ["FINISHED_BEFORE_STARTED"]),
        (2_000, []),
        (20, []),
        (None, []),
    ]
    assert run["steps"][0]["finishedAt"] < run["steps"][0]["startedAt"], "as they were told"


BELOW = """
query Below($engine: [String!], $from: DateTime!, $to: DateTime!, $least: Float, $most: Float) {
  metrics(filter: {engine: $engine, from: $from, to: $to}) {
    succeeded averageDurationMs durations { count averageMs p50Ms maxMs }
  }
  executions(filter: {engine: $engine, minDurationMs: $least, maxDurationMs: $most}) { nodes { externalId } }
}
"""


async def test_status_006_durations_below_zero_count_nowhere(runwatch: Runwatch) -> None:
    """A run whose duration would be below 0 MUST be in no mean, no percentile, and no filter by duration."""
    engine = unique("below")
    for number, duration in enumerate([10, 20, -60]):
        runwatch.report(*run_events(engine, f"r{number}", 100, duration=duration))
    asked = {"engine": [engine], "from": at(0), "to": at(1_000)}
    found = await runwatch.query(BELOW, asked | {"most": 15_000})
    assert found["metrics"]["succeeded"] == 3
    assert found["metrics"]["averageDurationMs"] == pytest.approx(15_000)
    durations = found["metrics"]["durations"]
    assert (durations["count"], durations["averageMs"]) == (2, pytest.approx(15_000))
    assert durations["maxMs"] == pytest.approx(20_000, rel=0.02)
    assert [each["externalId"] for each in found["executions"]["nodes"]] == ["r0"]
    least = (await runwatch.query(BELOW, asked | {"least": 0}))["executions"]["nodes"]
    assert {each["externalId"] for each in least} == {"r0", "r1"}


ENGINE = "{ engines { id name canRetry retryObstacle lastSeenAt clockSkewMs clients { name lastSeenAt } } }"
ISSUES = """
query Issues($engine: ID!, $first: Int!, $after: String) {
  engineIssues(engineId: $engine, first: $first, after: $after) {
    nodes { kind reason events firstAt lastAt eventId eventType externalId }
    pageInfo { hasNextPage endCursor }
    totalCount { value }
  }
}
"""
TIMES = """
query Times($engine: [String!]) {
  executions(filter: {engine: $engine}, orderBy: {field: DURATION, direction: ASC}) {
    nodes { externalId state queuedAt startedAt finishedAt queueMs durationMs timeMarks endRefused }
  }
}
"""


async def test_status_006_odd_times_and_rejections_are_told(runwatch: Runwatch) -> None:
    """Odd times MUST be taken, bounded and marked; what was rejected or corrected MUST be readable for each engine."""
    engine = unique("odd")

    def timed(subject: str, type_: str, time: str, **data: Any) -> dict[str, Any]:
        return {**event(engine, subject, type_, 0, data), "time": time, "id": f"{subject}/{type_}/{time}"}

    now = datetime.now(UTC)
    year = now.year
    ahead, later = ((now + timedelta(hours=2, seconds=n)).isoformat() for n in (0, 3))
    runwatch.report(
        timed("shapes", "execution.started", f"{year - 1}-05-01T10:00+02[Europe/Paris]"),
        timed("shapes", "execution.finished", f"{year - 1}-05-01T08:00:01,5", state="SUCCEEDED"),
        timed("backwards", "execution.started", f"{year - 1}-05-01T10:00:00Z"),
        timed("backwards", "execution.finished", f"{year - 1}-05-01T09:59:00Z", state="SUCCEEDED"),
        timed("ahead", "execution.started", ahead),
        timed("ahead", "execution.finished", later, state="FAILED"),
        timed("open", "execution.started", f"{year - 1}-05-01T10:00:00Z"),
    )
    bad = [timed("open", "execution.finished", "gestern", state="SUCCEEDED"), timed("x", "execution.odd", ahead)]
    assert [each["index"] for each in runwatch.post_events(bad).json()["rejected"]] == [0, 1]
    async with asyncio.timeout(60):
        while True:
            [found] = [each for each in (await runwatch.query(ENGINE))["engines"] if each["name"] == engine]
            issues = (await runwatch.query(ISSUES, {"engine": found["id"], "first": 10}))["engineIssues"]
            if len(issues["nodes"]) == 4 and found["clockSkewMs"] and found["clients"]:  # read before the issues
                break
            await asyncio.sleep(0.05)
    by_kind = {(each["kind"], each["eventType"]): each for each in issues["nodes"]}
    ends = by_kind["REJECTED", "execution.finished"]
    assert (ends["externalId"], ends["events"], ends["eventId"]) == ("open", 1, bad[0]["id"])
    assert ends["reason"].startswith("time: not a time in RFC 3339")
    assert by_kind["CLOCK_AHEAD", "execution.finished"]["events"] == 2
    assert by_kind["ASSUMED_UTC", "execution.finished"]["events"] == 1
    assert issues["totalCount"] == {"value": 4}
    pages, after = [], None
    while True:
        page = (await runwatch.query(ISSUES, {"engine": found["id"], "first": 3, "after": after}))["engineIssues"]
        pages += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert pages == issues["nodes"]
    assert found["clockSkewMs"] > 7_190_000
    assert (found["canRetry"], found["retryObstacle"]) == (False, "NOT_CONNECTED")
    assert [each["lastSeenAt"] for each in found["clients"]] == [found["lastSeenAt"]]

    nodes = {
        each["externalId"]: each for each in (await runwatch.query(TIMES, {"engine": [engine]}))["executions"]["nodes"]
    }
    assert list(nodes)[:2] == ["shapes", "ahead"], "those with a duration"
    shapes, backwards, early, unfinished = (nodes[name] for name in ("shapes", "backwards", "ahead", "open"))
    assert (shapes["durationMs"], shapes["timeMarks"]) == (1500, ["ASSUMED_UTC"])
    assert (backwards["durationMs"], backwards["timeMarks"]) == (None, ["FINISHED_BEFORE_STARTED"])
    assert (early["timeMarks"], early["durationMs"]) == (["CLOCK_AHEAD"], 3000)
    assert early["startedAt"] <= early["finishedAt"] < ahead
    assert (unfinished["state"], unfinished["endRefused"]) == ("RUNNING", ends["reason"])
    runwatch.report(timed("open", "execution.finished", f"{year - 1}-05-01T10:00:09Z", state="SUCCEEDED"))
    [ended] = [
        each
        for each in (await runwatch.query(TIMES, {"engine": [engine]}))["executions"]["nodes"]
        if each["externalId"] == "open"
    ]
    assert (ended["state"], ended["endRefused"]) == ("SUCCEEDED", None)
