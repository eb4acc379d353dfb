"""What /session answers. specs/test_sessions.py has the rest, from outside."""

from __future__ import annotations

from typing import Any

import pytest

from app.auth import Role
from app.auth.tokens import create_token
from app.db import Database
from app.errors import Unavailable
from tests.app.client import client_of, code_in

OWN = {"sec-fetch-site": "same-origin"}
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


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


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE"])
async def test_a_method_that_means_nothing(database: Database, method: str) -> None:
    async with client_of(database, None) as client:
        answer = await client.request(method, "/session", headers=OWN)
    assert (answer.status_code, code_in(answer)) == (405, "BAD_USER_INPUT")
