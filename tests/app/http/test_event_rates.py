"""What a body of events costs its token, whatever becomes of it. specs/test_rates.py has the rest."""

from __future__ import annotations

import gzip
import json
import time

import httpx
import pytest

from app.auth.roles import Role
from app.db import Database
from app.errors import Unavailable
from app.ingestion import Ingestion
from tests.app.client import client_of
from tests.app.reports import report
from tests.clocks import Clock

MOST = 100_000
SETTINGS = {"max_events_body_bytes": MOST, "max_event_bytes_per_minute": MOST}
BODY = json.dumps([report("execution.queued", "a", id_="a", workflow="nightly")]).encode()
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bucket fills meanwhile."""
    monkeypatch.setattr(time, "monotonic", Clock(1_000.0))


async def send(client: httpx.AsyncClient, body: bytes = BODY, **headers: str) -> int:
    headers |= {"content-type": "application/cloudevents-batch+json"}
    return (await client.post("/api/events", content=body, headers=headers)).status_code


async def test_body_that_is_too_long_once_decompressed_pays_for_what_was(database: Database) -> None:
    bomb = gzip.compress(b" " * 10 * MOST)
    assert len(bomb) < MOST // 50
    async with client_of(database, Role.RUNNER, "engine", **SETTINGS) as client:
        assert await send(client) == 202
        assert await send(client, bomb, **{"content-encoding": "gzip"}) == 413
        assert await send(client) == 429


@pytest.mark.parametrize("end", [b"", bytes(8)], ids=["cut off", "of another checksum"])
async def test_gzip_that_is_broken_pays_for_what_was_decompressed(database: Database, end: bytes) -> None:
    body = gzip.compress(b" " * (MOST - 1))[:-8] + end
    assert len(body) < MOST // 50
    async with client_of(database, Role.RUNNER, "engine", **SETTINGS) as client:
        assert await send(client, body, **{"content-encoding": "gzip"}) == 400
        assert await send(client) == 429


async def test_body_that_says_that_it_is_too_long_pays_nothing(database: Database) -> None:
    async with client_of(database, Role.RUNNER, "engine", **SETTINGS) as client:
        for _ in range(3):
            assert await send(client, b" " * (MOST + 1)) == 413
        assert await send(client) == 202


async def test_body_that_could_not_be_stored_pays_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> None:
        raise Unavailable

    async with client_of(database, Role.RUNNER, "engine", **SETTINGS) as client:
        with monkeypatch.context() as context:
            context.setattr(Ingestion, "record", away)
            assert [await send(client) for _ in range(30)] == [503] * 30
        assert await send(client) == 202
