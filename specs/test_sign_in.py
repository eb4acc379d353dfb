"""Nobody reads or reports without signing in, and each role does only what it may."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from specs.conftest import before_any_statement
from specs.harness.driver import Runwatch, event, unique

REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/graphql", {"json": {"query": "{ viewer { name } }"}}),
    ("POST", "/graphql", {"json": {"query": "{ nonsense"}}),
    ("POST", "/graphql", {"json": {"query": "{ __schema { types { name } } }"}}),
    ("POST", "/graphql", {"json": [{"query": "{ viewer { name } }"}]}),
    ("POST", "/graphql", {"content": b"{not json", "headers": {"content-type": "application/json"}}),
    ("POST", "/graphql", {"content": b" " * 5_000_000}),
    ("GET", "/graphql", {"params": {"query": "{ viewer { name } }"}}),
    ("GET", "/graphql", {}),
    ("DELETE", "/graphql", {}),
    ("POST", "/api/events", {"json": []}),
    ("GET", "/api/events", {}),
    ("GET", "/api/no/such/path", {}),
]


def send(runwatch: Runwatch, request: tuple[str, str, dict[str, Any]], authorization: str | None) -> httpx.Response:
    """One request with an Authorization header, or none."""
    method, path, parts = request
    headers = {**parts.get("headers", {}), **({} if authorization is None else {"authorization": authorization})}
    return httpx.request(method, f"{runwatch.url}{path}", **{**parts, "headers": headers}, timeout=30)


def is_401(answer: httpx.Response) -> None:
    """The answer is a 401, in GraphQL's shape."""
    assert answer.status_code == 401, answer.text
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "data" not in answer.json() or answer.json()["data"] is None


@before_any_statement
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: f"{request[0]} {request[1]} {str(request[2])[:40]}")
async def test_signin_001_anonymous_and_invalid_requests(runwatch: Runwatch, request_: Any) -> None:
    """Every request without valid credentials MUST be 401, whatever it asks."""
    for authorization in (None, "", "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer rw_aaaaaaaa_" + "a" * 32):
        is_401(send(runwatch, request_, authorization))


async def test_signin_002_a_revoked_token_stops_at_once(runwatch: Runwatch) -> None:
    """The first request after the revocation MUST be refused."""
    token = runwatch.token("viewer")
    request = REQUESTS[0]
    assert send(runwatch, request, f"Bearer {token}").json()["data"]["viewer"]["name"]
    runwatch.cli("token", "revoke", token.rpartition("_")[0])
    is_401(send(runwatch, request, f"Bearer {token}"))


async def test_signin_003_an_expired_token_is_refused(runwatch: Runwatch) -> None:
    """A token MUST be valid until it expires, and not after."""
    token = runwatch.cli("token", "create", "--role", "admin", "--name", unique("short"), "--days", "0.0000001")
    await asyncio.sleep(0.05)  # it lives for 9 ms
    is_401(send(runwatch, REQUESTS[0], f"Bearer {token}"))


async def test_signin_003_a_viewer_learns_when_it_ends(runwatch: Runwatch) -> None:
    """Viewer.expiresAt MUST be the end of the token, and null for one that does not end."""
    query = {"query": "{ viewer { expiresAt } }"}
    token = runwatch.cli("token", "create", "--role", "viewer", "--name", unique("day"), "--days", "1")
    told = runwatch.post(query, token=token).json()["data"]["viewer"]["expiresAt"]
    left = datetime.fromisoformat(told) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=55) < left <= timedelta(days=1)
    assert runwatch.post(query).json() == {"data": {"viewer": {"expiresAt": None}}}


async def test_signin_004_roles(runwatch: Runwatch) -> None:
    """A viewer MUST read and not report; a runner MUST report for its own engine and not read."""
    engine, other = unique("mine"), unique("theirs")
    viewer, runner = runwatch.token("viewer"), runwatch.token("runner", engine)
    mine, theirs = event(engine, "r", "execution.queued", 0), event(other, "r", "execution.queued", 0)

    answer = runwatch.post({"query": "{ viewer { role } executions(first: 1) { nodes { id } } }"}, token=viewer)
    assert answer.json()["data"]["viewer"] == {"role": "VIEWER"}
    assert runwatch.post_events([mine], token=viewer).status_code == 403

    answer = runwatch.post({"query": "{ viewer { role } }"}, token=runner)
    assert answer.json() == {"data": {"viewer": {"role": "RUNNER"}}}
    for query in (
        "{ executions { nodes { id } } }",
        "{ workflows { nodes { id } } }",
        "{ engines { id } }",
        '{ execution(id: "x") { id } }',
        '{ workflow(id: "x") { id } }',
        '{ node(id: "x") { id } }',
    ):
        answer = runwatch.post({"query": query}, token=runner)
        assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN", query
    assert runwatch.post_events([mine], token=runner).json() == {"accepted": 1, "rejected": []}
    assert runwatch.post_events([theirs], token=runner).status_code == 403
    mixed = runwatch.post_events([theirs, mine], token=runner)
    assert (mixed.status_code, mixed.json()["accepted"], mixed.json()["rejected"][0]["index"]) == (202, 1, 0)
