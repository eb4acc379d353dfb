"""API-AUTO-EXEC-DETAIL: a developer reads everything about one run: trigger, steps, error, secrets masked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gql.transport.exceptions import TransportQueryError

from specs.harness.driver import Runwatch, event, run_events, unique

DETAIL = """
query Detail($engine: [String!]) {
  executions(filter: {engine: $engine}) {
    nodes {
      id externalId state status
      trigger { kind data dataBytes redactedPaths incomplete }
      error { type message stackTrace truncated group { message count latestExecution { externalId } } }
      failedStep { id index name }
      steps {
        id index name kind state status startedAt finishedAt durationMs input output
        error { type message stackTrace truncated group { id } }
      }
    }
  }
}
"""


def steps(source: str, subject: str) -> list[dict[str, Any]]:
    """Of four steps: one that succeeded, one that failed, one that never finished, one that never started."""
    definition = {"workflow": "etl", "definition": ["fetch", "parse", "clean", "load"]}
    trace = 'Traceback (most recent call last):\n  File "parse.py", line 3, in parse\nValueError: bad row'
    failure = {"type": "ValueError", "message": "bad row", "stackTrace": trace}
    return [
        event(source, subject, "execution.queued", 0, definition),
        event(source, subject, "execution.started", 1),
        event(
            source, subject, "step.started", 1, {"step": {"index": 0, "name": "fetch", "kind": "http", "input": [1.0]}}
        ),
        event(
            *(source, subject, "step.finished", 2.5),
            {"step": {"index": 0, "name": "fetch", "state": "SUCCEEDED", "output": {"rows": 2}, "durationMs": 1499.5}},
        ),
        event(source, subject, "step.started", 2.6, {"step": {"index": 1, "name": "parse"}}),
        event(
            *(source, subject, "step.finished", 3.6),
            {"step": {"index": 1, "name": "parse", "state": "FAILED", "error": failure}},
        ),
        event(source, subject, "step.started", 3.7, {"step": {"index": 2, "name": "clean"}}),
        event(source, subject, "execution.finished", 4, {"state": "FAILED", "error": failure}),
    ]


async def detail(runwatch: Runwatch, engine: str) -> Any:
    """The one execution of an engine."""
    (node,) = (await runwatch.query(DETAIL, {"engine": [engine]}))["executions"]["nodes"]
    return node


async def test_detail_001_steps_with_their_own_times(runwatch: Runwatch) -> None:
    """Each step MUST have its own times, input, output and error, whatever the order in which its events came."""
    engine, other = unique("steps"), unique("steps")
    runwatch.report(*steps(engine, "r"))
    for one in reversed(steps(other, "r")):
        runwatch.report(one)
    node = await detail(runwatch, engine)
    fetch, parse, clean, load = node["steps"]
    assert (fetch["startedAt"], fetch["finishedAt"]) == ("2026-01-01T00:00:01.000000Z", "2026-01-01T00:00:02.500000Z")
    assert (fetch["durationMs"], fetch["kind"], fetch["input"], fetch["output"]) == (1499.5, "http", [1.0], {"rows": 2})
    assert parse["durationMs"] == 1000
    assert parse["error"]["message"] == "bad row"
    assert parse["error"]["stackTrace"].endswith("ValueError: bad row")
    assert parse["error"]["group"] is None
    assert [step["state"] for step in node["steps"]] == ["SUCCEEDED", "FAILED", "FAILED", "SKIPPED"]
    assert (clean["finishedAt"], clean["error"]) == (None, None)
    found = await runwatch.query("query N($id: ID!) { node(id: $id) { id ... on Step { name } } }", {"id": load["id"]})
    assert found["node"] == {"id": load["id"], "name": "load"}
    assert (load["startedAt"], load["name"], load["status"]) == (None, "load", "CANCELLED")
    again = await detail(runwatch, other)
    for one in (node, again):
        del one["error"]["group"]["latestExecution"], one["error"]["group"]["count"]
        one["failedStep"].pop("id")
        for step in one["steps"]:
            step.pop("id")
        one.pop("id")
    assert again == node


async def test_detail_002_the_step_to_blame(runwatch: Runwatch) -> None:
    """failedStep MUST be the step that the error names, else the first that failed; null if it died outside any."""
    engine = unique("blame")

    def run(subject: str, step: int | None, states: list[str], state: str = "FAILED") -> None:
        names = ["fetch", "parse", "load"]
        events = [event(engine, subject, "execution.queued", 0, {"workflow": "w", "definition": names})]
        for index, each in enumerate(states):
            data = {"step": {"index": index, "name": names[index]}}
            events.append(event(engine, subject, "step.started", 1 + index, data))
            if each != "RUNNING":
                data = {"step": {**data["step"], "state": each}}
                events.append(event(engine, subject, "step.finished", 1.5 + index, data))
        error = {"message": subject, **({} if step is None else {"step": step})}
        finish = {"state": state, **({"error": error} if state != "SUCCEEDED" else {})}
        runwatch.report(event(engine, subject, "execution.finished", 9, finish), *events)

    run("named", 2, ["FAILED", "SUCCEEDED"])
    run("first", None, ["SUCCEEDED", "FAILED", "FAILED"])
    run("died in it", None, ["SUCCEEDED", "RUNNING"], state="CRASHED")
    run("outside", None, ["SUCCEEDED", "SUCCEEDED"])
    run("unknown", 7, ["SUCCEEDED"])
    run("recovered", None, ["FAILED", "SUCCEEDED"], state="SUCCEEDED")
    document = (
        "query F($filter: ExecutionFilter) { executions(filter: $filter) { nodes { externalId failedStep { name } } } }"
    )
    found = (await runwatch.query(document, {"filter": {"engine": [engine]}}))["executions"]["nodes"]
    assert {node["externalId"]: node["failedStep"] and node["failedStep"]["name"] for node in found} == {
        "named": "load",
        "first": "parse",
        "died in it": "parse",
        "outside": None,
        "unknown": None,
        "recovered": None,
    }

    async def named(*names: str) -> set[str]:
        where = {"filter": {"engine": [engine], "failedStepName": list(names)}}
        return {node["externalId"] for node in (await runwatch.query(document, where))["executions"]["nodes"]}

    assert await named("parse") == {"first", "died in it"}
    assert await named("load", "parse") == {"named", "first", "died in it"}
    assert await named("fetch") == set()
    assert await named() == set()


async def test_detail_003_trigger_data_come_back_as_sent(runwatch: Runwatch) -> None:
    """Data MUST keep digits and order; data that cannot be kept MUST be marked, never silently cut."""
    engine = unique("trigger")
    data = '{"z": 123456789012345678901, "a": 1.10, "token": {"x": "s3cr3t-abc"}, "l": [{"Pass-Word": 7}]}'
    queued = event(engine, "r", "execution.queued", 0, {"workflow": "w", "trigger": {"kind": "k", "data": "HERE"}})
    answer = runwatch.post_events(b"[" + json.dumps(queued).replace('"HERE"', data).encode() + b"]")
    assert answer.json() == {"accepted": 1, "rejected": []}
    raw = runwatch.post({"query": DETAIL, "variables": {"engine": [engine]}}).text
    assert '{"z": 123456789012345678901, "a": 1.10, "token": "•••", "l": [{"Pass-Word": "•••"}]}' in raw
    (node,) = json.loads(raw)["data"]["executions"]["nodes"]
    assert node["trigger"]["redactedPaths"] == ["/token", "/l/0/Pass-Word"]
    assert (node["trigger"]["dataBytes"], node["trigger"]["incomplete"]) == (len(data), False)
    large = unique("trigger")
    payload = {"token": "s3cr3t-abc", "rows": ["x" * 1000] * 300}
    runwatch.report(event(large, "r", "execution.queued", 0, {"trigger": {"kind": "k", "data": payload}}))
    trigger = (await detail(runwatch, large))["trigger"]
    assert trigger["incomplete"] is True
    assert trigger["data"]["truncated"] is True
    assert trigger["dataBytes"] == trigger["data"]["bytes"] > 300_000
    assert "s3cr3t-abc" not in trigger["data"]["start"]


async def test_detail_004_secrets_are_masked_and_can_be_revealed(runwatch: Runwatch) -> None:
    """An answer MUST NOT show a secret; only an administrator MUST be able to reveal the trigger's."""
    engine, secret = unique("secret"), "s3cr3t-" + unique("value")
    error = {"type": "Denied", "message": f"no entry for {secret}", "stackTrace": f"at login ({secret})"}
    runwatch.report(
        event(
            engine, "r", "log.written", 2, {"level": "ERROR", "message": f"sent {secret}", "attributes": {"q": secret}}
        ),
        event(engine, "r", "execution.finished", 3, {"state": "FAILED", "error": error}),
    )
    data = {"user": "ada", "credentials": {"authorization": f"Bearer {secret}"}}
    runwatch.report(event(engine, "r", "execution.queued", 0, {"trigger": {"kind": "api", "data": data}}))
    node = await detail(runwatch, engine)
    assert node["error"]["message"] == "no entry for •••"
    assert node["error"]["stackTrace"] == "at login (•••)"
    assert node["error"]["group"]["message"] == "no entry for •••"
    logs = "query L($id: ID!) { executionLogs(executionId: $id) { nodes { message attributes } } }"
    lines = (await runwatch.query(logs, {"id": node["id"]}))["executionLogs"]["nodes"]
    assert lines == [{"message": "sent •••", "attributes": {"q": "•••"}}]
    search = "query S($s: String) { executions(filter: {search: $s}) { nodes { id } } }"
    assert (await runwatch.query(search, {"s": secret}))["executions"]["nodes"] == []
    reveal = "mutation R($id: ID!) { revealTrigger(executionId: $id) }"
    assert (await runwatch.query(reveal, {"id": node["id"]}))["revealTrigger"] == data
    for role in ("viewer", "runner"):
        token = runwatch.token(role, engine if role == "runner" else None)
        with pytest.raises(TransportQueryError) as refused:
            await runwatch.query(reveal, {"id": node["id"]}, token)
        assert refused.value.errors is not None
        assert refused.value.errors[0]["extensions"]["code"] == "FORBIDDEN"
    for unknown in ("execution_" + "0" * 32, "nonsense", ""):
        answer = runwatch.post({"query": reveal, "variables": {"id": unknown}}).json()
        assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_detail_005_odd_and_oversized_reports_lose_no_run(runwatch: Runwatch) -> None:
    """Junk and oversized data MUST end in documented truncation or a coded rejection, never in a lost run."""
    engine = unique("odd")
    error = {"type": "T" * 5000, "message": "m" * 1_000_000, "stackTrace": "".join(map(chr, range(0x300))) * 400}
    runwatch.report(event(engine, "r", "execution.finished", 3, {"state": "FAILED", "error": error}))
    error = (await detail(runwatch, engine))["error"]
    assert (error["type"], error["message"], error["truncated"]) == ("T" * 1024, "m" * 8192, True)
    assert len(error["stackTrace"].encode()) <= 256 * 1024
    assert "\0" not in error["stackTrace"]
    deep = json.dumps(event(engine, "r", "step.started", 1, {"step": {"index": 0, "name": "s", "input": "HERE"}}))
    answer = runwatch.post_events(b"[" + deep.replace('"HERE"', "[" * 10_000 + "]" * 10_000).encode() + b"]")
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 0
    assert "nested" in answer.json()["rejected"][0]["error"]
    assert (await detail(runwatch, engine))["steps"] == []


