"""docker-compose.yml as it stands, without Docker: the same settings, commands, databases, users and order."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from specs.harness.commands import RUNWATCH
from specs.harness.compose import health_check, services
from specs.harness.driver import Runwatch, Server, run_events, unique
from specs.harness.servers import PostgresServer, ValkeyServer
from specs.harness.waiting import soon
from specs.harness.worker_processes import all_serve, is_alive, logged, stopped, workers
from specs.test_sockets import code_of, said, socket, subscribe
from specs.test_workers import LIST, UPDATES, answers

# As docs/operating.md makes them.
GIVEN = {
    "POSTGRES_PASSWORD": secrets.token_hex(24),
    "RUNWATCH_SECRET_KEY": "b25seSBmb3IgdGVzdHMsIDMyIGJ5dGVzIGxvbmcuLi4=",
}


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[PostgresServer, ValkeyServer]]:
    """The database as its image makes it from docker-compose.yml, and a Valkey."""
    asked = services(GIVEN)["postgres"]["environment"]
    with PostgresServer(own=True, max_connections=100) as postgres, ValkeyServer(own=True) as valkey:
        asyncio.run(_create(postgres.url(), *(asked[f"POSTGRES_{name}"] for name in ("USER", "PASSWORD", "DB"))))
        yield postgres, valkey


async def _create(url: str, user: str, password: str, database: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f"CREATE ROLE \"{user}\" LOGIN PASSWORD '{password}'")
    await connection.execute(f'CREATE DATABASE "{database}" OWNER "{user}"')
    await connection.close()


def moved(url: str, port: int) -> str:
    """A URL of docker-compose.yml, at a server of this machine."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    return parts._replace(netloc=f"{user}{'@' if user else ''}127.0.0.1:{port}").geturl()


