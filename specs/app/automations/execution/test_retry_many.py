"""APP-AUTO-EXEC-RETRY-004 (AUTO-EXEC-ADMIN-004): many failed runs are retried at once, just those that were shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from specs.engines.driver import HELD, WebhookEngine
from specs.engines.retries import (
    BULK,
    audited,
    bulk,
    bulk_retry,
    count_audited,
    finished,
    listed,
    refused,
    retry,
)
from specs.harness.driver import Runwatch, at, event, unique
from specs.harness.waiting import soon


@pytest.fixture
def engine(runwatch: Runwatch, tmp_path: Path) -> Iterator[WebhookEngine]:
    """A connected engine."""
    with WebhookEngine(runwatch, tmp_path) as engine:
        yield engine


def report(
    runwatch: Runwatch,
    engine: str,
    subject: str,
    seconds: float = 0,
    *,
    workflow: str = "nightly",
    state: str = "FAILED",
    message: str = "no",
    step: str = "parse",
    run: str = "true",
    kind: str = "k",
) -> None:
    """A run that took 5 s, and failed in its only step if it did not succeed; its data name it."""
    trigger = {"kind": kind, "data": {"run": run, "of": subject, "token": f"s3cr3t of {subject}"}}
    error = {"type": "Failed", "message": message, "step": 0}
    finish = {"state": state, **({} if state == "SUCCEEDED" else {"error": error})}
    runwatch.report(
        event(engine, subject, "execution.queued", seconds, {"workflow": workflow, "trigger": trigger}),
        event(engine, subject, "execution.started", seconds),
        event(engine, subject, "step.started", seconds, {"step": {"index": 0, "name": step}}),
        event(engine, subject, "step.finished", seconds + 5, {"step": {"index": 0, "name": step, "state": state}}),
        event(engine, subject, "execution.finished", seconds + 5, finish),
    )


def retried(outcome: Any) -> set[str]:
    """The external ids of the runs that were retried, or are being retried already."""
    return {payload["retryOf"]["externalId"] for payload in outcome["retried"]}


def skipped(outcome: Any) -> dict[str, list[str]]:
    """The reasons of those that were not, by external id."""
    return {each["execution"]["externalId"]: each["reasons"] for each in outcome["skipped"]}


def test_retry_004_all_of_the_filter_is_honoured(runwatch: Runwatch, engine: WebhookEngine) -> None:
    """A bulk retry MUST retry what a list with the same filter shows, whatever the filter contains."""
    stranger, one, two = unique("stranger"), unique("one"), unique("two")
    report(runwatch, engine.name, "a", 0, workflow=one, message="disk 17 is full", run=HELD, kind="api")
    report(runwatch, engine.name, "b", 100, workflow=one, state="TIMED_OUT", message="no answer", run=HELD)
    report(runwatch, engine.name, "c", 200, workflow=two, message="disk 99 is full", step="load", run=HELD)
    report(runwatch, engine.name, "d", 300, workflow=two, state="SUCCEEDED")
    report(runwatch, stranger, "e", 50, workflow=one, message="disk 5 is full")
    about = """
    query A($f: ExecutionFilter) { executions(filter: $f) { nodes { id workflow { id } error { group { id } } } } }
    """
    (node,) = runwatch.ask(about, f={"engine": [engine.name], "triggerKind": ["api"]})["data"]["executions"]["nodes"]
    workflow, group, first = node["workflow"]["id"], node["error"]["group"]["id"], node["id"]
    everything = {
        "engine": [engine.name],
        "workflowName": [two],
        "status": ["FAILURE"],
        "state": ["FAILED"],
        "queuedFrom": at(100),
        "queuedTo": at(300),
        "minDurationMs": 1000,
        "errorGroupId": [group],
        "failedStepName": ["load"],
        "unresolved": True,
        "search": "DISK 99",
    }
    filters: list[tuple[dict[str, Any], str]] = [
        ({}, "abc"),
        ({"workflowName": [one]}, "ab"),
        ({"workflowId": [workflow]}, "ab"),
        ({"excludeWorkflowName": [one]}, "c"),
        ({"status": ["FAILURE"]}, "abc"),
        ({"status": ["SUCCESS"]}, ""),
        ({"state": ["TIMED_OUT", "CRASHED"]}, "b"),
        ({"triggerKind": ["api"]}, "a"),
        ({"excludeTriggerKind": ["api"]}, "bc"),
        ({"id": [first]}, "a"),
        ({"externalId": ["b", "c"]}, "bc"),
        ({"queuedFrom": at(100), "queuedTo": at(301)}, "bc"),
        ({"queuedTo": at(100)}, "a"),
        ({"maxDurationMs": 4999}, ""),
        ({"errorGroupId": [group]}, "ac"),
        ({"failedStepName": ["load"]}, "c"),
        ({"unresolved": True}, "abc"),
        ({"search": "NO ANS"}, "b"),
        ({"status": []}, ""),
        (everything, "c"),
        ({"engine": [engine.name, stranger], "errorGroupId": [group]}, "ac"),
    ]
    for where, expected in filters:
        where = {"engine": [engine.name], **where}
        seen = bulk(runwatch, filter=where)
        assert seen["matched"] == len(listed(runwatch, **where)), where
        assert (seen["dryRun"], seen["retried"], seen["unprocessed"]) == (True, [], [])
        done = bulk(runwatch, snapshot=seen["snapshot"], dryRun=False)
        assert retried(done) == set(expected), where
    assert skipped(done) == {"e": ["ENGINE_CANNOT_RETRY"]}
    assert all(len(listed(runwatch, engine=[engine.name], search=name)) == 1 for name in ("disk 17", "disk 99"))
    originals = listed(runwatch, engine=[engine.name], queuedTo=at(1000))
    assert {name: len(run["retries"]) for name, run in originals.items()} == {"a": 1, "b": 1, "c": 1, "d": 0}


def test_retry_004_what_was_shown_is_what_is_retried(runwatch: Runwatch, engine: WebhookEngine) -> None:
    """A dry run MUST change nothing, and its snapshot MUST retry exactly its runs, each with its own data."""
    where = {"engine": [engine.name], "status": ["FAILURE"]}
    for number, name in enumerate("abcd"):
        report(runwatch, engine.name, name, number, run=f"cat > got-{name}; {HELD}")
    under_way = retry(runwatch, listed(runwatch, **where)["d"]["id"])["execution"]["id"]
    before, audit = set(listed(runwatch, engine=[engine.name])), count_audited(runwatch)
    seen = bulk(runwatch, filter=where)
    assert (seen["matched"], seen["eligible"], seen["dryRun"]) == (4, 3, True)
    assert skipped(seen) == {"d": ["RETRY_IN_PROGRESS"]}
    assert (set(listed(runwatch, engine=[engine.name])), count_audited(runwatch)) == (before, audit)

    report(runwatch, engine.name, "new", 9)
    runwatch.report(event(engine.name, "c", "execution.finished", 60, {"state": "SUCCEEDED"}))  # a correction
    done = bulk(runwatch, snapshot=seen["snapshot"], dryRun=False)
    assert (done["matched"], done["eligible"], done["dryRun"], done["unprocessed"]) == (4, 3, False, [])
    assert retried(done) == {"a", "b", "d"}
    assert skipped(done) == {"c": ["NOT_FAILED"]}
    created = {payload["retryOf"]["externalId"]: payload["created"] for payload in done["retried"]}
    assert created == {"a": True, "b": True, "d": False}
    again = bulk(runwatch, snapshot=seen["snapshot"], dryRun=False)
    assert [payload["created"] for payload in again["retried"]] == [False] * 3
    engine.let_go()
    for payload in done["retried"]:
        made = finished(runwatch, payload["execution"]["id"])
        assert (made["state"], made["retryOf"]["id"]) == ("SUCCEEDED", payload["retryOf"]["id"])
        assert made["trigger"]["data"]["token"] == "•••"
    for name in "abd":
        data = json.loads((engine.folder / f"got-{name}").read_text())
        assert (data["of"], data["token"]) == (name, f"s3cr3t of {name}")
    assert len(engine.deliveries()) == 3
    assert listed(runwatch, engine=[engine.name])["new"]["retries"] == []
    assert finished(runwatch, under_way)["attempt"] == 2


def test_retry_004_ids_and_limits(runwatch: Runwatch, engine: WebhookEngine) -> None:
    """Ids MUST select their runs, a limit the newest; invalid input MUST be refused, and change nothing."""
    for number, name in enumerate("abc"):
        report(runwatch, engine.name, name, number, run=HELD)
    report(runwatch, engine.name, "fine", 9, state="SUCCEEDED")
    found = listed(runwatch, engine=[engine.name])
    ids = {name: run["id"] for name, run in found.items()}
    where, audit = {"engine": [engine.name]}, count_audited(runwatch)
    seen = bulk(runwatch, ids=list(ids.values()))
    assert (seen["matched"], seen["eligible"], skipped(seen)) == (4, 3, {"fine": ["NOT_FAILED"]})
    unknown = "0" * 32
    for given, code in (
        ({"ids": [ids["a"], f"execution_{unknown}"]}, "NOT_FOUND"),
        ({"ids": [ids["a"], "nonsense"]}, "NOT_FOUND"),
        ({"snapshot": f"snapshot_{unknown}"}, "NOT_FOUND"),
        ({"snapshot": "nonsense"}, "NOT_FOUND"),
        ({"filter": where, "limit": 0}, "BAD_USER_INPUT"),
        ({"filter": where, "limit": 1001}, "BAD_USER_INPUT"),
        ({"filter": where, "ids": [ids["a"]]}, "BAD_USER_INPUT"),
        ({"filter": where, "snapshot": seen["snapshot"]}, "BAD_USER_INPUT"),
        ({"filter": {**where, "workflowId": ["nonsense"]}}, "BAD_USER_INPUT"),
        ({"filter": where, "batch": 0}, "BAD_USER_INPUT"),
        ({"filter": where, "batch": 1001}, "BAD_USER_INPUT"),
        ({}, "BAD_USER_INPUT"),
        ({"ids": [ids["a"], ids["b"]], "limit": 1}, "LIMIT_EXCEEDED"),
    ):
        assert refused(runwatch.ask(BULK, input={**given, "dryRun": False})) == (code, None), given
    for token in (runwatch.token("viewer"), runwatch.token("runner", engine.name)):
        for dry_run in (True, False):
            answer = runwatch.ask(BULK, token, input={"filter": where, "dryRun": dry_run})
            assert refused(answer)[0] == "FORBIDDEN"
    assert (listed(runwatch, engine=[engine.name]), engine.deliveries()) == (found, [])
    assert count_audited(runwatch) == audit

    newest = bulk(runwatch, filter={**where, "status": ["FAILURE"]}, limit=2, dryRun=False)
    assert (newest["matched"], retried(newest)) == (3, {"b", "c"})
    last = bulk(runwatch, ids=[ids["a"], ids["fine"], ids["a"]], dryRun=False)
    assert (last["matched"], retried(last), skipped(last)) == (2, {"a"}, {"fine": ["NOT_FAILED"]})
    assert bulk(runwatch, ids=[], dryRun=False)["matched"] == 0


def test_retry_004_the_audit_has_what_was_asked_for(runwatch: Runwatch, engine: WebhookEngine) -> None:
    """The audit MUST say who retried what, and by which filter."""
    report(runwatch, engine.name, "a", 0, run=HELD)
    report(runwatch, engine.name, "b", 1, workflow="weekly", run=HELD)
    ids = {name: run["id"] for name, run in listed(runwatch, engine=[engine.name]).items()}
    where = {"engine": [engine.name], "workflowName": ["nightly"], "queuedFrom": at(0)}
    done = bulk(runwatch, filter=where, dryRun=False)
    entry = audited(runwatch, None)[0]
    assert entry["actor"] == runwatch.ask("{ viewer { name } }")["data"]["viewer"]["name"]
    assert entry["action"] == "retryExecutions"
    assert entry["detail"]["retries"] == {ids["a"]: done["retried"][0]["execution"]["id"]}
    said = json.dumps(entry["detail"]["filter"])
    assert all(text in said for text in (engine.name, "nightly"))
    seen = bulk(runwatch, filter={**where, "workflowName": ["weekly"]})
    done = bulk(runwatch, snapshot=seen["snapshot"], dryRun=False)
    entry = audited(runwatch, None)[0]
    assert entry["detail"]["snapshot"] == seen["snapshot"]
    assert entry["detail"]["retries"] == {ids["b"]: done["retried"][0]["execution"]["id"]}


def test_retry_004_sums_say_what_would_be_done(runwatch: Runwatch, engine: WebhookEngine) -> None:
    """A dry run MUST say how many runs it would retry by workflow, and how many not for each reason."""
    one, two = unique("one"), unique("two")
    for number, name in enumerate("abc"):
        report(runwatch, engine.name, name, number, workflow=one, run=HELD)
    report(runwatch, engine.name, "d", 10, workflow=two, run=HELD)
    for number, name in enumerate(("fine", "good")):
        report(runwatch, engine.name, name, 20 + number, workflow=two, state="SUCCEEDED")
    retry(runwatch, listed(runwatch, engine=[engine.name])["c"]["id"])
    where = {"engine": [engine.name], "queuedTo": at(1000)}
    seen = bulk(runwatch, filter=where)
    exact = {"kind": "EXACT"}
    assert (seen["matched"], seen["lookedAt"], seen["eligible"], seen["skippedCount"]) == (6, 6, 3, 3)
    assert seen["byWorkflow"] == [
        {"name": one, "count": {"value": 2} | exact},
        {"name": two, "count": {"value": 1} | exact},
    ]
    assert seen["byEngine"] == [{"count": 3, "engine": {"name": engine.name, "kind": "WEBHOOK"}}]
    assert seen["skippedBy"] == [{"reason": "NOT_FAILED", "count": 2}, {"reason": "RETRY_IN_PROGRESS", "count": 1}]
    assert (seen["retriedCount"], seen["createdCount"], seen["unprocessedCount"], seen["startedAt"]) == (0, 0, 0, None)
    assert bulk_retry(runwatch, seen["id"]) == seen
    few = bulk(runwatch, filter=where, limit=3)
    assert (few["matched"], few["lookedAt"], few["eligible"]) == (6, 3, 1)
    for first in (0, 101):
        document = f"query Q($id: ID!) {{ bulkRetry(id: $id) {{ byWorkflow(first: {first}) {{ name }} }} }}"
        (error,) = runwatch.ask(document, id=seen["id"])["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


def test_retry_004_a_bulk_retry_is_remembered_and_goes_on(runwatch: Runwatch, engine: WebhookEngine) -> None:
    """Another tab, or whoever lost the answer, MUST read and continue a bulk retry; no run has its turn twice."""
    workflow, viewer = unique("nightly"), runwatch.token("viewer")
    for number, name in enumerate("abcde"):
        report(runwatch, engine.name, name, number, workflow=workflow, run=HELD)
    report(runwatch, engine.name, "fine", 9, workflow=workflow, state="SUCCEEDED")
    where = {"engine": [engine.name]}
    seen = bulk(runwatch, filter=where)
    started = bulk(runwatch, snapshot=seen["snapshot"], dryRun=False, batch=3)
    assert (started["id"], started["unprocessedCount"], skipped(started)) == (seen["id"], 3, {"fine": ["NOT_FAILED"]})
    assert retried(started) == {"d", "e"}

    # The answer is lost; another tab has the id, from the URL, and reads what was done.
    found = bulk_retry(runwatch, seen["id"], viewer)
    assert found == started
    assert found["requestedBy"] == runwatch.ask("{ viewer { name } }")["data"]["viewer"]["name"]
    assert (found["dryRun"], found["filter"], found["asOf"]) == (False, {"engines": [engine.name]}, seen["asOf"])
    runs = {payload["retryOf"]["externalId"]: payload["execution"]["id"] for payload in found["retried"]}
    made = listed(runwatch, bulkRetryId=found["id"])
    assert {run["id"] for run in made.values()} == set(runs.values())
    assert listed(runwatch, bulkRetryId=found["id"], status=["SUCCESS"]) == {}

    report(runwatch, engine.name, "new", 30, workflow=workflow)
    engine.let_go()
    for id_ in runs.values():
        finished(runwatch, id_)
    done = bulk(runwatch, snapshot=found["snapshot"], dryRun=False)
    assert (done["unprocessed"], done["retriedCount"], done["createdCount"]) == ([], 5, 5)
    assert {each["retryOf"]["externalId"]: each["created"] for each in done["retried"]} == {
        **dict.fromkeys("abc", True),
        **dict.fromkeys("de", False),
    }
    assert done["byWorkflow"] == [{"name": workflow, "count": {"value": 5, "kind": "EXACT"}}]
    again = bulk(runwatch, snapshot=found["snapshot"], dryRun=False)
    assert [each["created"] for each in again["retried"]] == [False] * 5
    soon(lambda: len(engine.deliveries()) >= 5)
    assert len(listed(runwatch, bulkRetryId=found["id"])) == len(engine.deliveries()) == 5
    assert listed(runwatch, **where)["new"]["retries"] == []

    document = "query N($id: ID!) { node(id: $id) { id ... on BulkRetry { createdCount } } }"
    assert runwatch.ask(document, id=done["id"])["data"]["node"] == {"id": done["id"], "createdCount": 5}
    for unknown in (f"bulkRetry_{'0' * 32}", "nonsense", seen["snapshot"]):
        assert bulk_retry(runwatch, unknown) is None
    (error,) = runwatch.ask(document, runwatch.token("runner", engine.name), id=done["id"])["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    for filter_ in ({"bulkRetryId": "nonsense"}, {"bulkRetryId": seen["snapshot"]}):
        answer = runwatch.ask("query L($f: ExecutionFilter) { executions(filter: $f) { nodes { id } } }", f=filter_)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


def test_retry_004_two_tabs_go_on_at_once(runwatch: Runwatch, engine: WebhookEngine) -> None:
    """Requests with one snapshot at the same time MUST settle each run once."""
    for number, name in enumerate("abcdefgh"):
        report(runwatch, engine.name, name, number, run=HELD)
    seen = bulk(runwatch, filter={"engine": [engine.name]})
    with ThreadPoolExecutor(4) as tabs:
        asked = [tabs.submit(bulk, runwatch, snapshot=seen["snapshot"], dryRun=False, batch=2) for _ in range(5)]
    created = [each["retryOf"]["externalId"] for end in asked for each in end.result()["retried"] if each["created"]]
    assert sorted(created) == list("abcdefgh")
    assert len(listed(runwatch, bulkRetryId=seen["id"])) == 8
