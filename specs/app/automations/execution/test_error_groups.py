"""API-AUTO-EXEC-DETAIL: failures of one cause are one error group, which administrators merge and split."""

from __future__ import annotations

from typing import Any

from specs.harness.driver import Runwatch, at, run_events, unique
from specs.harness.waiting import until

GROUPS = """
query Groups($filter: MetricsFilter, $first: Int, $after: String) {
  errorGroups(filter: $filter, first: $first, after: $after) {
    edges { cursor count node { id type message basis count firstSeenAt lastSeenAt latestExecution { externalId } } }
    nodes { id } pageInfo { hasNextPage endCursor } totalCount { value kind } updatesCursor
  }
}
"""


async def test_detail_006_failures_of_one_cause_are_one_group(runwatch: Runwatch) -> None:
    """Failures that differ only in numbers, ids and the like MUST count as one error group."""
    engine = unique("groups")
    for number in range(7):
        error = {"type": "NotFound", "message": f"user {number * 97} not found at 0x{number:08x}"}
        runwatch.report(*run_events(engine, f"nf-{number}", number * 60, state="FAILED", error=error))
    for number in range(2):
        error = {"type": "Timeout", "message": f"no answer within {number + 3} s"}
        runwatch.report(*run_events(engine, f"to-{number}", number * 60, state="TIMED_OUT", error=error))
    runwatch.report(*run_events(engine, "silent", 0, workflow="w", state="CRASHED"), *run_events(engine, "fine", 5))
    window = {"engine": [engine], "from": at(0), "to": at(3600)}
    found = (await runwatch.query(GROUPS, {"filter": window}))["errorGroups"]
    assert [(edge["count"], edge["node"]["type"]) for edge in found["edges"]][:2] == [(7, "NotFound"), (2, "Timeout")]
    assert found["totalCount"] == {"value": 3, "kind": "EXACT"}
    first = found["edges"][0]["node"]
    assert (first["count"], first["basis"]) == (7, "MESSAGE")
    assert {edge["node"]["basis"] for edge in found["edges"]} == {"MESSAGE", "PLACE"}
    assert first["firstSeenAt"] == "2026-01-01T00:00:00.000000Z"
    assert first["lastSeenAt"] == "2026-01-01T00:06:00.000000Z"
    assert first["latestExecution"]["externalId"] == "nf-6"
    part = (await runwatch.query(GROUPS, {"filter": {**window, "from": at(240), "to": at(400)}}))["errorGroups"]
    assert [(edge["count"], edge["node"]["count"]) for edge in part["edges"]] == [(3, 7)]
    seen: list[str] = []
    after = None
    while True:
        page = (await runwatch.query(GROUPS, {"filter": window, "first": 1, "after": after}))["errorGroups"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [edge["node"]["id"] for edge in found["edges"]]
    listing = (
        "query L($g: [ID!]) { executions(filter: {errorGroupId: $g}) { nodes { externalId error { group { id } } } } }"
    )
    runs = (await runwatch.query(listing, {"g": [first["id"]]}))["executions"]["nodes"]
    assert [run["externalId"] for run in runs] == [f"nf-{number}" for number in reversed(range(7))]
    assert {run["error"]["group"]["id"] for run in runs} == {first["id"]}
    for bad in ({"from": at(5), "to": at(5)}, {"from": at(0), "to": at(401 * 86400)}, {"workflowId": ["x"]}):
        answer = runwatch.post({"query": GROUPS, "variables": {"filter": bad}}).json()
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT", bad


MERGE = "mutation M($from: [ID!]!, $into: ID!) { mergeErrorGroups(input: {from: $from, into: $into}) { group { %s } } }"
UNMERGE = "mutation U($id: ID!) { unmergeErrorGroup(id: $id) { group { id count } } }"
MERGED = "id message count members { id type message count mergedBy }"


async def test_detail_010_administrators_merge_error_groups(runwatch: Runwatch) -> None:
    """Merged groups MUST count, list and look up as one, with runs to come, until they are taken apart."""
    engine = unique("merged")
    for number, message in enumerate(("shop is closed", "shop is closed", "shop has closed")):
        error = {"type": engine, "message": message}
        runwatch.report(*run_events(engine, f"{number}", number * 60, state="FAILED", error=error))
    window = {"engine": [engine], "from": at(0), "to": at(3600)}

    async def counted() -> list[tuple[int, str]]:
        found = (await runwatch.query(GROUPS, {"filter": window}))["errorGroups"]
        assert found["totalCount"]["value"] == len(found["edges"])
        return [(edge["count"], edge["node"]["id"]) for edge in found["edges"]]

    (_, is_), (_, has) = await counted()
    (group,) = (await runwatch.query(MERGE % MERGED, {"from": [is_], "into": has}))["mergeErrorGroups"].values()
    members = [
        {
            "id": is_,
            "type": engine,
            "message": "shop is closed",
            "count": 2,
            "mergedBy": group["members"][0]["mergedBy"],
        }
    ]
    assert group == {"id": has, "message": "shop has closed", "count": 3, "members": members}
    error = {"type": engine, "message": "shop is closed"}
    runwatch.report(*run_events(engine, "late", 300, state="FAILED", error=error))
    assert await counted() == [(4, has)]
    again = (await runwatch.query(MERGE % "id", {"from": [is_, has], "into": is_}))["mergeErrorGroups"]
    assert again == {"group": {"id": has}}
    listing = "query L($g: [ID!]) { executions(filter: {errorGroupId: $g}) { nodes { error { group { id } } } } }"
    runs = (await runwatch.query(listing, {"g": [is_]}))["executions"]["nodes"]
    assert [run["error"]["group"]["id"] for run in runs] == [has] * 4
    node = "query N($id: ID!) { node(id: $id) { ... on ErrorGroup { id latestExecution { externalId } } } }"
    assert (await runwatch.query(node, {"id": is_}))["node"] == {"id": has, "latestExecution": {"externalId": "late"}}
    apart = (await runwatch.query(UNMERGE, {"id": is_}))["unmergeErrorGroup"]["group"]
    assert apart == {"id": is_, "count": 3}
    assert await counted() == [(3, is_), (1, has)]
    audit = (await runwatch.query("{ auditLog(first: 50) { nodes { action subject } } }"))["auditLog"]["nodes"]
    own = [entry["action"] for entry in audit if entry["subject"] in (is_, has)]
    assert own == ["unmergeErrorGroup", "mergeErrorGroups"]
    for document, variables, code in (
        (MERGE % "id", {"from": [], "into": has}, "BAD_USER_INPUT"),
        (MERGE % "id", {"from": [f"errorGroup_{'0' * 32}"], "into": has}, "NOT_FOUND"),
        (MERGE % "id", {"from": ["nonsense"], "into": has}, "NOT_FOUND"),
        (UNMERGE, {"id": "execution_1"}, "NOT_FOUND"),
    ):
        answer = runwatch.post({"query": document, "variables": variables}).json()
        assert answer["errors"][0]["extensions"]["code"] == code, variables


SPLIT = "mutation S($id: ID!, $by: [ErrorGroupSplit!]!) { splitErrorGroup(input: {id: $id, by: $by}) { group { id } } }"
UNSPLIT = "mutation U($id: ID!) { unsplitErrorGroup(id: $id) { group { id } } }"


async def test_detail_011_administrators_split_error_groups(runwatch: Runwatch) -> None:
    """A split group MUST be one for each of what tells its runs apart, those to come too, until that is undone."""
    engine = unique("split")

    def fail(subject: str, shop: int, seconds: float) -> None:
        error = {"type": engine, "message": f"shop {shop} is closed"}
        runwatch.report(*run_events(engine, subject, seconds, state="FAILED", error=error))

    for number, shop in enumerate((1, 1, 2)):
        fail(f"{number}", shop, number * 60)
    window = {"engine": [engine], "from": at(0), "to": at(3600)}
    document = "query G($f: MetricsFilter) { errorGroups(filter: $f) { edges { count node { id message splitBy } } } }"

    async def groups() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await runwatch.query(document, {"f": window}))["errorGroups"]["edges"]
        return sorted(found, key=lambda edge: str(edge["node"]["message"]))

    async def are(**counts: int) -> bool:
        found = [(edge["node"]["message"], edge["count"]) for edge in await groups()]
        return found == [(f"shop {shop} is closed", count) for shop, count in counts.items()]

    (whole,) = (edge["node"] for edge in await groups())
    assert (whole["message"], whole["splitBy"]) == ("shop <num> is closed", [])
    id_ = whole["id"]
    assert await runwatch.query(SPLIT, {"id": id_, "by": ["MESSAGE"]}) == {"splitErrorGroup": {"group": {"id": id_}}}
    await until(lambda: are(**{"1": 2, "2": 1}))
    fail("late", 3, 300)
    await until(lambda: are(**{"1": 2, "2": 1, "3": 1}))
    one, two, _ = (edge["node"] for edge in await groups())
    assert one["splitBy"] == ["MESSAGE"]
    listing = "query L($g: [ID!]) { executions(filter: {errorGroupId: $g}) { nodes { externalId } } }"
    for group, runs in ((id_, ["late", "2", "1", "0"]), (one["id"], ["1", "0"])):
        nodes = (await runwatch.query(listing, {"g": [group]}))["executions"]["nodes"]
        assert [node["externalId"] for node in nodes] == runs
    for variables in ({"id": id_, "by": []}, {"id": one["id"], "by": ["STEP"]}):
        answer = runwatch.post({"query": SPLIT, "variables": variables}).json()
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT", variables
    await runwatch.query(UNSPLIT, {"id": two["id"]})
    await until(lambda: are(**{"<num>": 4}))
    assert [edge["node"] for edge in await groups()] == [whole]