async def test_detail_007_how_far_a_run_is(runwatch: Runwatch) -> None:
    """stepCount MUST count every step once, and currentStep be the one under way, null once the run has ended."""
    engine = unique("progress")
    document = (
        "query P($e: [String!]) { executions(filter: {engine: $e})"
        " { nodes { externalId stepCount currentStep { index name state } } } }"
    )

    async def progress() -> dict[str, tuple[int, Any]]:
        nodes = (await runwatch.query(document, {"e": [engine]}))["executions"]["nodes"]
        return {node["externalId"]: (node["stepCount"], node["currentStep"]) for node in nodes}

    def of(type_: str, index: int, seconds: float, **more: Any) -> dict[str, Any]:
        step = {"index": index, "name": ("fetch", "parse", "load")[index], **more}
        return event(engine, "r", f"step.{type_}", seconds, {"step": step})

    runwatch.report(*run_events(engine, "none", 0), event(engine, "r", "execution.queued", 0, {"workflow": "w"}))
    assert await progress() == {"none": (0, None), "r": (0, None)}
    runwatch.report(event(engine, "r", "execution.started", 1, {"definition": ["fetch", "parse"]}))
    assert (await progress())["r"] == (2, None)
    runwatch.report(of("started", 0, 2))
    assert (await progress())["r"] == (2, {"index": 0, "name": "fetch", "state": "RUNNING"})
    runwatch.report(of("finished", 0, 3, state="SUCCEEDED"), of("started", 1, 3), of("started", 2, 3))
    assert (await progress())["r"] == (3, {"index": 2, "name": "load", "state": "RUNNING"})
    runwatch.report(of("finished", 2, 4, state="FAILED"))
    assert (await progress())["r"] == (3, {"index": 1, "name": "parse", "state": "RUNNING"})
    runwatch.report(event(engine, "r", "execution.finished", 5, {"state": "FAILED"}))
    assert (await progress())["r"] == (3, None)


