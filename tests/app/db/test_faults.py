"""Connections that die, deadlocks, and several processes that migrate at once."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from app.db import Database, Transaction, open_database, postgres_pools
from app.errors import Unavailable
from specs.harness import commands
from specs.harness.servers.postgres import PostgresServer
from specs.harness.waiting import until


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'below' / 'runwatch.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database("migrated_by_many") as url:
        yield url


@pytest.mark.slow
async def test_several_processes_migrate_once(empty_url: str, tmp_path: Path) -> None:
    environment = {**os.environ, "RUNWATCH_DATA_DIR": str(tmp_path), "RUNWATCH_DATABASE_URL": empty_url}
    logs = [tmp_path / f"log-{number}" for number in range(4)]
    with ExitStack() as stack:
        files = [stack.enter_context(log.open("w")) for log in logs]
        processes = [
            commands.start(["migrate"], environment=environment, folder=tmp_path, stdout=file, stderr=file)
            for file in files
        ]
        assert [await asyncio.to_thread(process.wait, 60) for process in processes] == [0] * 4
    applied = [log.read_text().count("0001_initial") for log in logs]
    assert sorted(applied) == [0, 0, 0, 1]
    database = await open_database(empty_url)
    try:
        assert [tuple(row) for row in await database.fetch("SELECT id, revision FROM revision_counter")] == [(1, 0)]
    finally:
        await database.close()


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh, migrated database on Postgres."""
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database("faults", template=request.getfixturevalue("migrated_postgres")) as url:
        yield url


async def _insert(database: Database, number: int) -> None:
    async def work(transaction: Transaction) -> None:
        row = (f"{number:032x}", f"engine {number}", "NONE", 0)
        await transaction.insert("engines", ("id", "name", "kind", "created_at"), [row])

    await database.transaction(work)


async def _terminate(url: str, condition: str = "true") -> int:
    """End every other connection to the database from the server's side."""
    connection = await asyncpg.connect(url)
    try:
        ended = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND {condition}"
        )
        return len(ended)
    finally:
        await connection.close()


async def _terminate_from_elsewhere(url: str) -> None:
    """As _terminate, from a loop of its own."""
    assert await asyncio.to_thread(asyncio.run, _terminate(url)) >= 1


async def test_idle_connections_that_died_are_replaced(postgres_url: str) -> None:
    database = await open_database(postgres_url)
    try:
        for number in range(4):
            await asyncio.gather(*(database.fetch("SELECT pg_sleep(0.02)") for _ in range(6)))
            await asyncio.gather(*(_insert(database, number * 10 + place) for place in range(6)))
            assert await _terminate(postgres_url) >= 2
            await asyncio.sleep(0.05 * (number % 2))  # with and without the time to notice
            await _insert(database, number * 10 + 9)
            assert len(await database.fetch("SELECT 1 FROM engines")) == (number + 1) * 7
    finally:
        await database.close()


