"""AUTO-EXEC-ADMIN-004: what was mended outside Runwatch is resolved by hand, and that can be taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from specs.app.automations.execution.test_live import take, updates
from specs.engines.driver import HELD, WebhookEngine
from specs.engines.retries import audited, retry
from specs.harness.driver import Runwatch, at, event, unique
from specs.harness.waiting import soon

RESOLVE = """
mutation R($input: ResolveExecutionsInput!) {
  resolveExecutions(input: $input) {
    changedCount skippedCount more executions { externalId resolved resolution { by note } }
  }
}
"""
UNRESOLVE = """
mutation U($ids: [ID!]!) {
  unresolveExecutions(input: {ids: $ids}) { changedCount skippedCount executions { id resolved resolution { at } } }
}
"""
UNRESOLVE_ALL = """
mutation U($filter: ExecutionFilter) { unresolveExecutions(input: {filter: $filter}) { changedCount more } }
"""
LOOK = """
query L($f: ExecutionFilter, $u: ExecutionFilter, $one: ID!) {
  executions(filter: $f) { nodes { id externalId resolved } updatesCursor }
  executionHistogram(filter: $u, bucket: DAY) { points { failed } }
  execution(id: $one) { resolved resolution { at by note } retryability { canRetry reasons } }
}
"""
FACETS = "query F($f: ExecutionFilter) { executionFacets(filter: $f) { unresolved { value } } }"


def fail(runwatch: Runwatch, engine: str, *subjects: str) -> dict[str, str]:
    """Failed runs, oldest first, and their ids."""
    for number, subject in enumerate(subjects):
        trigger = {"kind": "k", "data": {"run": HELD}}
        queued = event(engine, subject, "execution.queued", number, {"workflow": engine, "trigger": trigger})
        finish = {"state": "FAILED", "error": {"message": "no"}}
        runwatch.report(queued, event(engine, subject, "execution.finished", number + 1, finish))
    nodes = runwatch.ask(
        "query F($f: ExecutionFilter) { executions(filter: $f) { nodes { id externalId } } }", f={"engine": [engine]}
    )["data"]["executions"]["nodes"]
    return {node["externalId"]: node["id"] for node in nodes}


def look(runwatch: Runwatch, engine: str, one: str) -> Any:
    """All that says what is unresolved of an engine, which must agree, and one of its runs."""
    where = {"engine": [engine], "queuedFrom": at(0), "queuedTo": at(3600)}
    found = runwatch.ask(LOOK, f=where, u={**where, "unresolved": True}, one=one)["data"]
    unresolved = {node["externalId"] for node in found["executions"]["nodes"] if not node["resolved"]}
    assert sum(point["failed"] for point in found["executionHistogram"]["points"]) == len(unresolved)
    # Facets may be two seconds old.
    soon(lambda: runwatch.ask(FACETS, f=where)["data"]["executionFacets"]["unresolved"]["value"] == len(unresolved))
    return unresolved, found["execution"]


async def test_resolve_001_counts_as_resolved_everywhere_and_is_taken_back(runwatch: Runwatch, tmp_path: Path) -> None:
    """A failure resolved by hand MUST count as resolved wherever that is asked, until it is taken back."""
    with WebhookEngine(runwatch, tmp_path) as engine:
        ids = fail(runwatch, engine.name, "a", "b", "c")
        where = {"engine": [engine.name], "unresolved": True}
        cursor = runwatch.ask("query C($f: ExecutionFilter) { executions(filter: $f) { updatesCursor } }", f=where)[
            "data"
        ]["executions"]["updatesCursor"]
        async with updates(runwatch, filter=where, after=cursor) as stream:
            given = {"ids": [ids["a"], ids["b"]], "note": "Imported from the shop's mail."}
            done = runwatch.ask(RESOLVE, input=given)["data"]["resolveExecutions"]
            assert (done["changedCount"], done["skippedCount"], done["more"]) == (2, 0, False)
            by = {"by": done["executions"][0]["resolution"]["by"], "note": given["note"]}
            assert done["executions"] == [
                {"externalId": each, "resolved": True, "resolution": by} for each in ("a", "b")
            ]
            left = await take(stream, 2)
            assert {(each["executionId"], each["matches"]) for each in left} == {(ids["a"], False), (ids["b"], False)}
            unresolved, one = look(runwatch, engine.name, ids["a"])
            assert unresolved == {"c"}
            assert one["resolved"]
            assert one["resolution"]["note"] == given["note"]
            assert one["retryability"] == {"canRetry": True, "reasons": []}
            back = runwatch.ask(UNRESOLVE, ids=[ids["a"], ids["c"]])["data"]["unresolveExecutions"]
            assert back == {
                "changedCount": 1,
                "skippedCount": 1,
                "executions": [{"id": ids["a"], "resolved": False, "resolution": None}],
            }
            assert [(each["executionId"], each["matches"]) for each in await take(stream, 1)] == [(ids["a"], True)]
        assert look(runwatch, engine.name, ids["a"])[0] == {"a", "c"}
        assert retry(runwatch, ids["b"])["created"]
        assert [entry["action"] for entry in audited(runwatch, ids["a"])] == ["unresolveExecutions"]


def test_resolve_002_a_filter_resolves_what_it_shows_and_nothing_bad_passes(runwatch: Runwatch) -> None:
    """A filter MUST resolve just what it shows; streaks go on; what is invalid MUST change nothing."""
    engine = unique("mended")
    ids = fail(runwatch, engine, "a", "b", "c")
    viewer = runwatch.token("viewer")
    for given, token, code in (
        ({"ids": list(ids.values()), "note": "n"}, viewer, "FORBIDDEN"),
        ({"ids": [ids["a"], "execution_" + "0" * 32], "note": "n"}, None, "NOT_FOUND"),
        ({"ids": [ids["a"]], "note": " "}, None, "BAD_USER_INPUT"),
        ({"ids": [ids["a"]], "note": "n" * 1001}, None, "BAD_USER_INPUT"),
        ({"note": "n"}, None, "BAD_USER_INPUT"),
        ({"ids": [ids["a"]], "filter": {}, "note": "n"}, None, "BAD_USER_INPUT"),
        ({"filter": {"workflowId": ["nonsense"]}, "note": "n"}, None, "BAD_USER_INPUT"),
        ({"ids": [ids["a"]] * 1001, "note": "n"}, None, "LIMIT_EXCEEDED"),
    ):
        (error,) = runwatch.ask(RESOLVE, token, input=given)["errors"]
        assert error["extensions"]["code"] == code, given
    assert look(runwatch, engine, ids["a"])[0] == {"a", "b", "c"}
    where = {"engine": [engine], "queuedTo": at(2)}
    done = runwatch.ask(RESOLVE, input={"filter": where, "note": "n"})["data"]["resolveExecutions"]
    assert [each["externalId"] for each in done["executions"]] == ["b", "a"]
    assert look(runwatch, engine, ids["c"])[0] == {"c"}
    streaks = "query S($s: String) { workflows(search: $s) { nodes { consecutiveFailures } } }"
    assert runwatch.ask(streaks, s=engine)["data"]["workflows"]["nodes"] == [{"consecutiveFailures": 3}]
    (error,) = runwatch.ask(UNRESOLVE, viewer, ids=[ids["a"]])["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    (error,) = runwatch.ask(UNRESOLVE_ALL, filter=None)["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    back = runwatch.ask(UNRESOLVE_ALL, filter={"engine": [engine], "queuedTo": at(1)})["data"]["unresolveExecutions"]
    assert back == {"changedCount": 1, "more": False}
    assert look(runwatch, engine, ids["c"])[0] == {"a", "c"}
