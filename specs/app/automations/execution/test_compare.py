"""APP-AUTO-EXEC-COMPARE: an administrator sees what is different about a run that failed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from specs.harness.driver import Runwatch, event, unique

COMPARISON = """query C($id: ID!, $with: ID) { execution(id: $id) { comparison(with: $with) {
  with { externalId } truncated sealedCompared
  triggerChanges { path kind before after sealed }
  steps { name kind before { state } after { state } }
} } }"""
RUNS = "query R($e: [String!]) { executions(filter: {engine: $e}) { nodes { id externalId } } }"


def run(
    engine: str,
    subject: str,
    seconds: float,
    data: Any,
    steps: Sequence[str],
    state: str = "SUCCEEDED",
    flow: str = "w",
) -> list[dict[str, Any]]:
    """The events of a run; the last step ends as the run does."""
    given = [
        event(engine, subject, "execution.queued", seconds, {"workflow": flow, "trigger": {"kind": "k", "data": data}})
    ]
    for index, name in enumerate(steps):
        ended = state if index == len(steps) - 1 else "SUCCEEDED"
        step = {"index": index, "name": name, "state": ended}
        given.append(event(engine, subject, "step.finished", seconds + 1 + index / 10, {"step": step}))
    return [*given, event(engine, subject, "execution.finished", seconds + 3, {"state": state})]


async def ids_of(runwatch: Runwatch, engine: str) -> dict[str, str]:
    """The ids of an engine's runs, by their external ids."""
    found = (await runwatch.query(RUNS, {"e": [engine]}))["executions"]["nodes"]
    return {each["externalId"]: each["id"] for each in found}


async def test_compare_001_with_the_last_success_or_another_run(runwatch: Runwatch) -> None:
    """A comparison MUST have what differs from the last success before, or from the run that is named."""
    engine = unique("compared")
    runwatch.report(
        *run(engine, "first", 0, {"file": "a", "rows": [1, 2]}, ["read", "store"]),
        *run(engine, "good", 60, {"file": "b", "rows": [1, 2], "limit": 1.10}, ["read", "store"]),
        *run(engine, "bad", 120, {"file": "b", "rows": [1, 3], "shop": {}}, ["read", "check"], "FAILED"),
    )
    ids = await ids_of(runwatch, engine)
    found = (await runwatch.query(COMPARISON, {"id": ids["bad"]}))["execution"]["comparison"]
    assert found["with"] == {"externalId": "good"}
    changes = [(each["path"], each["kind"], each["before"], each["after"]) for each in found["triggerChanges"]]
    assert changes == [
        ("/rows/1", "CHANGED", 2, 3),
        ("/shop", "ADDED", None, {}),
        ("/limit", "REMOVED", 1.1, None),
    ]
    steps = [(each["name"], each["kind"], bool(each["before"]), bool(each["after"])) for each in found["steps"]]
    assert steps == [("read", None, True, True), ("check", "ADDED", False, True), ("store", "REMOVED", True, False)]
    assert (found["truncated"], found["sealedCompared"]) == (False, True)
    named = (await runwatch.query(COMPARISON, {"id": ids["bad"], "with": ids["first"]}))["execution"]["comparison"]
    assert [each["path"] for each in named["triggerChanges"]] == ["/file", "/rows/1", "/shop"]
    assert (await runwatch.query(COMPARISON, {"id": ids["first"]}))["execution"]["comparison"] is None


async def test_compare_002_secrets_and_runs_that_cannot_be_meant(runwatch: Runwatch) -> None:
    """A secret that differs MUST be said and not shown; runs of other workflows, and unknown ones, MUST be refused."""
    engine, secret = unique("sealed"), unique("hunter")
    runwatch.report(
        *run(engine, "good", 0, {"token": f"{secret}-1", "password": f"{secret}-2"}, []),
        *run(engine, "bad", 60, {"token": f"{secret}-3", "password": f"{secret}-2"}, [], "FAILED"),
        *run(engine, "other", 60, {}, [], flow="other"),
    )
    ids = await ids_of(runwatch, engine)
    found = await runwatch.query(COMPARISON, {"id": ids["bad"]})
    (change,) = found["execution"]["comparison"]["triggerChanges"]
    assert change == {"path": "/token", "kind": "CHANGED", "before": "•••", "after": "•••", "sealed": True}
    assert secret not in json.dumps(found)
    for other, code in (
        (ids["other"], "BAD_USER_INPUT"),
        (f"execution_{'0' * 32}", "NOT_FOUND"),
        ("nonsense", "NOT_FOUND"),
        (f"workflow_{'0' * 32}", "NOT_FOUND"),
    ):
        answer = runwatch.ask(COMPARISON, id=ids["bad"], **{"with": other})
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == code, other
        assert error["message"].startswith("with: ") or code == "NOT_FOUND"
        assert answer["data"] == {"execution": {"comparison": None}}
