"""The developer's filter story: a dashboard asks for just the runs that it shows."""

from __future__ import annotations

from itertools import count
from typing import Any

from specs.harness.driver import Runwatch, at, event, run_events, unique

LIST = """
query List($filter: ExecutionFilter!, $first: Int, $after: String, $order: ExecutionOrder) {
  executions(filter: $filter, first: $first, after: $after, orderBy: $order) {
    nodes { externalId } totalCount { value kind } pageInfo { endCursor hasNextPage }
  }
}
"""
_suffixes = count(1)


class Runs:
    """Six runs of one engine that differ in all that a filter can tell apart."""

    def __init__(self, runwatch: Runwatch) -> None:
        self.runwatch = runwatch
        self.engine = unique("filters")
        suffix = next(_suffixes)
        self.billing, self.mail = unique(f"Billing {suffix}"), unique(f"mail {suffix}")
        error = {"type": "E", "message": "Größe überschritten: 100% of_quota"}
        runwatch.report(
            *run_events(self.engine, "a", 0, workflow=self.billing, duration=1),
            *run_events(self.engine, "b", 100, workflow=self.mail, kind="webhook", duration=2),
            *run_events(self.engine, "c", 200, workflow=self.billing, state="FAILED", error=error, duration=3),
            *run_events(self.engine, "d", 300, workflow=self.mail, state="CANCELLED", duration=4),
            *run_events(self.engine, "e", 400, workflow=self.mail, kind="manual", state=None),
            *run_events(self.engine, "f", 500, workflow=self.billing, state="TIMED_OUT", duration=6),
        )

    async def list(self, **conditions: Any) -> str:
        """The names of the runs that match a filter, newest first; checks the count too."""
        variables = {"filter": {"engine": [self.engine], **conditions}}
        found = (await self.runwatch.query(LIST, variables))["executions"]
        assert found["totalCount"] == {"value": len(found["nodes"]), "kind": "EXACT"}
        return "".join(node["externalId"] for node in found["nodes"])


async def test_filter_001_by_status_and_state(runwatch: Runwatch) -> None:
    """A list MUST match any of it, [] nothing, null everything; two given filters MUST both match."""
    runs = Runs(runwatch)
    assert await runs.list() == "fedcba"
    assert await runs.list(status=["FAILURE"]) == "fc"
    assert await runs.list(status=["PENDING", "CANCELLED"]) == "ed"
    assert await runs.list(state=["TIMED_OUT", "RUNNING"]) == "fe"
    assert await runs.list(status=["FAILURE"], state=["TIMED_OUT", "SUCCEEDED"]) == "f"
    assert await runs.list(status=[]) == await runs.list(state=[]) == ""
    assert await runs.list(status=None, state=None) == "fedcba"


async def test_filter_002_by_workflow_engine_and_trigger(runwatch: Runwatch) -> None:
    """Filters MUST select workflows by id or name, or exclude some; engines by name; kinds of triggers."""
    runs = Runs(runwatch)
    assert await runs.list(workflowName=[runs.billing]) == "fca"
    assert await runs.list(excludeWorkflowName=[runs.billing, "none such"]) == "edb"
    assert await runs.list(excludeWorkflowName=[]) == "fedcba"
    assert await runs.list(workflowName=["none such"]) == ""
    found = await runwatch.query("query W($s: String) { workflows(search: $s) { nodes { id } } }", {"s": runs.mail})
    mail = found["workflows"]["nodes"][0]["id"]
    assert await runs.list(workflowId=[mail]) == "edb"
    assert await runs.list(workflowId=[mail], workflowName=[runs.billing]) == ""
    assert await runs.list(workflowId=["workflow_" + "0" * 32]) == ""
    assert await runs.list(triggerKind=["webhook", "manual"]) == "eb"
    assert await runs.list(engine=[runs.engine, "none such"]) == "fedcba"
    assert await runs.list(engine=["none such"]) == await runs.list(engine=[]) == ""
    listed = 'executions(filter: {triggerKind: ["manual"]}) { nodes { externalId } }'
    document = "query W($id: ID!) { workflow(id: $id) { " + listed + " } }"
    assert (await runwatch.query(document, {"id": mail}))["workflow"]["executions"]["nodes"] == [{"externalId": "e"}]