async def test_connections_notice_that_their_host_is_gone(postgres_url: str) -> None:
    """Within 16 s if they are idle, and 5 s if it owes an answer: of itself the system takes a quarter of an hour."""
    connection = await asyncpg.connect(postgres_url)
    try:
        await postgres_pools.prepare_connection(connection)
        transport: Any = getattr(connection, "_transport", None)
        opened = transport.get_extra_info("socket")
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        options = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 5_000}
        there = {name: value for name, value in options.items() if hasattr(socket, name)}
        assert {name: opened.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in there} == there
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),  # gone with its container
        asyncpg.ProtocolViolationError("server login has been failing"),  # as pgbouncer says it
    ],
    ids=["unknown", "behind a pooler"],
)
async def test_a_server_that_cannot_be_reached_is_away(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """As often as it is asked, to read and to write."""
    database = await open_database(postgres_url)
    try:
        assert await database.fetch("SELECT 1")
        with monkeypatch.context() as patch:

            async def fail(*_: object, **__: object) -> None:
                raise error

            patch.setattr(asyncio.get_running_loop(), "create_connection", fail)
            await _terminate_from_elsewhere(postgres_url)
            for number in range(3):
                with pytest.raises(Unavailable):
                    await database.fetch("SELECT 1")
                with pytest.raises(Unavailable):
                    await _insert(database, number)
        assert await database.fetch("SELECT 1")
    finally:
        await database.close()


async def test_a_server_without_a_free_connection_is_away(postgres_url: str) -> None:
    """For whoever needs another one; those that there are go on."""
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("CREATE ROLE few LOGIN CONNECTION LIMIT 2")
    parts = urlsplit(postgres_url)
    limited = parts._replace(netloc=f"few@{parts.netloc.rpartition('@')[2]}").geturl()
    database = await open_database(limited)  # one that reads, and one that writes
    try:
        found = await asyncio.gather(
            *(database.fetch("SELECT 1 FROM pg_sleep(0.3)") for _ in range(4)), return_exceptions=True
        )
        assert {type(each) for each in found} == {list, Unavailable}
        assert await database.fetch("SELECT 1")
    finally:
        await database.close()
        await connection.execute("DROP ROLE few")
        await connection.close()


async def test_a_connection_that_dies_within_a_transaction(postgres_url: str) -> None:
    database = await open_database(postgres_url)
    attempts = 0

    async def work(transaction: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await transaction.insert("engines", ("id", "name", "kind", "created_at"), [("1" * 32, "e", "NONE", 0)])
        if attempts == 1:
            assert await _terminate(postgres_url, "state = 'idle in transaction'") == 1
        await transaction.fetch("SELECT 1")

    try:
        await database.transaction(work)
        assert attempts == 2
        assert len(await database.fetch("SELECT 1 FROM engines")) == 1
    finally:
        await database.close()


@pytest.mark.slow
async def test_a_connection_that_dies_within_a_copy_that_the_server_does_not_read(postgres_url: str) -> None:
    """asyncpg stops writing for now when much is unsent, and nothing tells it that it never may again."""
    database, other = await open_database(postgres_url), await asyncpg.connect(postgres_url)
    attempts, columns = 0, ("id", "owner", "name", "page", "query", "shared")

    async def work(transaction: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        # More than the system keeps for the server, by far.
        rows = [(f"{number:032x}", "anna", "a view", "history", "x" * 40_000, False) for number in range(500)]
        await transaction.insert("saved_views", columns, rows)

    async def waits_within_copy() -> bool:
        return bool(await _terminate(postgres_url, "wait_event_type = 'Lock' AND query LIKE 'COPY%'"))

    try:
        locking = other.transaction()
        await locking.start()
        await other.execute("LOCK TABLE saved_views IN SHARE MODE")
        inserting = asyncio.create_task(database.transaction(work))
        await until(waits_within_copy)
        await locking.rollback()
        async with asyncio.timeout(30):
            await inserting
        assert attempts == 2
        assert len(await database.fetch("SELECT 1 FROM saved_views")) == 500
    finally:
        await other.close()
        await database.close()


@pytest.mark.parametrize("word", ["COMMIT", "ROLLBACK"])
async def test_a_connection_that_dies_at_the_end_of_a_transaction(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """Who commits hears that the database is away, once: it may have committed. Others hear what has failed before."""
    database = await open_database(postgres_url)
    really, attempts, ended = asyncpg.Connection.execute, 0, []

    async def execute(connection: asyncpg.Connection[Any], query: str, *args: Any, **more: Any) -> Any:
        if query == word:
            ended.append(await _terminate(postgres_url, "state LIKE 'idle in transaction%'"))
        return await really(connection, query, *args, **more)

    async def work(transaction: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await transaction.fetch("SELECT 1" if word == "COMMIT" else "SELECT nothing")

    try:
        with monkeypatch.context() as patch:
            patch.setattr(asyncpg.Connection, "execute", execute)
            with pytest.raises(Unavailable if word == "COMMIT" else asyncpg.UndefinedColumnError):
                await database.transaction(work)
        assert (attempts, ended) == (1, [1])
        await _insert(database, 1)
    finally:
        await database.close()


async def test_a_deadlock_is_run_again(postgres_url: str) -> None:
    database = await open_database(postgres_url)
    meet = asyncio.Barrier(2)
    attempts = 0

    async def work(transaction: Transaction, ids: tuple[str, str]) -> None:
        nonlocal attempts
        attempts += 1
        # In one order when it is run again: it would be quick enough to deadlock once more.
        for place, id_ in enumerate(ids if attempts <= 2 else sorted(ids)):
            await transaction.fetch("UPDATE engines SET created_at = created_at + 1 WHERE id = $1", id_)
            if place == 0 and attempts <= 2:
                await meet.wait()

    try:
        for number in (1, 2):
            await _insert(database, number)
        one, two = f"{1:032x}", f"{2:032x}"
        await asyncio.gather(
            database.transaction(lambda transaction: work(transaction, (one, two))),
            database.transaction(lambda transaction: work(transaction, (two, one))),
        )
        assert attempts in (3, 4)  # both are given up where the server looks at both before either has ended
        rows = await database.fetch("SELECT created_at FROM engines")
        assert [row[0] for row in rows] == [2, 2]
    finally:
        await database.close()


async def test_another_process_may_hold_the_file_for_a_while(tmp_path: Path, migrated_sqlite: Path) -> None:
    path = tmp_path / "shared.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    database = await open_database(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(_insert(database, 1))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        assert len(await database.fetch("SELECT 1 FROM engines")) == 0  # readers go on
        other.execute("COMMIT")
        await waiting
        assert len(await database.fetch("SELECT 1 FROM engines")) == 1
    finally:
        other.close()
        await database.close()
