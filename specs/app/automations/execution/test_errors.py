"""AUTO-EXEC-ADMIN-005: what goes wrong, as groups of failures: what to look at first, and what was said of each."""

from __future__ import annotations

from typing import Any

from specs.harness.driver import Runwatch, at, event, unique

LIST = """
query G(
  $f: MetricsFilter, $order: ErrorGroupOrder = COUNT, $search: String, $state: [ErrorGroupState!],
  $bucket: MetricsBucket = AUTO, $zone: String = "UTC", $after: String, $first: Int
) {
  errorGroups(
    filter: $f, orderBy: $order, search: $search, state: $state, bucket: $bucket, timeZone: $zone, after: $after,
    first: $first
  ) {
    buckets totalCount { value kind } pageInfo { endCursor hasNextPage }
    edges { count trend isNew unresolved { value kind } node { id type message state mutedUntil } }
  }
}
"""
SET = """
mutation S($input: SetErrorGroupStateInput!) {
  setErrorGroupState(input: $input) { group { id state mutedUntil } }
}
"""
ABOUT = """
query A($id: ID!) {
  node(id: $id) {
    ... on ErrorGroup {
      state workflows { name count { value kind } } variables { placeholder distinct values(first: 1) { value count } }
    }
  }
}
"""
HOUR = 3600


def shown(seconds: float) -> str:
    """A time as answers have it."""
    return at(seconds).replace("+00:00", ".000000Z")


def fail(
    runwatch: Runwatch, engine: str, subject: str, seconds: float, message: str, *, workflow: str = "w"
) -> dict[str, Any]:
    """A run that fails with a message; its window begins at 0."""
    trigger = {"kind": "k", "data": {}}
    finish = {"state": "FAILED", "error": {"type": "Failed", "message": message}}
    runwatch.report(
        event(engine, subject, "execution.queued", seconds, {"workflow": workflow, "trigger": trigger}),
        event(engine, subject, "execution.finished", seconds + 1, finish),
    )
    return {"engine": [engine], "from": at(0), "to": at(3 * HOUR)}


def listed(runwatch: Runwatch, where: dict[str, Any], **given: Any) -> Any:
    """A list of groups, which must be given."""
    answer = runwatch.ask(LIST, f=where, **given)
    assert "errors" not in answer, answer
    return answer["data"]["errorGroups"]


def messages(runwatch: Runwatch, where: dict[str, Any], **given: Any) -> list[str]:
    """The first words of the groups of a list, whose count must agree."""
    found = listed(runwatch, where, **given)
    assert found["totalCount"] == {"value": len(found["edges"]), "kind": "EXACT"}
    return [edge["node"]["message"].split()[0] for edge in found["edges"]]