async def test_filter_003_by_time_and_duration(runwatch: Runwatch) -> None:
    """queuedFrom MUST be inclusive, queuedTo exclusive; both durations MUST be inclusive, and need a duration."""
    runs = Runs(runwatch)
    assert await runs.list(queuedFrom=at(100), queuedTo=at(400)) == "dcb"
    assert await runs.list(queuedFrom="2026-01-01T02:05:00+02:00") == "fed"
    assert await runs.list(queuedFrom=at(100), queuedTo=at(100)) == ""
    assert await runs.list(minDurationMs=2000, maxDurationMs=4000) == "dcb"
    assert await runs.list(minDurationMs=2000.001) == "fdc"
    assert await runs.list(maxDurationMs=0) == ""


async def test_filter_004_combined_searched_and_paged(runwatch: Runwatch) -> None:
    """Conditions MUST combine with each other, with search, with every order, and with paging."""
    runs = Runs(runwatch)
    assert await runs.list(status=["FAILURE"], workflowName=[runs.billing], maxDurationMs=5000) == "c"
    assert await runs.list(search=runs.billing.upper()) == "fca"
    assert await runs.list(search="GRÖSSE ÜBER") == "c"
    assert await runs.list(search="100% of_q") == "c"
    assert await runs.list(search="100%_of") == ""
    assert await runs.list(search="%") == "c"
    assert await runs.list(search="") == "fedcba"
    seen, after = "", None
    while True:
        variables = {
            "filter": {"engine": [runs.engine], "status": ["SUCCESS", "FAILURE", "CANCELLED"]},
            "order": {"field": "DURATION", "direction": "ASC"},
            "first": 2,
            "after": after,
        }
        found = (await runwatch.query(LIST, variables))["executions"]
        assert found["totalCount"]["value"] == 5
        seen += "".join(node["externalId"] for node in found["nodes"])
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert seen == "abcdf"


