"""AUTO-EXEC-ADMIN-001: an administrator sees the history of all workflow runs."""

from __future__ import annotations

from typing import Any

import pytest

from specs.harness.driver import Runwatch, event, run_events, unique

PAGE = """
query Page($first: Int, $after: String, $last: Int, $before: String, $filter: ExecutionFilter, $order: ExecutionOrder) {
  executions(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $order) {
    nodes { id externalId workflowName status state queuedAt startedAt finishedAt durationMs trigger { kind } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    updatesCursor
  }
}
"""


async def page(runwatch: Runwatch, engine: str, **variables: Any) -> Any:
    """One page of an engine's executions."""
    variables = {"filter": {"engine": [engine]}, **variables}
    return (await runwatch.query(PAGE, variables))["executions"]


def names(found: Any) -> list[str]:
    """The external ids on a page."""
    return [node["externalId"] for node in found["nodes"]]


async def test_history_001_lists_all_workflow_runs(runwatch: Runwatch) -> None:
    """The list MUST show runs of every workflow, newest first, with everything that an administrator wants to know."""
    engine, other = unique("history"), unique("history")
    runwatch.report(
        *run_events(engine, "a", 0, workflow="one"), *run_events(engine, "b", 60, workflow="two", state=None)
    )
    runwatch.report(*run_events(other, "c", 30, workflow="one", kind="webhook", state="FAILED"))
    found = (await runwatch.query(PAGE, {"filter": {"engine": [engine, other]}}))["executions"]
    assert names(found) == ["b", "c", "a"]
    assert [node["workflowName"] for node in found["nodes"]] == ["two", "one", "one"]
    assert [node["status"] for node in found["nodes"]] == ["PENDING", "FAILURE", "SUCCESS"]
    assert [node["durationMs"] for node in found["nodes"]] == [None, 2000, 2000]
    assert [node["trigger"]["kind"] for node in found["nodes"]] == ["schedule", "webhook", "schedule"]
    assert found["nodes"][2]["queuedAt"] == "2026-01-01T00:00:00.000000Z"
    assert found["updatesCursor"]


async def test_history_002_pages_stay_whole_while_runs_arrive(runwatch: Runwatch) -> None:
    """Paging, forward or backward, MUST neither skip nor repeat a run while new runs arrive."""
    engine = unique("pages")
    for number in range(25):
        runwatch.report(*run_events(engine, f"r{number:02}", number * 10))
    expected = [f"r{number:02}" for number in reversed(range(25))]

    seen, after, arrived = [], None, 0
    while True:
        found = await page(runwatch, engine, first=4, after=after)
        assert found["pageInfo"]["hasPreviousPage"] is (after is not None)
        seen += names(found)
        if not found["pageInfo"]["hasNextPage"]:
            break
        after = found["pageInfo"]["endCursor"]
        runwatch.report(*run_events(engine, f"new{arrived}", 1000 + arrived))
        arrived += 1
    assert seen == expected

    seen, before = [], None
    while True:
        found = await page(runwatch, engine, last=7, before=before)
        seen = names(found) + seen
        if not found["pageInfo"]["hasPreviousPage"]:
            break
        before = found["pageInfo"]["startCursor"]
    assert seen == [f"new{number}" for number in reversed(range(arrived))] + expected


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_history_003_sorts_by_every_field(runwatch: Runwatch, direction: str) -> None:
    """Each field MUST sort in both directions, and put runs without a value last in both."""
    engine = unique("sorts")
    runwatch.report(
        *run_events(engine, "a", 0, workflow="Zeta", duration=9),
        *run_events(engine, "b", 10, workflow="alpha", duration=5, state="FAILED"),
        *run_events(engine, "c", 20, workflow="Éclair", state=None),
        *run_events(engine, "d", 30, workflow="beta", state=None, started=False),
        *run_events(engine, "e", 40, workflow="Alpha", duration=7, state="CANCELLED"),
    )
    ascending = {
        "QUEUED_AT": ["a", "b", "c", "d", "e"],
        "STARTED_AT": ["a", "b", "c", "e"],
        "FINISHED_AT": ["a", "b", "e"],
        "DURATION": ["b", "e", "a"],
        "WORKFLOW_NAME": ["e", "a", "b", "d", "c"],
        "STATUS": ["c", "d", "a", "b", "e"],
    }
    ids = {node["externalId"]: node["id"] for node in (await page(runwatch, engine))["nodes"]}
    for field, with_value in ascending.items():
        found = names(await page(runwatch, engine, order={"field": field, "direction": direction}))
        values = with_value if direction == "ASC" else with_value[::-1]
        if field == "STATUS":  # the two pending ones are tied: by id
            tied = sorted("cd", key=lambda name: ids[name], reverse=direction == "DESC")
            values = [*tied, "a", "b", "e"] if direction == "ASC" else ["e", "b", "a", *tied]
        assert found[: len(values)] == values, field
        without = sorted(set(ids) - set(values), key=lambda name: ids[name], reverse=direction == "DESC")
        assert found[len(values) :] == without, field