def test_errors_001_a_list_says_what_to_look_at_first(runwatch: Runwatch) -> None:
    """Groups MUST come in the order that is asked for, each with trend, unresolved failures and whether it is new."""
    engine, zone = unique("errors"), "Asia/Kolkata"
    fail(runwatch, engine, "a0", -60, "often 1")
    for number in range(3):
        fail(runwatch, engine, f"a{number + 1}", 2000 * number, f"often {number}", workflow="orders")
    where = fail(runwatch, engine, "b1", 2 * HOUR, "late 1", workflow="mails")
    fail(runwatch, engine, "b2", 2 * HOUR + 1, "late 2")
    fail(runwatch, engine, "c1", 100, "früh in STRASSE")
    found = listed(runwatch, where, bucket="HOUR")
    assert found["buckets"] == [shown(0), shown(HOUR), shown(2 * HOUR)]
    edges = {edge["node"]["message"]: edge for edge in found["edges"]}
    assert [(each["count"], each["trend"], each["isNew"]) for each in edges.values()] == [
        (3, [2, 1, 0], False),
        (2, [0, 0, 2], True),
        (1, [1, 0, 0], True),
    ]
    assert list(edges) == ["often <num>", "late <num>", "früh in STRASSE"]
    assert messages(runwatch, where, order="LAST_SEEN") == ["late", "often", "früh"]
    assert messages(runwatch, where, order="FIRST_SEEN") == ["late", "früh", "often"]
    # Resolved by hand, and so are two of three.
    resolve = """
    mutation R($f: ExecutionFilter!) { resolveExecutions(input: {filter: $f, note: "n"}) { changedCount } }
    """
    of_often = {"errorGroupId": [edges["often <num>"]["node"]["id"]], "queuedFrom": at(1000)}
    assert runwatch.ask(resolve, f=of_often)["data"]["resolveExecutions"] == {"changedCount": 2}
    assert messages(runwatch, where, order="UNRESOLVED")[0] == "late"
    again = listed(runwatch, where)["edges"]
    assert [each["unresolved"] for each in again] == [{"value": n, "kind": "EXACT"} for n in (1, 2, 1)]
    # Texts: of the type, the message, the workflow.
    assert messages(runwatch, where, search="FAIL") == ["often", "late", "früh"]
    assert messages(runwatch, where, search="strasse") == ["früh"]
    assert messages(runwatch, where, search="ORDERS") == ["often"]
    assert messages(runwatch, where, search="nothing") == []
    # Hours of a zone that begin in the middle of those of UTC; pages.
    halves = listed(runwatch, where, bucket="HOUR", zone=zone)
    assert halves["buckets"] == [shown(0), shown(0.5 * HOUR), shown(1.5 * HOUR), shown(2.5 * HOUR)]
    assert [each["trend"] for each in halves["edges"]] == [[1, 2, 0, 0], [0, 0, 2, 0], [1, 0, 0, 0]]
    first = listed(runwatch, where, order="LAST_SEEN", first=1)
    rest = listed(runwatch, where, order="LAST_SEEN", after=first["pageInfo"]["endCursor"])
    assert [each["count"] for each in (*first["edges"], *rest["edges"])] == [2, 3, 1]
    for bad in (
        {"order": "COUNT", "after": first["pageInfo"]["endCursor"]},
        {"zone": "Nowhere"},
        {"search": "\0"},
        {"bucket": "MINUTE", "f": {"from": at(0), "to": at(7 * HOUR)}},
    ):
        answer = runwatch.ask(LIST, **{"f": where, **bad})
        assert answer["data"] == {"errorGroups": None}
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_errors_002_groups_are_resolved_muted_and_come_back(runwatch: Runwatch) -> None:
    """RESOLVED MUST become REGRESSED by a failure queued later; what cannot be said MUST change nothing."""
    engine, viewer = unique("states"), runwatch.token("viewer")
    where = fail(runwatch, engine, "a", 0, "one 1")
    fail(runwatch, engine, "b", 1, "two 1")
    one, two = (edge["node"]["id"] for edge in listed(runwatch, where, order="FIRST_SEEN")["edges"][::-1])
    for given, token, code in (
        ({"id": one, "state": "RESOLVED"}, viewer, "FORBIDDEN"),
        ({"id": one, "state": "OPEN"}, None, "BAD_USER_INPUT"),
        ({"id": one, "state": "REGRESSED"}, None, "BAD_USER_INPUT"),
        ({"id": one, "state": "MUTED", "mutedUntil": at(0)}, None, "BAD_USER_INPUT"),
        ({"id": one, "state": "RESOLVED", "mutedUntil": "2999-01-01T00:00:00Z"}, None, "BAD_USER_INPUT"),
        ({"id": "errorGroup_" + "0" * 32, "state": "MUTED"}, None, "NOT_FOUND"),
        ({"id": "nonsense", "state": "MUTED"}, None, "NOT_FOUND"),
    ):
        (error,) = runwatch.ask(SET, token, input=given)["errors"]
        assert error["extensions"]["code"] == code, given
    assert set(messages(runwatch, where, state=["OPEN"])) == {"one", "two"}

    def say(id_: str, state: str | None, **more: Any) -> Any:
        return runwatch.ask(SET, input={"id": id_, "state": state, **more})["data"]["setErrorGroupState"]["group"]

    until = "2998-01-01T00:00:00.000000Z"
    assert say(one, "RESOLVED") == {"id": one, "state": "RESOLVED", "mutedUntil": None}
    assert say(two, "MUTED", mutedUntil=until) == {"id": two, "state": "MUTED", "mutedUntil": until}
    assert messages(runwatch, where, state=["RESOLVED"]) == ["one"]
    assert messages(runwatch, where, state=["MUTED"]) == ["two"]
    # A failure that was queued before the mark says nothing against it; one that was queued later does.
    fail(runwatch, engine, "c", 2, "one 2")
    assert messages(runwatch, where, state=["REGRESSED"]) == []
    trigger = {"workflow": "w", "trigger": {"kind": "k", "data": {}}}
    ahead = runwatch.ask("{ server { now } }")["data"]["server"]["now"]
    later = {"time": ahead}
    runwatch.report(
        event(engine, "d", "execution.queued", 0, trigger) | later,
        event(
            engine, "d", "execution.finished", 0, {"state": "FAILED", "error": {"type": "Failed", "message": "one 3"}}
        )
        | later,
    )
    assert messages(runwatch, where, state=["REGRESSED"]) == ["one"]
    assert messages(runwatch, where, state=["OPEN", "REGRESSED"]) == ["one"]
    assert say(one, "RESOLVED")["state"] == "RESOLVED"
    assert say(one, None) == {"id": one, "state": "OPEN", "mutedUntil": None}
    audit = "{ auditLog(first: 100) { nodes { action subject detail } } }"
    nodes = runwatch.ask(audit)["data"]["auditLog"]["nodes"]
    said = [node["detail"] for node in nodes if node["subject"] == one]
    assert [each["state"] for each in said] == [None, "RESOLVED", "RESOLVED"]


def test_errors_003_a_group_says_what_its_failures_differ_in(runwatch: Runwatch) -> None:
    """A group MUST have its workflows and the values of what varies in its message."""
    engine = unique("differ")
    where = {}
    for number, (order, workflow) in enumerate(((17, "orders"), (17, "orders"), (18, "mails"))):
        where = fail(
            runwatch, engine, f"{number}", number, f"order {order} of 'shop {number}' failed", workflow=workflow
        )
    (edge,) = listed(runwatch, where)["edges"]
    found = runwatch.ask(ABOUT, id=edge["node"]["id"])["data"]["node"]
    assert found["workflows"] == [
        {"name": name, "count": {"value": count, "kind": "EXACT"}} for name, count in (("orders", 2), ("mails", 1))
    ]
    number, text = found["variables"]
    assert number == {"placeholder": "<num>", "distinct": 2, "values": [{"value": "17", "count": 2}]}
    assert (text["placeholder"], text["distinct"]) == ("<str>", 3)
