"""What probes are told: without a database, without room for writes, and how little they cost."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing

import httpx
import pytest

from app.db import Database, Transaction, watch
from app.db.config import sqlite_path
from app.http import health
from specs.harness.waiting import until
from tests.app.client import client_of

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def reasons(client: httpx.AsyncClient) -> list[str]:
    """Why the server is not ready; none if it is."""
    answer, short = await client.get("/health/ready"), await client.get("/health")
    found: list[str] = answer.json().get("reasons", [])
    assert answer.json()["status"] == ("not ready" if found else "ready")
    assert answer.status_code == short.status_code == (503 if found else 200)
    assert short.json() == {"status": found[0] if found else "ok"}
    assert (await client.get("/health/live")).json() == {"status": "ok"}
    return found


async def test_probes_of_an_idle_server_commit_one_write_a_second(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = 0
    really = database.write_nothing

    async def count() -> None:
        nonlocal written
        written += 1
        await really()

    monkeypatch.setattr(database, "write_nothing", count)
    async with client_of(database) as client:  # which commits a token
        assert await reasons(client) == []
        assert written == 0, "a commit of somebody is as good"
        database.committed_at = 0.0
        monkeypatch.setattr(health, "FRESH_SECONDS", 60.0)
    async with client_of(database, role=None) as client:
        for _ in range(5):
            assert await reasons(client) == []
        assert written == 1


async def test_a_database_that_keeps_silent_is_not_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(health, "ANSWER_SECONDS", 0.01)
    async with client_of(database) as client:
        monkeypatch.setattr(database, "fetch_by_key", never)
        assert await reasons(client) == ["the database does not answer"]


async def test_a_loop_that_was_held_up_is_no_silent_database(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def within_the_hold(*_: object) -> list[tuple[int]]:
        asyncio.get_running_loop().call_soon(time.sleep, 0.4)
        return await asyncio.to_thread(lambda: [(1,)])

    async with client_of(database, role=None) as client:
        monkeypatch.setattr(health, "ANSWER_SECONDS", 0.1)
        monkeypatch.setattr(health, "GRACE_SECONDS", 10.0)
        monkeypatch.setattr(database, "fetch_by_key", within_the_hold)
        assert await reasons(client) == []


async def test_a_newer_schema_makes_it_not_ready(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PAUSE_SECONDS", 0.01)
    sql = "UPDATE tortoise_migrations SET name = $1 WHERE name = (SELECT max(name) FROM tortoise_migrations)"
    await database.transaction(lambda transaction: transaction.execute_many(sql, [("9999_next",)]))
    async with client_of(database, role=None) as client:
        await until(lambda: database.outage is not None, "notice of the newer version")
        (said,) = await reasons(client)
        assert said.startswith("a newer version has migrated the database")


@SQLITE
async def test_a_disk_without_room_makes_it_not_ready(database: Database) -> None:
    async with client_of(database, min_free_bytes=2**62) as client:
        assert await reasons(client) == [f"the disk of the database has less than {2**62} bytes free"]


@SQLITE
async def test_a_write_that_others_keep_waiting_is_possible_for_a_while(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client_of(database) as client:
        database.committed_at = 0.0
        monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
        monkeypatch.setattr(health, "ANSWER_SECONDS", 30.0)
        with closing(sqlite3.connect(sqlite_path(database_url), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert await reasons(client) == []
            monkeypatch.setattr(health, "BLOCKED_SECONDS", 0.0)
            assert await reasons(client) == ["the database takes no writes"]
            other.execute("ROLLBACK")
        assert await reasons(client) == []


async def test_a_write_that_waits_is_not_waited_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client_of(database) as client:
        database.committed_at = 0.0
        monkeypatch.setattr(health, "ANSWER_SECONDS", 3600.0)
        monkeypatch.setattr(database, "write_nothing", asyncio.Event().wait)
        assert await reasons(client) == []


@SQLITE
async def test_a_transaction_of_its_own_is_not_waited_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large body of events may take seconds; as long as it goes on, probes are answered at once, and well."""
    probes, now = 0, asyncio.get_running_loop().time() + 60

    async def probe() -> None:
        nonlocal probes
        probes += 1

    async with client_of(database) as client:
        monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
        monkeypatch.setattr(health, "_now", lambda: now)
        monkeypatch.setattr(database, "write_nothing", probe)

        async def ask_within(transaction: Transaction) -> None:
            nonlocal now
            for _ in range(3):
                assert await reasons(client) == []
                now += health.BLOCKED_SECONDS
                await transaction.pause()
            assert await reasons(client) == []
            now += health.BLOCKED_SECONDS
            assert await reasons(client) == ["the database takes no writes"]

        await database.transaction(ask_within)
        assert probes == 0
        assert await reasons(client) == []
        assert probes > 0