@pytest.fixture(scope="module")
def server(servers: tuple[PostgresServer, ValkeyServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service "runwatch" after the service "migrate", with what has to be another here: hosts, ports, a folder.

    All of this file start it, if the one before has ended it.
    """
    postgres, valkey = servers
    folder = tmp_path_factory.mktemp("compose")
    found = services(GIVEN)
    environment: dict[str, str] = found["runwatch"]["environment"]
    program, verb, *options = found["runwatch"]["command"]
    assert (program, verb) == ("runwatch", "serve")
    made = Server(folder, moved(environment["RUNWATCH_DATABASE_URL"], postgres.port), *options, installed=True)
    made.environment = {
        **environment,
        **made.environment,
        "RUNWATCH_HOST": "127.0.0.1",
        "RUNWATCH_PORT": str(made.port),
        "RUNWATCH_REDIS_URL": moved(environment["RUNWATCH_REDIS_URL"], valkey.port),
    }
    assert found["migrate"]["environment"] == environment
    migrated = subprocess.run(
        [RUNWATCH, *found["migrate"]["command"][1:]],
        env=made.environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "0001_initial" in migrated.stderr
    yield made
    for pid in workers(made).values():
        if is_alive(pid):
            os.kill(pid, signal.SIGCONT)
    made.kill()


@pytest.fixture
def runwatch(server: Server) -> Iterator[Runwatch]:
    """Its administrator, while it runs."""
    if not server.running:
        server.log_file.unlink(missing_ok=True)  # which names the workers of the one before
        server.start()
    made = Runwatch(server.url, "", server.environment)
    made.admin = made.token("admin")
    yield made
    made.close()


def is_healthy(server: Server) -> bool:
    """What the image's own check says."""
    done = subprocess.run(
        [sys.executable, *health_check()[1:]],
        env=server.environment,
        cwd=server.folder,
        capture_output=True,
        timeout=30,
    )
    return done.returncode == 0


async def hears_of_the_other(runwatch: Runwatch, listener: int, writer: int) -> None:
    """Report events to one worker, and see them come by a socket of the other; each as soon as it is reported."""
    engine = unique("live")
    where = {"engine": [engine]}
    cursor = (await runwatch.query(LIST, {"filter": where}))["executions"]["updatesCursor"]
    reporter = Runwatch(runwatch.url, runwatch.admin)

    async def told(connection: Any) -> str:
        name: str = (await said(connection))["payload"]["data"]["executionUpdated"]["execution"]["externalId"]
        return name

    async with AsyncExitStack() as opened:
        with stopped(writer):
            connection = await opened.enter_async_context(socket(runwatch, runwatch.admin))
            await subscribe(connection, "1", UPDATES, filter=where, after=cursor)
        with stopped(listener):
            reporter.report(*run_events(engine, "first", 0, state=None))
        assert await told(connection) == "first"
        # The reporter's connection stays with the worker that accepted it, so nobody has to be stopped.
        took = []
        for number in range(5):
            began = time.monotonic()
            reporter.report(*run_events(engine, str(number), 0, state=None))
            assert await told(connection) == str(number)
            took.append(time.monotonic() - began)
        assert statistics.median(took) < 0.5, "by Redis: without it, each takes a second"
    reporter.close()


async def test_deployment_001_all_workers_serve_and_tell_each_other(server: Server, runwatch: Runwatch) -> None:
    """What compose starts MUST be healthy, and an event MUST reach a subscriber of the other worker, either way."""
    one, two = all_serve(server)
    assert is_healthy(server)
    for idle in (one, two):
        with stopped(idle):
            assert answers(server)
    await hears_of_the_other(runwatch, one, two)
    await hears_of_the_other(runwatch, two, one)
    assert not logged(server, "workers_without_redis")
    assert not logged(server, "more_connections_than_postgres_has")
    assert not logged(server, "development_secret_key"), "all have the key that was given"


async def test_deployment_002_it_survives_what_happens_to_a_worker(server: Server, runwatch: Runwatch) -> None:
    """A killed worker MUST be replaced by one that serves and shows live what the others commit."""
    killed, other = all_serve(server)
    os.kill(killed, signal.SIGKILL)
    assert all(answers(server) for _ in range(20))
    (new,) = soon(lambda: {*workers(server).values()} - {killed, other})
    assert is_healthy(server)
    await hears_of_the_other(runwatch, new, other)


async def test_deployment_003_it_stops_within_its_grace_period(
    server: Server, runwatch: Runwatch, servers: tuple[PostgresServer, ValkeyServer]
) -> None:
    """SIGTERM, which Docker sends, MUST end all with code 0 within 10 s, with sockets open and a Redis that hangs."""
    pids, valkey = all_serve(server), servers[1]
    async with socket(runwatch, runwatch.admin) as one, socket(runwatch, runwatch.admin) as deaf:
        deaf.transport.pause_reading()
        valkey.pause()
        try:
            async with asyncio.timeout(10):
                assert await asyncio.to_thread(server.stop, signal.SIGTERM) == 0
        finally:
            valkey.resume()
        assert await code_of(one) == 1012
        deaf.transport.resume_reading()
        await code_of(deaf)
    assert not any(map(is_alive, pids))
    assert not is_healthy(server)
    assert "Traceback" not in server.log


async def test_deployment_004_nothing_is_left_of_one_that_was_killed(server: Server, runwatch: Runwatch) -> None:
    """When the parent is killed its workers MUST end, and the next start MUST find everything as it was."""
    pids = all_serve(server)
    engine = unique("kept")
    runwatch.report(*run_events(engine, "r", 0))
    assert await asyncio.to_thread(server.stop, signal.SIGKILL) == -signal.SIGKILL
    await asyncio.to_thread(soon, lambda: not any(map(is_alive, pids)), 10)
    server.start()
    document = "query C($e: [String!]) { executions(filter: {engine: $e}) { nodes { externalId } } }"
    assert runwatch.ask(document, e=[engine])["data"]["executions"]["nodes"] == [{"externalId": "r"}]
    assert server.stop(signal.SIGTERM) == 0
