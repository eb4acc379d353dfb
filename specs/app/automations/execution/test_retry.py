"""APP-AUTO-EXEC-RETRY (AUTO-EXEC-ADMIN-004): an administrator retries a failed run, and its engine runs it once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specs.engines.driver import WebhookEngine
from specs.engines.retries import (
    RETRY,
    audited,
    count_audited,
    finished,
    listed,
    of_subject,
    one,
    refused,
    retry,
    wait_for,
)
from specs.harness.driver import Runwatch, event, run_events, unique

NEEDS_INPUT = '{"run": "cat input"}'


@pytest.fixture
def engine(runwatch: Runwatch, tmp_path: Path) -> Iterator[WebhookEngine]:
    """A connected engine."""
    with WebhookEngine(runwatch, tmp_path) as engine:
        yield engine


def failed_run(runwatch: Runwatch, engine: WebhookEngine, trigger_data: str = NEEDS_INPUT) -> Any:
    """A run that the engine made, and that failed."""
    failed = of_subject(runwatch, engine.name, engine.run("nightly", trigger_data))
    assert failed["state"] == "FAILED"
    return failed


def reported(runwatch: Runwatch, engine: str, subject: str, state: str | None, data: Any = None) -> Any:
    """A run that was reported from outside."""
    trigger = {"kind": "k", "data": {"run": "true"} if data is None else data}
    events = run_events(engine, subject, 0, state=state)
    events[0]["data"] = {"workflow": "nightly", "trigger": trigger}
    runwatch.report(*events)
    return listed(runwatch, engine=[engine])[subject]


def test_retry_001_a_retry_is_offered_or_every_reason_named(runwatch: Runwatch, engine: WebhookEngine) -> None:
    """A failed run of a connected engine MUST be retryable; any other MUST name everything that prevents a retry."""
    viewer, stranger = runwatch.token("viewer"), unique("stranger")
    fine = reported(runwatch, engine.name, "failed", "FAILED")
    assert fine["retryability"] == {"canRetry": True, "reasons": []}
    runs = {
        "queued": (run_events(engine.name, "queued", 0, state=None, started=False), ["NOT_FINISHED"]),
        "running": (run_events(engine.name, "running", 0, state=None), ["NOT_FINISHED"]),
        "succeeded": (run_events(engine.name, "succeeded", 0), ["NOT_FAILED"]),
        "cancelled": (run_events(engine.name, "cancelled", 0, state="CANCELLED"), ["NOT_FAILED"]),
        "skipped": (run_events(engine.name, "skipped", 0, state="SKIPPED"), ["NOT_FAILED"]),
        "unreached": (run_events(stranger, "unreached", 0, state="CRASHED"), ["ENGINE_CANNOT_RETRY"]),
        "both": (run_events(stranger, "both", 0, state=None), ["NOT_FINISHED", "ENGINE_CANNOT_RETRY"]),
    }
    for events, _ in runs.values():
        runwatch.report(*events)
    for state in ("TIMED_OUT", "CRASHED"):
        assert reported(runwatch, engine.name, state, state)["retryability"]["canRetry"]
    reported(runwatch, engine.name, "too large", "FAILED", {"run": "x" * 300_000})
    nan = event(engine.name, "nan", "execution.queued", 0, {"trigger": {"kind": "k", "data": float("nan")}})
    assert runwatch.post_events(json.dumps([nan]).encode()).json()["accepted"] == 1
    runwatch.report(event(engine.name, "nan", "execution.finished", 1, {"state": "FAILED"}))
    expected = {subject: reasons for subject, (_, reasons) in runs.items()}
    expected |= {subject: ["TRIGGER_DATA_INCOMPLETE"] for subject in ("too large", "nan")}
    found = listed(runwatch, engine=[engine.name, stranger])
    audit = count_audited(runwatch)
    for subject, reasons in expected.items():
        assert found[subject]["retryability"] == {"canRetry": False, "reasons": reasons}, subject
        assert refused(runwatch.ask(RETRY, id=found[subject]["id"])) == ("RETRY_REFUSED", reasons)
    for unknown in ("execution_" + "0" * 32, "nonsense", ""):
        assert refused(runwatch.ask(RETRY, id=unknown))[0] == "NOT_FOUND"
    seen = runwatch.ask("query V($id: ID!) { execution(id: $id) { retryability { reasons } } }", viewer, id=fine["id"])
    assert seen["data"]["execution"]["retryability"]["reasons"] == ["FORBIDDEN"]
    for token in (viewer, runwatch.token("runner", engine.name)):
        assert refused(runwatch.ask(RETRY, token, id=fine["id"]))[0] == "FORBIDDEN"
    assert listed(runwatch, engine=[engine.name, stranger]) == found, "what is refused changes nothing"
    assert (engine.deliveries(), count_audited(runwatch)) == ([], audit)


def test_retry_001_reasons_follow_what_became_of_its_retries(runwatch: Runwatch, engine: WebhookEngine) -> None:
    """A retry in progress, a newer failed one and one that succeeded, however deep, MUST be named."""

    def reasons(id_: str) -> Any:
        return one(runwatch, id_)["retryability"]["reasons"]

    original = failed_run(runwatch, engine)
    engine.refuse(503)
    first = retry(runwatch, original["id"])["execution"]
    assert reasons(original["id"]) == ["RETRY_IN_PROGRESS"]
    assert reasons(first["id"]) == ["NOT_FINISHED"]
    engine.refuse(None)
    assert finished(runwatch, first["id"])["state"] == "FAILED"
    assert reasons(original["id"]) == ["SUPERSEDED"]
    assert refused(runwatch.ask(RETRY, id=original["id"])) == ("RETRY_REFUSED", ["SUPERSEDED"])
    assert reasons(first["id"]) == []
    (engine.folder / "input").write_text("there")
    second = retry(runwatch, first["id"])["execution"]
    assert finished(runwatch, second["id"])["state"] == "SUCCEEDED"
    assert "ALREADY_RESOLVED" in reasons(original["id"])
    assert reasons(first["id"]) == ["ALREADY_RESOLVED"]
    assert reasons(second["id"]) == ["NOT_FAILED"]
    assert refused(runwatch.ask(RETRY, id=first["id"])) == ("RETRY_REFUSED", ["ALREADY_RESOLVED"])


def test_retry_002_one_click_runs_it_again_with_the_original_data(runwatch: Runwatch, engine: WebhookEngine) -> None:
    """A retry MUST be a new, linked run with the original trigger data to the byte; the failed one stays as it is."""
    secret = "s3cr3t-" + unique("key")
    run = '"run": "cat > got; cat got >&2; cat input"'
    data = f'{{{run}, "n": 123456789012345678901, "z": 1.10, "a": {{"api_token": "{secret}"}}, "\\u00e9": [ ]}}'
    original = failed_run(runwatch, engine, data)
    assert original["trigger"]["redactedPaths"] == ["/a/api_token"]
    assert secret not in json.dumps(original)
    assert set(listed(runwatch, engine=[engine.name], unresolved=True)) == {original["externalId"]}
    (engine.folder / "got").unlink()
    (engine.folder / "input").write_text("there")
    payload = retry(runwatch, original["id"])
    assert (payload["created"], payload["retryOf"]["id"]) == (True, original["id"])
    made = finished(runwatch, payload["execution"]["id"])
    assert (made["state"], made["attempt"], made["workflowName"]) == ("SUCCEEDED", 2, "nightly")
    assert made["retryOf"] == made["rootExecution"] == {"id": original["id"]}
    assert made["requestedBy"] == runwatch.ask("{ viewer { name } }")["data"]["viewer"]["name"]
    assert made["dispatch"].pop("acceptedAt") is not None
    assert made["dispatch"] == {"attempts": 1, "nextAttemptAt": None, "lastError": None}
    assert made["externalId"] != original["externalId"]
    assert made["trigger"] == original["trigger"]

    (delivery,) = engine.deliveries()
    event = json.loads(delivery["body"])
    assert event["type"] == "execution.retry_requested"
    assert event["id"] == delivery["headers"]["webhook-id"]
    assert f'"data":{data}' in delivery["body"], "to the byte"
    assert {name: event["data"][name] for name in ("executionId", "externalId", "retryOf", "workflow")} == {
        "executionId": made["id"],
        "externalId": made["externalId"],
        "retryOf": original["id"],
        "workflow": "nightly",
    }
    assert (engine.folder / "got").read_text() == data, "and so it came to the job"

    after = one(runwatch, original["id"])
    assert (after.pop("resolved"), after.pop("retries")) == (True, [{"id": made["id"]}])
    assert after.pop("retryability") == {"canRetry": False, "reasons": ["ALREADY_RESOLVED"]}
    for name in ("resolved", "retries", "retryability", "updatedAt"):
        original.pop(name)
        after.pop(name, None)
    assert after == original
    assert listed(runwatch, engine=[engine.name], unresolved=True) == {}
    both = {original["externalId"], made["externalId"]}
    assert set(listed(runwatch, engine=[engine.name], unresolved=False)) == both
    assert set(listed(runwatch, retryOf=original["id"])) == {made["externalId"]}
    (entry,) = audited(runwatch, original["id"])
    assert (entry["actor"], entry["action"]) == (made["requestedBy"], "retryExecution")
    assert entry["detail"] == {"retry": made["id"]}


def test_retry_002_its_way_to_the_engine_can_be_seen(runwatch: Runwatch, engine: WebhookEngine) -> None:
    """A delivery MUST be repeated until it is accepted or given up; a retry that is given up has failed, with the
    reason.
    """
    original = failed_run(runwatch, engine)
    assert original["dispatch"] is original["requestedBy"] is None
    engine.refuse(503)
    first = retry(runwatch, original["id"])["execution"]
    waiting = wait_for(runwatch, first["id"], lambda execution: execution["dispatch"]["lastError"] is not None)
    assert (waiting["state"], waiting["dispatch"]["acceptedAt"]) == ("QUEUED", None)
    assert waiting["dispatch"]["lastError"].startswith("503")
    assert waiting["dispatch"]["nextAttemptAt"] is not None
    engine.refuse(None)
    accepted = finished(runwatch, first["id"])["dispatch"]
    deliveries = engine.deliveries()
    assert accepted["attempts"] == len(deliveries) > 1
    assert (accepted["acceptedAt"] is not None, accepted["nextAttemptAt"]) == (True, None)
    assert len({delivery["headers"]["webhook-id"] for delivery in deliveries}) == 1
    engine.refuse(410)
    second = finished(runwatch, retry(runwatch, first["id"])["execution"]["id"])
    assert (second["state"], second["error"]["type"]) == ("FAILED", "DispatchFailed")
    assert "410 Gone" in second["error"]["message"]
    assert (second["dispatch"]["attempts"], second["dispatch"]["nextAttemptAt"]) == (1, None)
    engine.refuse(None)
    (engine.folder / "input").write_text("there")
    third = finished(runwatch, retry(runwatch, second["id"])["execution"]["id"])
    assert (third["state"], third["attempt"]) == ("SUCCEEDED", 4)
    assert third["rootExecution"] == {"id": original["id"]}
    for id_ in (original["id"], first["id"], second["id"]):
        assert one(runwatch, id_)["resolved"]
