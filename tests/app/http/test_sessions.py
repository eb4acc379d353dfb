"""What /session answers, and how failures are counted. specs/test_sessions.py has the rest, from outside."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from app.auth import Role
from app.auth.tokens import create_token
from app.db import Database
from app.errors import Unavailable
from app.http import sessions
from tests.app.client import client_of, code_in

OWN = {"sec-fetch-site": "same-origin"}
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def attempts(client: httpx.AsyncClient, number: int) -> list[int]:
    return [(await client.post("/session", json={"code": "x"}, headers=OWN)).status_code for _ in range(number)]


async def test_failures_are_forgotten_after_a_minute(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: seconds)
    async with client_of(database, None) as client:
        assert await attempts(client, 12) == [401] * 10 + [429] * 2
        seconds += 59.9
        assert await attempts(client, 1) == [429]
        seconds += 60
        assert await attempts(client, 1) == [401]


async def test_addresses_that_failed_take_a_bounded_memory(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that has been silent for longest is forgotten first."""
    monkeypatch.setattr(sessions, "MAX_ADDRESSES", 2)
    monkeypatch.setattr(sessions, "MAX_FAILURES", 1)
    async with client_of(database, None, trusted_proxies="127.0.0.1") as client:

        async def fail(address: str) -> int:
            headers = {**OWN, "x-forwarded-for": address}
            return (await client.post("/session", json={"code": "x"}, headers=headers)).status_code

        one, two, three = "192.0.2.1", "192.0.2.2", "192.0.2.3"
        assert [await fail(each) for each in (one, two, one, three)] == [401, 401, 429, 401]
        assert await fail(one) == 429
        assert await fail(two) == 401


async def test_the_browser_keeps_a_wall_displays_cookie(database: Database) -> None:
    """Its row moves on; an administrator's is renewed with the cookie."""
    for role, seconds in ((Role.VIEWER, 400 * 86_400), (Role.ADMIN, 12 * 3_600)):
        token, _ = await create_token(database, f"a {role}", role)
        async with client_of(database, None) as client:
            answer = await client.post("/session", json={"token": token}, headers=OWN)
            assert f"Max-Age={seconds};" in answer.headers["set-cookie"]
            secret = answer.headers["x-runwatch-session"]
            renewed = await client.patch("/session", headers={**OWN, "x-runwatch-session": secret})
            assert renewed.headers["set-cookie"] == answer.headers["set-cookie"]
            assert "x-runwatch-session" not in renewed.headers


async def test_a_database_that_is_away_signs_nobody_out(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, for a session, a token and a code: it says nothing of them."""
    token, _ = await create_token(database, "ada", Role.ADMIN)
    async with client_of(database, None) as client:
        answer = await client.post("/session", json={"token": token}, headers=OWN)
        headers = {**OWN, "x-runwatch-session": answer.headers["x-runwatch-session"]}

        async def away(*_: Any) -> Any:
            raise Unavailable("no database")

        for reads_or_writes in ("fetch", "fetch_by_key", "transaction"):
            monkeypatch.setattr(database, reads_or_writes, away)
        query = {"query": "{ viewer { name } }"}
        for answer in (
            await client.post("/graphql", json=query, headers=headers),
            await client.patch("/session", headers=headers),
            await client.delete("/session", headers=headers),
            await client.post("/session", json={"token": token}, headers=headers),
            await client.post("/session", json={"code": "x"}, headers=headers),
        ):
            assert (answer.status_code, code_in(answer), answer.headers["retry-after"]) == (503, "INTERNAL", "1")
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
async def test_a_method_that_means_nothing(database: Database, method: str) -> None:
    async with client_of(database, None) as client:
        answer = await client.request(method, "/session", headers=OWN)
    assert (answer.status_code, code_in(answer)) == (405, "BAD_USER_INPUT")
