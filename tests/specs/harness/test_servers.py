"""The servers that other tests stand on: they start, answer, end, and leave nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
import redis.asyncio as redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from specs.harness.servers import PostgresServer, ServerError, ValkeyServer, free_port, process
from specs.harness.servers.process import may_read
from specs.harness.waiting import soon
from specs.harness.worker_processes import is_alive

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer(own=True) as server:
        yield server


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    with ValkeyServer(own=True) as server:
        yield server


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))


async def test_postgres_is_utf8_and_folds_every_alphabet(postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(postgres.url())
    try:
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        assert await connection.fetchval("SELECT lower('ÉΣЖ')") == "éσж"
        assert await connection.fetchval("SHOW fsync") == "off"
    finally:
        await connection.close()


async def test_databases_come_and_go_even_with_somebody_connected(postgres: PostgresServer) -> None:
    url = postgres.create_database('odd "name"')
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE kept (id int)")
    await connection.close()
    copy = await asyncpg.connect(postgres.create_database("copy", template='odd "name"'))
    assert await copy.fetchval("SELECT count(*) FROM kept") == 0
    postgres.drop_database("copy")
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await copy.fetchval("SELECT 1")
    postgres.drop_database("copy")
    postgres.drop_database('odd "name"')


@pytest.mark.slow
async def test_postgres_keeps_committed_rows_over_kill_and_restart(tmp_path: Path) -> None:
    with PostgresServer(own=True, durable=True) as server:
        port = server.port
        await _execute(server, "CREATE TABLE kept AS SELECT 1 AS id")
        server.kill()
        assert not server.running
        server.start()
        await _execute(server, "INSERT INTO kept VALUES (2)")
        server.restart()
        assert server.port == port
        await _execute(server, "SELECT 1 / (count(*) = 2)::int FROM kept")  # fails unless both are there
        server.kill()


def test_a_postgres_that_cannot_start_says_why_and_leaves_nothing() -> None:
    server = PostgresServer(own=True, settings={"max_connections": "none"})
    with pytest.raises(ServerError, match="max_connections"), server:
        pass
    assert server.folder is None


async def test_valkey_answers_pauses_and_comes_back_on_its_port(valkey: ValkeyServer) -> None:
    async with redis.Redis.from_url(valkey.url, socket_timeout=0.3, retry=None) as client:
        assert await client.set("word", "kept")
        valkey.pause()
        with pytest.raises(RedisTimeoutError):
            await client.get("word")
        valkey.resume()
        assert await client.get("word") == b"kept"
        valkey.kill()
        with pytest.raises(RedisConnectionError):
            await client.get("word")
        valkey.start()
        assert await client.get("word") is None


def test_servers_named_by_the_environment_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNWATCH_TEST_DATABASE_URL", "postgres://me:secret@db.example:6543/there?ssl=require")
    monkeypatch.setenv("RUNWATCH_TEST_REDIS_URL", "redis://cache.example:6380/3")
    with PostgresServer() as postgres, ValkeyServer() as valkey:
        assert postgres.url("mine") == "postgres://me:secret@db.example:6543/mine?ssl=require"
        assert valkey.url == "redis://cache.example:6380/3"
        for forbidden in (postgres.kill, postgres.restart, valkey.kill, valkey.pause):
            with pytest.raises(ServerError, match="not ours"):
                forbidden()


def test_stop_removes_the_folder_and_frees_the_port() -> None:
    for server in (PostgresServer(own=True), ValkeyServer(own=True)):
        server.start()
        folder, pid = server.folder, server.pid
        assert folder is not None
        assert folder.exists()
        server.stop()
        assert not folder.exists()
        assert not is_alive(pid)
        server.stop()  # a second time does nothing


def test_a_killed_test_run_leaves_no_server_and_no_folder() -> None:
    program = """
        import time
        from specs.harness.servers import PostgresServer, ValkeyServer
        servers = [PostgresServer(own=True), ValkeyServer(own=True)]
        for server in servers:
            server.start()
        print(*[f"{server.pid} {server.folder}" for server in servers], sep="\\n", flush=True)
        time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        started = [run.stdout.readline().split() for _ in range(2)]
        run.kill()
    soon(lambda: not any(is_alive(int(pid)) or Path(folder).exists() for pid, folder in started))


class Sleeper(process.Server):
    """Does nothing until it is ended."""

    def start(self) -> None:
        self._launch(lambda _: [sys.executable, "-S", "-c", "import signal; signal.pause()"], lambda: True)


def test_interrupt_within_a_start_leaves_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    started = list[subprocess.Popen[bytes]]()

    def interrupted(*words: Any, **given: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(*words, **given))
        os.kill(os.getpid(), signal.SIGINT)
        return started[0]

    monkeypatch.setattr(process, "subprocess", SimpleNamespace(DEVNULL=subprocess.DEVNULL, Popen=interrupted))
    with pytest.raises(KeyboardInterrupt), Sleeper(None):
        pass
    (child,) = started
    left = child.poll() is None
    child.kill()
    child.wait()
    assert not left


def test_may_read_looks_at_every_folder_on_the_way(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir(mode=0o755)
    tmp_path.chmod(0o700)
    assert not may_read(inner, 65534)
    assert may_read(inner, None)


async def _execute(server: PostgresServer, statement: str) -> None:
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
