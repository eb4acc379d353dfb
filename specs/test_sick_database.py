"""APP-AUTO-EXEC-SICK-…: a database that is away, or stands still and says nothing.

Before one process, before two workers, and before two behind pgbouncer in transaction mode where the machine has one.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from specs.harness import counts
from specs.harness.driver import Runwatch, Server, run_events
from specs.harness.servers import PostgresServer
from specs.harness.servers.pooler import Pooler, with_pgbouncer
from specs.harness.servers.proxy import CuttingProxy, FreezingProxy
from specs.harness.waiting import soon
from specs.harness.worker_processes import all_serve, in_each, logged

READ = {"query": "{ executions(first: 1) { nodes { externalId } } }"}
READ_ALL = {"query": "{ executions(first: 100) { nodes { externalId } } }"}
WRITE = {"query": 'mutation { createToken(input: {name: "n", role: VIEWER}) { secret } }'}
END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# Seconds that the database has to answer: less than the default, which --soak takes.
ANSWER = 1.0
# Of everybody who waits, beside those: an answer comes within 2.5 s. A busy machine may take as long again.
PATIENCE = 5
# Of /health, which takes one at most: a busy machine may take several times that.
HEALTH_SECONDS = 5.0
# How soon new connections are used.
FAILED_OVER_SECONDS = 10
END_SECONDS = 10


class Site(NamedTuple):
    """A server, and the way to its database, which can be cut and can freeze."""

    server: Server
    runwatch: Runwatch
    cut: CuttingProxy
    way: FreezingProxy
    direct: str  # past all that
    pooler: Pooler | None
    pids: list[int]
    answer: float
    accepted: set[str]

    @property
    def workers(self) -> int:
        """How many processes serve."""
        return len(self.pids)

    def health(self) -> int:
        """What /health says: of whichever worker takes a new connection."""
        return httpx.get(f"{self.server.url}/health", timeout=HEALTH_SECONDS).status_code

    def all_say(self, *parts: str) -> bool:
        """Whether each worker names such reasons for not being ready; none: it is."""

        def says() -> bool:
            answer = httpx.get(f"{self.server.url}/health/ready", timeout=HEALTH_SECONDS)
            reasons = answer.json().get("reasons", [])
            return len(reasons) == len(parts) and all(map(str.__contains__, reasons, parts))

        return in_each(self.pids, says)

    def all_say_after_a_write(self, part: str) -> bool:
        """The same, of a database that somebody tries to write."""
        return not any(self.answers("lost") for _ in range(4 * self.workers)) and self.all_say(part)

    def run_sql(self, *statements: str) -> None:
        """Have the database's administrator do something."""

        async def run() -> None:
            connection = await asyncpg.connect(self.direct)
            await connection.execute("SET default_transaction_read_only = off")
            for each in statements:
                await connection.execute(each)
            await connection.close()

        asyncio.run(run())

    def answers(self, name: str) -> bool:
        """Whether a read and an event, each on a connection of its own, are answered."""
        headers = {"authorization": f"Bearer {self.runwatch.admin}"}
        read = httpx.post(f"{self.server.url}/graphql", json=READ, headers=headers, timeout=60)
        headers["content-type"] = "application/cloudevents-batch+json"
        events = run_events("engine", name, 0)
        event = httpx.post(f"{self.server.url}/api/events", json=events, headers=headers, timeout=60)
        if event.status_code == 202:
            self.accepted.add(name)
        return (read.status_code, event.status_code) == (200, 202)

    def sign_in(self) -> httpx.Response:
        """Sign in as the page does."""
        return httpx.post(f"{self.server.url}/session", json={"token": self.runwatch.admin}, timeout=60)

    def every_door(self) -> dict[str, httpx.Response]:
        """What each door that needs the database answers, each on a connection of its own."""
        headers = {"authorization": f"Bearer {self.runwatch.admin}"}
        batch = {**headers, "content-type": "application/cloudevents-batch+json"}
        url = self.server.url
        return {
            "read": httpx.post(f"{url}/graphql", json=READ, headers=headers, timeout=60),
            "write": httpx.post(f"{url}/graphql", json=WRITE, headers=headers, timeout=60),
            "events": httpx.post(f"{url}/api/events", json=run_events("e", "door", 0), headers=batch, timeout=60),
            "export": httpx.post(f"{url}/api/export/executions", json={}, headers=headers, timeout=60),
            "metrics": httpx.get(f"{url}/metrics", headers=headers, timeout=60),
            "sign-in": self.sign_in(),
        }


