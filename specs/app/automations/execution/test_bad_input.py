"""Bad input gets a clear, coded error and changes nothing; the next request works."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from specs.conftest import before_any_statement
from specs.harness.driver import Runwatch, event, run_events, unique

GIVEN = "query Q($first: Int, $after: String, $last: Int, $filter: ExecutionFilter, $order: ExecutionOrder) {"
DOCUMENT = (
    GIVEN
    + " executions(first: $first, after: $after, last: $last, filter: $filter, orderBy: $order) { nodes { id } } }"
)
LEAKS = ("select ", "traceback", "sqlite", "asyncpg", ".py", "syntax error at or near")


def refused(answer: httpx.Response, code: str = "BAD_USER_INPUT") -> str:
    """The message of an answer that must refuse, without leaking how it is made."""
    assert answer.status_code < 500, answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    error = answer.json()["errors"][0]
    assert error["extensions"]["code"] == code, answer.text
    assert error["message"]
    assert not [leak for leak in LEAKS if leak in answer.text.lower()], answer.text
    return str(error["message"])


def works(runwatch: Runwatch) -> None:
    """The next request is served."""
    assert runwatch.post({"query": "{ viewer { name } }"}).json()["data"]["viewer"]["name"]


@before_any_statement
@pytest.mark.parametrize(
    "variables",
    [
        {"first": -1},
        {"first": 0},
        {"first": 101},
        {"first": 2, "last": 2},
        {"last": -3},
        {"first": 2**40},
        {"first": "ten"},
        {"after": "garbage"},
        {"after": "é"},
        {"after": "A" * 10_000},
        {"filter": {"queuedFrom": "2026-02-01T00:00:00Z", "queuedTo": "2026-01-01T00:00:00Z"}},
        {"filter": {"queuedFrom": "yesterday"}},
        {"filter": {"queuedFrom": "2026-01-01T00:00:00"}},
        {"filter": {"minDurationMs": 5, "maxDurationMs": 4}},
        {"filter": {"minDurationMs": 1e300}},
        {"filter": {"status": ["BROKEN"]}},
        {"filter": {"workflowId": ["nonsense"]}},
        {"filter": {"search": "a\0b"}},
        {"filter": {"workflowName": ["a\0b"]}},
        {"filter": {"noSuchField": 1}},
        {"order": {"field": "SHOE_SIZE"}},
    ],
    ids=str,
)
async def test_badinput_001_arguments(runwatch: Runwatch, variables: dict[str, Any]) -> None:
    """Invalid arguments MUST be refused as BAD_USER_INPUT."""
    refused(runwatch.post({"query": DOCUMENT, "variables": variables}))
    works(runwatch)


async def test_badinput_002_a_cursor_of_another_ordering(runwatch: Runwatch) -> None:
    """A cursor of another ordering or list MUST be refused."""
    engine = unique("cursors")
    runwatch.report(*run_events(engine, "a", 0))
    document = "{ executions(first: 1) { pageInfo { endCursor } } workflows(first: 1) { pageInfo { endCursor } } }"
    found = await runwatch.query(document)
    after = found["executions"]["pageInfo"]["endCursor"]
    for order in ({"field": "DURATION"}, {"field": "QUEUED_AT", "direction": "ASC"}):
        refused(runwatch.post({"query": DOCUMENT, "variables": {"after": after, "order": order}}))
    refused(runwatch.post({"query": DOCUMENT, "variables": {"after": found["workflows"]["pageInfo"]["endCursor"]}}))
    refused(runwatch.post({"query": DOCUMENT, "variables": {"after": after[:-2]}}))
    works(runwatch)


@before_any_statement
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"123",
        b'"text"',
        b"[]",
        b'[{"query": "{ viewer { name } }"}]',
        b'{"query": 7}',
        b'{"query": ""}',
        b'{"query": "{ viewer { name }"}',
        b'{"query": "{ nothing }"}',
        b'{"query": "{ viewer { name } }", "variables": [1]}',
        b'{"query": "query A { viewer { name } } query B { viewer { role } }"}',
        b'{"query": "{ viewer { name } }", "operationName": "Missing"}',
        b'{"query": "\xff"}',
        b'{"query": "{ node(id: \\"\\ud800\\") { id } }"}',
        b'{"query": "{ viewer { name } }", "variables": {"a": ' + b"9" * 5000 + b"e99999}}",
        b'{"query": "' + b"{a" * 5000 + b'"}',
        b'{"query": "{ viewer { name } }", "variables": {"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}}",
    ],
    ids=lambda body: body[:40].decode(errors="replace") + f" ({len(body)})",
)
async def test_badinput_003_bodies(runwatch: Runwatch, body: bytes) -> None:
    """A malformed request body MUST be refused, whatever it contains."""
    refused(runwatch.post(body))
    works(runwatch)


async def test_badinput_004_ten_megabytes(runwatch: Runwatch) -> None:
    """A body over its limit MUST be refused at both doors, and the server MUST continue."""
    body = b'{"query": "' + b" " * 10_000_000 + b'"}'
    answer = runwatch.post(body)
    assert answer.status_code == 413
    refused(answer, "LIMIT_EXCEEDED")
    answer = runwatch.post_events(b"[" + b" " * 10_000_000 + b"]")
    assert answer.status_code == 413
    refused(answer, "LIMIT_EXCEEDED")
    works(runwatch)


async def test_badinput_005_one_bad_event_takes_no_good_one_with_it(runwatch: Runwatch) -> None:
    """Each bad event of a batch MUST be named with its reason; the others MUST be committed."""
    engine = unique("bad")
    good = event(engine, "r", "execution.queued", 0, {"workflow": "nul \0 here"})
    late = {**good, "id": "late", "time": "2999-01-01T00:00:00Z"}
    answer = runwatch.post_events(
        [
            {**good, "type": "execution.exploded"},
            late,
            {**good, "subject": ""},
            {**good, "data": {"retryOf": "execution_" + "0" * 32}},
            {name: value for name, value in good.items() if name != "time"},
            7,
            {**good, "source": "line\nbreak"},
            good,
            good,
        ]
    )
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 2
    assert [each["index"] for each in answer.json()["rejected"]] == list(range(7))
    assert all(each["error"] for each in answer.json()["rejected"])
    document = "query N($e: [String!]) { executions(filter: {engine: $e}) { nodes { externalId workflowName } } }"
    found = await runwatch.query(document, {"e": [engine]})
    assert found["executions"]["nodes"] == [{"externalId": "r", "workflowName": "nul \ufffd here"}]


@before_any_statement
@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"{}", b"[1, 2]", b"\xff", b"[" * 100_000, b'{"specversion": "1.0"}'],
    ids=lambda body: repr(body[:20]),
)
async def test_badinput_006_bodies_that_are_no_events(runwatch: Runwatch, body: bytes) -> None:
    """A body that is not JSON, or contains no CloudEvent, MUST be refused as a whole."""
    for form in ("application/cloudevents+json", "application/cloudevents-batch+json", "application/x-ndjson"):
        headers = {"authorization": f"Bearer {runwatch.admin}", "content-type": form}
        answer = httpx.post(f"{runwatch.url}/api/events", headers=headers, content=body, timeout=30)
        assert answer.status_code == 400, (form, answer.text)
        refused(answer)
    works(runwatch)


async def test_badinput_007_other_formats(runwatch: Runwatch) -> None:
    """An unsupported format MUST be 415."""
    for path in ("/api/events", "/graphql"):
        headers = {"authorization": f"Bearer {runwatch.admin}", "content-type": "text/plain"}
        answer = httpx.post(f"{runwatch.url}{path}", headers=headers, content=b"x", timeout=30)
        assert answer.status_code == 415
        refused(answer)


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_badinput_008_one_that_fails_leaves_the_others(runwatch: Runwatch, accept: str) -> None:
    """A field of Query that fails MUST be null with its own error, and the others MUST answer as usual."""
    engine = unique("parts")
    runwatch.report(*run_events(engine, "a", 0))
    document = """query Q($mine: ExecutionFilter, $many: [String!]) {
      viewer { role }
      auditLog { totalCount { value } }
      executions(filter: $mine) { nodes { externalId } }
      wrong: executions(filter: {workflowId: ["nonsense"]}) { nodes { id } }
      facets: executionFacets(filter: {id: ["nonsense"]}) { total { value } }
      histogram: executionHistogram(filter: {workflowName: $many}) { kind }
      executionHistogram(filter: $mine, window: FIT) { points { total } }
      errorGroups(first: 0) { nodes { id } }
      workflows(after: "garbage") { nodes { id } }
      metrics { total }
      engines { name }
    }"""
    answer = httpx.post(
        f"{runwatch.url}/graphql",
        headers={"authorization": f"Bearer {runwatch.token('viewer')}", "accept": accept},
        json={"query": document, "variables": {"mine": {"engine": [engine]}, "many": ["w"] * 501}},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert {error["path"][0]: error["extensions"]["code"] for error in answer.json()["errors"]} == {
        "auditLog": "FORBIDDEN",
        "wrong": "BAD_USER_INPUT",
        "facets": "BAD_USER_INPUT",
        "histogram": "LIMIT_EXCEEDED",
        "errorGroups": "BAD_USER_INPUT",
        "workflows": "BAD_USER_INPUT",
    }
    assert [name for name, value in data.items() if value is None] == [
        *("auditLog", "wrong", "facets", "histogram", "errorGroups", "workflows")
    ]
    assert data["viewer"] == {"role": "VIEWER"}
    assert data["executions"] == {"nodes": [{"externalId": "a"}]}
    assert sum(point["total"] for point in data["executionHistogram"]["points"]) == 1
    assert engine in [each["name"] for each in data["engines"]]
