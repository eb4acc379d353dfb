"""APP-AUTO-EXEC-AUDIT: an administrator finds who did something."""

from __future__ import annotations

from typing import Any

import pytest

from specs.app.automations.execution.test_bad_input import refused, works
from specs.conftest import before_any_statement
from specs.harness.driver import Runwatch, run_events, unique

LOG = """query L($filter: AuditFilter, $first: Int, $after: String) {
  auditLog(filter: $filter, first: $first, after: $after) {
    pageInfo { hasNextPage endCursor } totalCount { value } nodes { at actor action subject }
  }
}"""
REVEAL = "mutation R($id: ID!) { revealTrigger(executionId: $id) }"
RUNS = "query R($e: [String!]) { executions(filter: {engine: $e}) { nodes { id } } }"


async def test_audit_001_narrowed_by_each_field(runwatch: Runwatch) -> None:
    """The audit log MUST be narrowed by actor, action, subject and time, and page so."""
    engine = unique("audited")
    runwatch.report(*run_events(engine, "one", 0), *run_events(engine, "two", 9))
    one, two = [run["id"] for run in (await runwatch.query(RUNS, {"e": [engine]}))["executions"]["nodes"]]
    for id_ in (one, two, one):
        await runwatch.query(REVEAL, {"id": id_})

    async def found(**where: Any) -> Any:
        return (await runwatch.query(LOG, {"filter": where}))["auditLog"]

    about = await found(subject=one)
    assert [entry["action"] for entry in about["nodes"]] == ["revealTrigger"] * 2
    assert about["totalCount"]["value"] == 2
    first, second = (entry["at"] for entry in about["nodes"])
    assert [entry["at"] for entry in (await found(subject=one, **{"from": first}))["nodes"]] == [first]
    assert [entry["at"] for entry in (await found(subject=one, to=first))["nodes"]] == [second]
    actor = about["nodes"][0]["actor"]
    assert len((await found(subject=one, actor=[actor, "nobody"], action=["revealTrigger"]))["nodes"]) == 2
    assert (await found(subject=one, actor=["nobody"]))["nodes"] == []
    assert (await found(subject=one, action=["createToken"]))["nodes"] == []
    assert (await found(subject=one, action=[]))["nodes"] == []
    page = (await runwatch.query(LOG, {"filter": {"subject": one}, "first": 1}))["auditLog"]
    assert page["pageInfo"]["hasNextPage"]
    after = page["pageInfo"]["endCursor"]
    rest = (await runwatch.query(LOG, {"filter": {"subject": one}, "first": 1, "after": after}))["auditLog"]
    assert [entry["at"] for entry in rest["nodes"]] == [second]
    assert not rest["pageInfo"]["hasNextPage"]


@before_any_statement
@pytest.mark.parametrize(
    "where",
    ['{actor: ["a\\u0000"]}', '{from: "gestern"}', '{from: "2026-01-02T00:00:00Z", to: "2026-01-02T00:00:00Z"}'],
)
async def test_audit_001_filters_that_cannot_be_meant(runwatch: Runwatch, where: str) -> None:
    """What cannot be meant MUST be refused."""
    refused(runwatch.post({"query": f"{{ auditLog(filter: {where}) {{ nodes {{ id }} }} }}"}))
    works(runwatch)