async def test_filter_005_by_ids_and_without_kinds(runwatch: Runwatch) -> None:
    """Filters MUST find executions by id or external id, in any engine, and leave out kinds of triggers."""
    runs = Runs(runwatch)
    document = "query I($f: ExecutionFilter) { executions(filter: $f) { nodes { id externalId } } }"
    found = await runwatch.query(document, {"f": {"engine": [runs.engine]}})
    ids = {node["externalId"]: node["id"] for node in found["executions"]["nodes"]}
    assert await runs.list(id=[ids["b"], ids["e"], "execution_" + "0" * 32]) == "eb"
    assert await runs.list(id=[ids["b"], ids["c"]], status=["FAILURE"]) == "c"
    assert await runs.list(id=[ids["b"]], externalId=["b", "c"]) == "b"
    assert await runs.list(externalId=["f", "a", "none such"]) == "fa"
    assert await runs.list(externalId=["a"], workflowName=[runs.mail]) == ""
    assert await runs.list(id=[]) == await runs.list(externalId=[]) == ""
    assert await runs.list(excludeTriggerKind=["webhook", "none such"]) == "fedca"
    assert await runs.list(excludeTriggerKind=["webhook", "manual"], status=["SUCCESS"]) == "a"
    assert await runs.list(excludeTriggerKind=["manual"], triggerKind=["manual", "webhook"]) == "b"
    assert await runs.list(excludeTriggerKind=[]) == "fedcba"
    other = Runs(runwatch)
    where = {"externalId": ["d"], "engine": [runs.engine, other.engine]}
    assert len((await runwatch.query(document, {"f": where}))["executions"]["nodes"]) == 2
    for invalid in (["none"], [runs.engine], ["workflow_" + "0" * 32]):
        refused = runwatch.ask(document, f={"id": invalid})
        assert refused["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_filter_007_by_family(runwatch: Runwatch) -> None:
    """rootExecutionId MUST find an original and all its retries, however deep and however late they were linked."""
    runs = Runs(runwatch)
    document = "query I($f: ExecutionFilter) { executions(filter: $f) { nodes { id externalId rootExecutionId } } }"

    async def known() -> dict[str, tuple[str, str]]:
        nodes = (await runwatch.query(document, {"f": {"engine": [runs.engine]}}))["executions"]["nodes"]
        return {node["externalId"]: (node["id"], node["rootExecutionId"]) for node in nodes}

    ids = {name: id_ for name, (id_, root) in (await known()).items() if id_ == root}
    assert "".join(sorted(ids)) == "abcdef"

    def link(retry: str, retried: str) -> None:
        runwatch.report(event(runs.engine, retry, "execution.heartbeat", 900, {"retryOf": ids[retried]}))

    assert await runs.list(rootExecutionId=ids["a"]) == "a"
    link("e", "d")
    link("f", "d")
    assert await runs.list(rootExecutionId=ids["d"]) == "fed"
    link("d", "b")
    assert await runs.list(rootExecutionId=ids["b"]) == "fedb"
    assert await runs.list(rootExecutionId=ids["d"]) == ""
    assert await runs.list(rootExecutionId=ids["b"], status=["PENDING"]) == "e"
    assert await runs.list(rootExecutionId=ids["b"], retryOf=ids["d"]) == "fe"
    assert await runs.list(rootExecutionId=ids["b"], id=[ids["a"], ids["b"]]) == "b"
    assert await runs.list(rootExecutionId=ids["a"], id=[ids["b"]]) == ""
    assert {name for name, (_, root) in (await known()).items() if root == ids["b"]} == set("bdef")
    assert await runs.list(rootExecutionId="execution_" + "0" * 32) == ""
    for invalid in ("none", "workflow_" + "0" * 32):
        refused = runwatch.ask(document, f={"rootExecutionId": invalid})
        assert refused["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


FACETS = """
query Facets($filter: ExecutionFilter, $search: String) {
  executionFacets(filter: $filter) {
    total { value kind } unresolved { value kind }
    status { status count { value kind } } state { state count { value kind } }
    workflow(search: $search) { name count { value kind } } engine { name count { value kind } }
    triggerKind { name count { value kind } } failedStepName { name count { value kind } }
    errorGroup { group { message } count { value kind } }
  }
}
"""


async def test_filter_006_facets(runwatch: Runwatch) -> None:
    """Each facet MUST count what choosing a value would give: under all conditions but its own, and exactly."""
    runs = Runs(runwatch)

    async def facets(names: str | None = None, **conditions: Any) -> dict[str, Any]:
        variables = {"filter": {"engine": [runs.engine], **conditions}, "search": names}
        found = (await runwatch.query(FACETS, variables))["executionFacets"]
        return {
            facet: counted(values)
            if isinstance(values, dict)
            else {value.get("name") or value.get(facet): counted(value["count"]) for value in values}
            for facet, values in found.items()
            if facet != "errorGroup"
        } | {"errorGroup": [counted(each["count"]) for each in found["errorGroup"]]}

    def counted(count: dict[str, Any]) -> int:
        assert count["kind"] == "EXACT"
        return int(count["value"])

    everything = await facets()
    assert (everything["total"], everything["unresolved"]) == (6, 2)
    assert everything["status"] == {"PENDING": 1, "SUCCESS": 2, "FAILURE": 2, "CANCELLED": 1}
    assert everything["state"]["TIMED_OUT"] == everything["state"]["RUNNING"] == 1
    assert everything["state"]["SKIPPED"] == 0
    assert everything["workflow"] == {runs.billing: 3, runs.mail: 3}
    assert everything["engine"][runs.engine] == 6
    assert everything["triggerKind"]["webhook"] == everything["triggerKind"]["manual"] == 1
    assert sum(everything["errorGroup"]) == 2

    failed = await facets(status=["FAILURE"])
    assert failed["total"] == failed["unresolved"] == 2
    assert failed["status"] == everything["status"]
    assert failed["workflow"] == {runs.billing: 2}

    both = await facets(status=["SUCCESS"], workflowName=[runs.billing])
    assert (both["total"], both["unresolved"]) == (1, 0)
    assert both["status"] == {"PENDING": 0, "SUCCESS": 1, "FAILURE": 2, "CANCELLED": 0}
    assert both["workflow"] == {runs.billing: 1, runs.mail: 1}
    assert (await facets(names=runs.mail.upper()))["workflow"] == {runs.mail: 3}
    assert (await facets(workflowName=[]))["total"] == 0

    invalid = runwatch.ask(FACETS, filter={"workflowId": ["none"]})
    assert invalid["data"]["executionFacets"] is None
    assert invalid["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