async def test_detail_008_labels_tell_runs_apart(runwatch: Runwatch) -> None:
    """Trigger.label MUST have up to three telling values of the data, and no secret, user info or query of a URL."""
    engine = unique("labels")
    secret = f"s3cr3t-{engine}"
    given: dict[str, Any] = {
        "file": {"file": "orders/today.csv", "shop": {"api_token": secret}},
        "url": {
            "size": 3,
            "url": f"https://user:{secret}@shop.example/orders?token={secret}",
            "customer_id": 123456789012,
        },
        "late": {"subject": f"about {secret}", "dry": True},
        "odd": {"name": "a\x1b[31mb\nc\u202e", "title": "x" * 500},
        "none": {"text": "x" * 500, "list": []},
        "nothing": None,
    }
    for subject, data in given.items():
        trigger = {"kind": "k", "data": data}
        runwatch.report(event(engine, subject, "execution.queued", 0, {"workflow": "w", "trigger": trigger}))
    document = "query L($e: [String!]) { executions(filter: {engine: $e}) { nodes { externalId trigger { label } } } }"

    async def labels() -> dict[str, str | None]:
        nodes = (await runwatch.query(document, {"e": [engine]}))["executions"]["nodes"]
        return {node["externalId"]: node["trigger"]["label"] for node in nodes}

    expected = {
        "file": "file=orders/today.csv",
        "url": "url=https://shop.example/orders, customer_id=123456789012, size=3",
        "late": f"subject=about {secret}, dry=true",
        "odd": f"name=ab c, title={'x' * 59}…",
        "none": None,
        "nothing": None,
    }
    assert await labels() == expected
    step = {"index": 0, "name": "s", "input": {"password": secret}}
    runwatch.report(event(engine, "late", "step.started", 1, {"step": step}))
    assert await labels() == expected | {"late": "dry=true"}