def kind_of_site(workers: int, answer: float, *, pooled: bool = False) -> Any:
    name = f"{workers} processes, {answer:g} s{', pgbouncer' if pooled else ''}"
    return pytest.param((workers, answer, pooled), id=name, marks=[with_pgbouncer] if pooled else [])


@pytest.fixture(
    scope="module",
    params=[
        *(kind_of_site(1, ANSWER), kind_of_site(2, ANSWER), kind_of_site(2, ANSWER, pooled=True)),
        *([kind_of_site(1, 3.5), kind_of_site(2, 3.5), kind_of_site(2, 3.5, pooled=True)] if counts.soaking else []),
    ],
)
def site(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    workers, answer, pooled = request.param
    with ExitStack() as stack:
        url = stack.enter_context(postgres_server.database("sick"))
        cut = stack.enter_context(CuttingProxy(urlsplit(url).port or 5432))
        way = stack.enter_context(FreezingProxy(cut.port))
        there = urlsplit(url)._replace(netloc=f"postgres@127.0.0.1:{way.port}").geturl()
        settings = {"RUNWATCH_DATABASE_ANSWER_SECONDS": str(answer)}
        pooler = stack.enter_context(Pooler(there)) if pooled else None
        if pooler is not None:
            there = pooler.url
            settings |= {"RUNWATCH_PREPARED_STATEMENTS": "false", "RUNWATCH_DATABASE_DIRECT_URL": url}
        server = Server(tmp_path_factory.mktemp("sick"), there, "--workers", str(workers))
        server.environment |= settings
        server.start()
        stack.callback(server.kill)
        runwatch = Runwatch(server.url, "", server.environment)
        stack.callback(runwatch.close)
        runwatch.admin = runwatch.token("admin")
        pids = all_serve(server, workers) if workers > 1 else [server.pid]
        yield Site(server, runwatch, cut, way, url, pooler, pids, answer, set())


def test_sick_001_a_database_that_hangs_stops_nobody(site: Site) -> None:
    """While Postgres hangs, each door MUST answer 503 within seconds, /health at once, and the log say so in two lines.

    When it goes on, so MUST the server, with everything that it had accepted.
    """
    runwatch = site.runwatch
    runwatch.report(*run_events("engine", "before", 0))
    with site.way.frozen(), ThreadPoolExecutor(40) as at_once:
        began = monotonic()
        reads = [at_once.submit(runwatch.post, READ) for _ in range(15)]
        events = [at_once.submit(runwatch.post_events, list(run_events("engine", f"lost-{n}", n))) for n in range(15)]
        sign_ins = [at_once.submit(site.sign_in) for _ in range(3)]
        assert {site.health() for _ in range(5)} == {503}
        for answer in (each.result(60) for each in (*reads, *events, *sign_ins)):
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json()["errors" if "errors" in answer.json() else "code"]
        assert monotonic() - began < site.answer + PATIENCE
        # Known to hang: nobody waits any more.
        assert runwatch.post(READ).status_code == 503
    soon(lambda: {site.health() for _ in range(4 * site.workers)} == {200})
    runwatch.report(*run_events("engine", "after", 600))
    found = runwatch.post(READ).json()
    assert found["data"]["executions"]["nodes"] == [{"externalId": "after"}]
    assert len(logged(site.server, "database_away")) <= 2 * site.workers
    assert len(logged(site.server, "database_back")) == site.workers
    assert "Traceback" not in site.server.log, site.server.log


def test_sick_008_a_database_that_is_away_is_503_at_every_door(site: Site) -> None:
    """While nothing leads to Postgres, each door MUST answer 503 with Retry-After, never 500, and the log stay short.

    Within 10 s of its return each MUST work.
    """
    assert {answer.status_code for answer in site.every_door().values()} == {200, 202, 204}
    lines = {event: len(logged(site.server, event)) for event in ("database_away", "database_back")}
    with site.cut.cut():
        for _ in range(2 * site.workers):
            for door, answer in site.every_door().items():
                assert answer.status_code == 503, (door, answer.text)
                assert int(answer.headers["retry-after"]) > 0, door
            assert site.health() == 503
    began, in_a_row = monotonic(), 0
    while in_a_row < 4 * site.workers:
        asked = monotonic() - began
        in_a_row = in_a_row + 1 if site.answers(f"back-{asked}") else 0
        assert in_a_row or asked < FAILED_OVER_SECONDS, "whoever asks later is answered"
    assert len(logged(site.server, "database_back")) <= lines["database_back"] + site.workers
    assert len(logged(site.server, "database_away")) <= lines["database_away"] + 2 * site.workers
    assert "Traceback" not in site.server.log, site.server.log


def test_sick_009_a_postgres_that_must_not_be_written(site: Site) -> None:
    """While Postgres takes no writes, or a newer version has migrated it, each write MUST be 503 and reads MUST go on.

    /health/ready MUST say which it is. Afterwards all MUST work again.
    """
    database = urlsplit(site.direct).path[1:]
    for begin, reason, end in (
        (  # as hosts of databases do it when the disk is nearly full
            f"ALTER DATABASE {database} SET default_transaction_read_only = on",
            "takes no writes",
            f"ALTER DATABASE {database} RESET default_transaction_read_only",
        ),
        (
            "INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('app', '9999_x', '2099-01-01')",
            "a newer version has migrated the database",
            "DELETE FROM tortoise_migrations WHERE name = '9999_x'",
        ),
    ):
        site.run_sql(begin, END_SESSIONS)
        soon(partial(site.all_say_after_a_write, reason))
        for door, answer in site.every_door().items():
            assert answer.status_code == (200 if door in ("read", "metrics") else 503), (door, answer.text)
        site.run_sql(end, *([END_SESSIONS] if site.pooler else []))  # there they outlive those of Runwatch
        soon(site.all_say)
        assert all(site.answers(f"{reason}-{number}") for number in range(4 * site.workers))
    assert "Traceback" not in site.server.log, site.server.log


def test_sick_004_new_connections_are_used_after_a_failover(site: Site) -> None:
    """When all connections lead nowhere without a word, each worker MUST use new ones within 10 s, at every door.

    A pooler is told to let go of its own.
    """
    assert all(site.answers(f"before-{number}") for number in range(4 * site.workers))
    site.way.fail_over()
    if site.pooler is not None:
        site.pooler.reconnect()
    began, in_a_row = monotonic(), 0
    while in_a_row < 5 * site.workers:
        asked = monotonic() - began
        in_a_row = in_a_row + 1 if site.answers(f"after-{asked}") else 0
        assert in_a_row or asked < FAILED_OVER_SECONDS, "whoever asks later is answered"
    assert logged(site.server, "worker_ended") == [], "neither hangs"
    listed = site.runwatch.post(READ_ALL).json()["data"]["executions"]["nodes"]
    assert site.accepted <= {node["externalId"] for node in listed}, "through all that came before"
    assert "Traceback" not in site.server.log, site.server.log


def test_sick_001_it_ends_whatever_hangs(site: Site) -> None:
    """While Postgres hangs, SIGTERM MUST end the server within 10 s."""
    with site.way.frozen():
        began = monotonic()
        assert site.server.stop(signal.SIGTERM) in (0, -signal.SIGTERM), site.server.log
        assert monotonic() - began < END_SECONDS
    assert "Traceback" not in site.server.log, site.server.log
