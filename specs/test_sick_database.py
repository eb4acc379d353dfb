"""APP-AUTO-EXEC-SICK-…: a database that stands still, and says nothing, before one process and before two workers."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from specs.harness import counts
from specs.harness.driver import Runwatch, Server, run_events
from specs.harness.servers import PostgresServer
from specs.harness.servers.proxy import FreezingProxy
from specs.harness.waiting import soon
from specs.harness.worker_processes import all_serve, logged

READ = {"query": "{ executions(first: 1) { nodes { externalId } } }"}
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
    """A server, and the way to its database."""

    server: Server
    runwatch: Runwatch
    way: FreezingProxy
    workers: int
    answer: float

    def health(self) -> int:
        """What /health says: of whichever worker takes a new connection."""
        return httpx.get(f"{self.server.url}/health", timeout=HEALTH_SECONDS).status_code

    def answers(self, name: str) -> bool:
        """Whether a read and an event, each on a connection of its own, are answered."""
        headers = {"authorization": f"Bearer {self.runwatch.admin}"}
        read = httpx.post(f"{self.server.url}/graphql", json=READ, headers=headers, timeout=60)
        headers["content-type"] = "application/cloudevents-batch+json"
        events = run_events("engine", name, 0)
        event = httpx.post(f"{self.server.url}/api/events", json=events, headers=headers, timeout=60)
        return (read.status_code, event.status_code) == (200, 202)

    def sign_in(self) -> httpx.Response:
        """Sign in as the page does."""
        return httpx.post(f"{self.server.url}/session", json={"token": self.runwatch.admin}, timeout=60)


@pytest.fixture(
    scope="module",
    params=[(1, ANSWER), (2, ANSWER), *([(1, 3.5), (2, 3.5)] if counts.soaking else [])],
    ids=lambda each: f"{each[0]} processes, {each[1]:g} s",
)
def site(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    workers, answer = request.param
    with postgres_server.database("sick") as url, FreezingProxy(urlsplit(url).port or 5432) as way:
        there = urlsplit(url)._replace(netloc=f"postgres@127.0.0.1:{way.port}").geturl()
        server = Server(tmp_path_factory.mktemp("sick"), there, "--workers", str(workers))
        server.environment["RUNWATCH_DATABASE_ANSWER_SECONDS"] = str(answer)
        server.start()
        runwatch = Runwatch(server.url, "", server.environment)
        runwatch.admin = runwatch.token("admin")
        if workers > 1:
            all_serve(server, workers)
        yield Site(server, runwatch, way, workers, answer)
        runwatch.close()
        server.kill()


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


def test_sick_004_new_connections_are_used_after_a_failover(site: Site) -> None:
    """When all connections lead nowhere without a word, each worker MUST use new ones within 10 s, at every door."""
    assert all(site.answers(f"before-{number}") for number in range(4 * site.workers))
    site.way.fail_over()
    began, in_a_row = monotonic(), 0
    while in_a_row < 5 * site.workers:
        asked = monotonic() - began
        in_a_row = in_a_row + 1 if site.answers(f"after-{asked}") else 0
        assert in_a_row or asked < FAILED_OVER_SECONDS, "whoever asks later is answered"
    assert logged(site.server, "worker_ended") == [], "neither hangs"
    assert "Traceback" not in site.server.log, site.server.log


def test_sick_001_it_ends_whatever_hangs(site: Site) -> None:
    """While Postgres hangs, SIGTERM MUST end the server within 10 s."""
    with site.way.frozen():
        began = monotonic()
        assert site.server.stop(signal.SIGTERM) in (0, -signal.SIGTERM), site.server.log
        assert monotonic() - began < END_SECONDS
    assert "Traceback" not in site.server.log, site.server.log