async def test_history_004_opens_one_run(runwatch: Runwatch) -> None:
    """A lookup by id MUST find a run, its workflow and its engine; for an unknown id it MUST be null."""
    engine, workflow = unique("one"), unique("workflow")
    runwatch.report(
        *run_events(engine, "first", 0, workflow=workflow), *run_events(engine, "last", 50, workflow=workflow)
    )
    document = """
    query One($id: ID!) {
      execution(id: $id) {
        externalId workflow { id name lastExecution { externalId } } engine { id name kind canRetry }
      }
      node(id: $id) { __typename id ... on Execution { externalId attempt retryOf { id } } }
    }
    """
    id_ = (await page(runwatch, engine))["nodes"][1]["id"]
    found = await runwatch.query(document, {"id": id_})
    assert found["node"] == {"__typename": "Execution", "id": id_, "externalId": "first", "attempt": 1, "retryOf": None}
    opened = found["execution"]
    assert opened["externalId"] == "first"
    assert opened["workflow"]["name"] == workflow
    assert opened["workflow"]["lastExecution"] == {"externalId": "last"}
    assert (opened["engine"]["name"], opened["engine"]["kind"], opened["engine"]["canRetry"]) == (engine, "NONE", False)
    for other in (opened["workflow"]["id"], opened["engine"]["id"]):
        assert (await runwatch.query("query N($id: ID!) { node(id: $id) { id } }", {"id": other}))["node"][
            "id"
        ] == other
    listed = await runwatch.query(
        "query W($s: String) { workflows(search: $s) { nodes { name } } }", {"s": workflow.upper()}
    )
    assert listed["workflows"]["nodes"] == [{"name": workflow}]
    for unknown in ("", "nonsense", "execution_" + "0" * 32, id_ + "0", "a\0b"):
        assert await runwatch.query(document, {"id": unknown}) == {"execution": None, "node": None}


async def test_history_005_an_engines_own_retry_is_linked(runwatch: Runwatch) -> None:
    """A retry that an engine made by itself MUST name the original, and count its attempt."""
    engine = unique("retries")
    runwatch.report(*run_events(engine, "original", 0, state="FAILED"))
    original = (await page(runwatch, engine))["nodes"][0]["id"]
    runwatch.report(event(engine, "again", "execution.queued", 60, {"workflow": "nightly", "retryOf": original}))
    document = (
        "query R($id: ID!) { executions(filter: {retryOf: $id}) { nodes { externalId attempt retryOf { id } } } }"
    )
    found = (await runwatch.query(document, {"id": original}))["executions"]["nodes"]
    assert found == [{"externalId": "again", "attempt": 2, "retryOf": {"id": original}}]


async def test_history_006_neighbours_in_the_workflow(runwatch: Runwatch) -> None:
    """previous and next MUST be those of the workflow's list, also where times are equal, of the asked statuses."""
    engine, workflow = unique("neighbours"), unique("workflow")
    states = {"a": "SUCCEEDED", "b": "FAILED", "c": "CANCELLED", "d": "SUCCEEDED", "e": "FAILED"}
    for number, (name, state) in enumerate(states.items()):
        error = {"type": "E", "message": "no"} if state == "FAILED" else None
        begin = 60 * min(number, 3)  # d and e are queued at one time
        runwatch.report(*run_events(engine, name, begin, workflow=workflow, state=state, error=error))
        runwatch.report(*run_events(engine, f"other {name}", begin, workflow=unique("other")))
    document = """
    query N($f: ExecutionFilter, $s: [ExecutionStatus!]) {
      executions(filter: $f) { nodes { externalId
        previous { externalId } next { externalId }
        before: previous(status: $s) { externalId } after: next(status: $s) { externalId }
        never: next(status: []) { externalId }
      } }
    }
    """
    for statuses, those in ((["SUCCESS"], "ad"), (["FAILURE", "CANCELLED"], "bce"), (None, "abcde")):
        variables = {"f": {"engine": [engine], "workflowName": [workflow]}, "s": statuses}
        listed = (await runwatch.query(document, variables))["executions"]["nodes"][::-1]
        order = [node["externalId"] for node in listed]
        for place, node in enumerate(listed):
            found = {key: value and value["externalId"] for key, value in node.items() if key != "externalId"}
            earlier, later = order[:place][::-1], order[place + 1 :]
            assert found == {
                "previous": next(iter(earlier), None),
                "next": next(iter(later), None),
                "before": next((name for name in earlier if name in those), None),
                "after": next((name for name in later if name in those), None),
                "never": None,
            }
