"""POST /api/events in this process: what it refuses as a whole, what it rejects one by one, and its answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.auth.roles import Role
from app.db import Database
from tests.app.client import client_of, code_in
from tests.app.reports import report

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
LINES = "application/x-ndjson"

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(database, Role.RUNNER, "engine") as opened:
        yield opened


async def send(client: httpx.AsyncClient, body: object, content_type: str = BATCH) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post("/api/events", content=content, headers={"content-type": content_type})


def queued(subject: str, **changes: Any) -> dict[str, Any]:
    return {**report("execution.queued", subject, id_=f"{subject}-queued", workflow="nightly"), **changes}


async def subjects(database: Database) -> set[str]:
    return {row[0] for row in await database.fetch("SELECT external_id FROM executions")}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (SINGLE, json.dumps(queued("a")).encode()),
        (f"{SINGLE}; charset=utf-8", json.dumps(queued("a")).encode()),
        (BATCH, json.dumps([queued("a")]).encode()),
        (BATCH.upper(), json.dumps([queued("a")]).encode()),
        (LINES, json.dumps(queued("a")).encode() + b"\n\n"),
        ("application/ndjson", b"\xef\xbb\xbf" + json.dumps(queued("a")).encode()),
        ("application/JSONL", json.dumps(queued("a")).encode()),
    ],
)
async def test_each_form_is_taken(
    database: Database, client: httpx.AsyncClient, content_type: str, body: bytes
) -> None:
    answer = await send(client, body, content_type)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "rejected": []})
    assert answer.headers["content-type"] == "application/json"
    assert await subjects(database) == {"a"}
    again = await send(client, body, content_type)
    assert (again.status_code, again.json()) == (202, {"accepted": 1, "rejected": []})


@on_sqlite
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/cloudevents", ""])
async def test_another_content_type(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await send(client, [queued("a")], content_type)
    assert (answer.status_code, code_in(answer)) == (415, "BAD_USER_INPUT")
    assert all(form in answer.json()["errors"][0]["message"] for form in (SINGLE, BATCH, LINES))


@on_sqlite
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (SINGLE, b""),
        (SINGLE, b"null"),
        (SINGLE, b"123"),
        (SINGLE, b"[]"),
        (SINGLE, b'{"query": "{ viewer { name } }"}'),
        (BATCH, b""),
        (BATCH, b"{"),
        (BATCH, b"{}"),
        (BATCH, b"\xff\xfe"),
        (BATCH, b"[1, 2]"),
        (LINES, b""),
        (LINES, b"not\njson"),
    ],
)
async def test_a_body_that_holds_no_event(client: httpx.AsyncClient, content_type: str, body: bytes) -> None:
    answer = await send(client, body, content_type)
    assert (answer.status_code, code_in(answer)) == (400, "BAD_USER_INPUT")


@on_sqlite
async def test_an_empty_batch_is_no_mistake(client: httpx.AsyncClient) -> None:
    assert (await send(client, [])).json() == {"accepted": 0, "rejected": [], "engine": "engine"}


@on_sqlite
async def test_a_body_above_the_limit(database: Database) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(8):
            sent.append(1)
            yield b" " * 512

    sent: list[int] = []
    async with client_of(database, Role.RUNNER, "engine", max_events_body_bytes=1024) as client:
        declared = await send(client, b" " * 2000)
        streamed = await client.post("/api/events", content=chunks(), headers={"content-type": BATCH})
        fits = await send(client, json.dumps([queued("a")]).encode().ljust(1024))
    for answer in (declared, streamed):
        assert (answer.status_code, code_in(answer)) == (413, "LIMIT_EXCEEDED")
    assert len(sent) < 8, "read on although it was known to be too long"
    assert fits.status_code == 202


@on_sqlite
async def test_too_many_events(database: Database) -> None:
    async with client_of(database, Role.RUNNER, "engine", max_events_per_request=2) as client:
        assert (await send(client, [queued(name) for name in "ab"])).status_code == 202
        answer = await send(client, [queued(name) for name in "cde"])
    assert (answer.status_code, code_in(answer)) == (413, "LIMIT_EXCEEDED")
    assert await subjects(database) == {"a", "b"}


@on_sqlite
async def test_roles_that_may_report(database: Database) -> None:
    for role, status in ((None, 401), (Role.VIEWER, 403), (Role.ADMIN, 202)):
        async with client_of(database, role) as client:
            assert (await send(client, [queued(f"by-{role}", source="any")])).status_code == status
    assert await subjects(database) == {"by-ADMIN"}


@on_sqlite
async def test_a_runner_speaks_for_its_own_engine(database: Database, client: httpx.AsyncClient) -> None:
    foreign = [queued("x", source="another"), queued("y", source="third")]
    refused = await send(client, foreign)
    assert (refused.status_code, code_in(refused)) == (403, "FORBIDDEN")
    mixed = await send(client, [foreign[0], queued("a"), foreign[1]])
    assert (mixed.status_code, mixed.json()["accepted"]) == (202, 1)
    assert [each["index"] for each in mixed.json()["rejected"]] == [0, 2]
    assert await subjects(database) == {"a"}
    assert [row[0] for row in await database.fetch("SELECT name FROM engines")] == ["engine"]


async def test_rejected_events_are_named_by_their_index(database: Database, client: httpx.AsyncClient) -> None:
    answer = await send(
        client,
        [
            queued("retry", data={"retryOf": "execution_" + "0" * 32}),  # known only to the database
            queued("a"),
            queued("x", source="another"),  # another engine's
            {**queued("y"), "type": "execution.exploded"},  # no such type
            queued("b"),
            5,
        ],
    )
    body = answer.json()
    assert (answer.status_code, body.keys()) == (202, {"accepted", "rejected"})
    indexes = [each["index"] for each in body["rejected"]]
    assert indexes == sorted(indexes)
    assert {2, 3, 5} <= set(indexes)
    assert body["accepted"] + len(indexes) == 6
    for each in body["rejected"]:
        assert each.keys() == {"index", "id", "error"}
        assert each["error"]
    assert {each["index"]: each["id"] for each in body["rejected"]}[2] == "x-queued"
    assert {"a", "b"} <= await subjects(database)


@on_sqlite
@pytest.mark.parametrize("error", [RuntimeError("password hunter2"), ConnectionError("10.0.0.1"), TimeoutError()])
async def test_a_database_that_fails(
    database: Database, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def fail(work: Any) -> Any:
        raise error

    monkeypatch.setattr(database, "transaction", fail)
    answer = await send(client, [queued("a")])
    await asyncio.sleep(0)
    assert (answer.status_code, code_in(answer)) == (503, "INTERNAL")
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["errors"][0]["extensions"].keys() == {"code", "errorId"}
    assert "hunter2" not in answer.text
    assert "10.0.0.1" not in answer.text


@on_sqlite
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_methods(client: httpx.AsyncClient, method: str) -> None:
    assert (await client.request(method, "/api/events")).status_code == 405
