"""APP-AUTO-EXEC-EXPORT: an administrator takes the list, or a log, along as a file."""

from __future__ import annotations

import csv
import json
from typing import Any

import httpx
import pytest

from specs.harness.driver import Runwatch, event, run_events, unique

AUDIT = "{ auditLog(first: 1) { nodes { actor action subject detail } } }"
RUN = "query R($e: [String!]) { executions(filter: {engine: $e}) { nodes { id } } }"


def export(runwatch: Runwatch, door: str, body: Any, token: str | None = None, **headers: str) -> httpx.Response:
    """What a door of exports answers."""
    given = {"authorization": f"Bearer {token or runwatch.admin}", "content-type": "application/json", **headers}
    content = body if isinstance(body, bytes) else json.dumps(body)
    return httpx.post(f"{runwatch.url}/api/export/{door}", content=content, headers=given, timeout=30)


async def test_export_001_every_run_that_matches(runwatch: Runwatch) -> None:
    """An export MUST have every run that matches, once, newest first, with formulas made harmless."""
    engine = unique("export")
    for start in range(0, 1200, 300):
        events = []
        for number in range(start, start + 300):
            state = "FAILED" if number % 100 == 0 else "SUCCEEDED"
            error = {"type": "E", "message": "=1+1"} if state == "FAILED" else None
            events += run_events(engine, f"r{number:04}", number, state=state, error=error)[::2]
        runwatch.report(*events)
    answer = export(runwatch, "executions", {"format": "ndjson", "filter": {"engine": [engine]}})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["externalId"] for line in lines] == [f"r{number:04}" for number in range(1199, -1, -1)]
    failed = {"engine": [engine], "status": ["FAILURE"]}
    answer = export(runwatch, "executions", {"filter": failed, "columns": ["externalId", "errorMessage"]})
    rows = list(csv.reader(answer.text.splitlines()))
    assert rows == [["externalId", "errorMessage"], *([f"r{n:04}", "'=1+1"] for n in range(1100, -1, -100))]


async def test_export_002_a_log(runwatch: Runwatch) -> None:
    """The export of a log MUST have the lines that pass its filter, as text or NDJSON."""
    engine = unique("log")
    lines = [
        event(engine, "run", "log.written", number, {"level": level, "message": f"row {number}"})
        for number, level in enumerate(["INFO", "ERROR", "INFO", "FATAL"])
    ]
    runwatch.report(*run_events(engine, "run", 0), *lines)
    ((run,),) = [(await runwatch.query(RUN, {"e": [engine]}))["executions"]["nodes"]]
    text = export(runwatch, "log", {"executionId": run["id"]}).text.splitlines()
    assert [line.split(" ", 1)[1] for line in text] == ["INFO row 0", "ERROR row 1", "INFO row 2", "FATAL row 3"]
    asked = {"executionId": run["id"], "format": "ndjson", "minLevel": "ERROR", "search": "ROW 3"}
    (line,) = export(runwatch, "log", asked).text.splitlines()
    assert (json.loads(line)["level"], json.loads(line)["message"]) == ("FATAL", "row 3")


async def test_export_003_attachments_audited_and_guarded(runwatch: Runwatch) -> None:
    """Exports MUST be attachments, audited, for readers alone."""
    engine = unique("guarded")
    runwatch.report(*run_events(engine, "run", 0))
    asked = {"filter": {"engine": [engine]}, "format": "csv"}
    answer = export(runwatch, "executions", asked, runwatch.token("viewer"))
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="executions-20')
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    (entry,) = (await runwatch.query(AUDIT, {}))["auditLog"]["nodes"]
    assert (entry["action"], entry["subject"], entry["detail"]) == ("exportExecutions", None, asked)
    assert entry["actor"] != ""
    refused = export(runwatch, "executions", asked, runwatch.token("runner", engine))
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    assert export(runwatch, "executions", asked, "nonsense").status_code == 401
    assert httpx.get(f"{runwatch.url}/api/export/executions").status_code == 401


@pytest.mark.parametrize(
    ("door", "body", "status", "says"),
    [
        ("executions", b"[]", 400, "body"),
        ("executions", b"\xff", 400, "body"),
        ("executions", {"format": "xlsx"}, 400, "format: 'xlsx' is not csv or ndjson"),
        ("executions", {"columns": ["nonsense"]}, 400, "columns: no column is called 'nonsense'"),
        ("executions", {"columns": []}, 400, "columns"),
        ("executions", {"filter": {"colour": "red"}}, 400, "filter"),
        ("executions", {"filter": {"status": ["BROKEN"]}}, 400, "filter.status"),
        ("executions", {"filter": {"id": ["nonsense"]}}, 400, "nonsense"),
        ("executions", {"filter": {"queuedFrom": "gestern"}}, 400, "filter.queuedFrom"),
        ("executions", {"more": 1}, 400, "more"),
        ("log", {}, 400, "executionId"),
        ("log", {"executionId": "nonsense"}, 404, "executionId"),
        ("log", {"executionId": f"execution_{'0' * 32}"}, 404, "executionId"),
        ("log", {"executionId": f"execution_{'0' * 32}", "minLevel": "LOUD"}, 400, "minLevel: 'LOUD'"),
        ("log", {"executionId": f"execution_{'0' * 32}", "stepId": "nonsense"}, 400, "stepId"),
        ("log", {"executionId": f"execution_{'0' * 32}", "format": "csv"}, 400, "format"),
    ],
)
async def test_export_003_requests_that_cannot_be_meant(
    runwatch: Runwatch, door: str, body: Any, status: int, says: str
) -> None:
    """Invalid requests MUST be refused with a code that names what is wrong."""
    answer = export(runwatch, door, body)
    assert answer.status_code == status, answer.text
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == {400: "BAD_USER_INPUT", 404: "NOT_FOUND"}[status]
    assert says in error["message"]
    assert "content-disposition" not in answer.headers


async def test_export_003_other_media_types(runwatch: Runwatch) -> None:
    """What a form of another page could send MUST be refused."""
    answer = export(runwatch, "executions", {}, **{"content-type": "text/plain"})
    assert answer.status_code == 415
