"""APP-AUTO-EXEC-SICK-…: a database that stands still, and says nothing."""

from __future__ import annotations

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import httpx

from specs.harness.driver import Runwatch, Server, run_events
from specs.harness.servers import PostgresServer
from specs.harness.servers.proxy import FreezingProxy
from specs.harness.waiting import soon
from specs.harness.worker_processes import all_serve

READ = {"query": "{ executions(first: 1) { nodes { externalId } } }"}
# Of everybody who waits: an answer comes within 6 s. A busy machine may take as long again.
PATIENCE = 12
# How soon new connections are used. An idle machine takes 5: the database is asked every second, and has 3.5 to answer.
FAILED_OVER_SECONDS = 10


def lines(log: str, event: str) -> list[dict[str, object]]:
    """The lines of the log that tell of an event."""
    return [
        line
        for line in map(json.loads, filter(lambda each: each.startswith("{"), log.splitlines()))
        if line["event"] == event
    ]


def test_sick_001_a_database_that_hangs_stops_nobody(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """While Postgres hangs, each door MUST answer 503 within seconds, /health at once, and the log say so in two lines.

    When it goes on, so MUST the server, with everything that it had accepted; and it MUST end whatever hangs.
    """
    with postgres_server.database("sick") as url, FreezingProxy(urlsplit(url).port or 5432) as way:
        server = Server(tmp_path, urlsplit(url)._replace(netloc=f"postgres@127.0.0.1:{way.port}").geturl())
        server.start()
        runwatch = Runwatch(server.url, "", server.environment)
        runwatch.admin = runwatch.token("admin")
        try:
            runwatch.report(*run_events("engine", "before", 0))
            with way.frozen(), ThreadPoolExecutor(40) as at_once:
                began = monotonic()
                reads = [at_once.submit(runwatch.post, READ) for _ in range(15)]
                events = [
                    at_once.submit(runwatch.post_events, list(run_events("engine", f"lost-{n}", n))) for n in range(15)
                ]
                sign_ins = [
                    at_once.submit(httpx.post, f"{server.url}/session", json={"token": runwatch.admin}, timeout=60)
                    for _ in range(3)
                ]
                healths = [httpx.get(f"{server.url}/health", timeout=5).status_code for _ in range(5)]
                assert set(healths) == {503}
                for answer in (each.result(60) for each in (*reads, *events, *sign_ins)):
                    assert answer.status_code == 503, answer.text
                    assert int(answer.headers["retry-after"]) > 0
                    assert answer.json()["errors" if "errors" in answer.json() else "code"]
                assert monotonic() - began < PATIENCE
                # Known to hang: nobody waits any more.
                assert runwatch.post(READ).status_code == 503
            soon(lambda: httpx.get(f"{server.url}/health", timeout=5).status_code == 200)
            runwatch.report(*run_events("engine", "after", 600))
            found = runwatch.post(READ).json()
            assert found["data"]["executions"]["nodes"] == [{"externalId": "after"}]
            with way.frozen():
                runwatch.close()
                assert server.stop(signal.SIGTERM) in (0, -signal.SIGTERM), server.log
        finally:
            server.kill()
    assert len(lines(server.log, "database_away")) <= 2
    assert len(lines(server.log, "database_back")) == 1
    assert "Traceback" not in server.log, server.log


def answered(server: Server, token: str, name: str) -> bool:
    """Whether a read and an event, each on a connection of its own, which any worker may take, are answered."""
    headers = {"authorization": f"Bearer {token}"}
    read = httpx.post(f"{server.url}/graphql", json=READ, headers=headers, timeout=60)
    headers["content-type"] = "application/cloudevents-batch+json"
    event = httpx.post(f"{server.url}/api/events", json=run_events("engine", name, 0), headers=headers, timeout=60)
    return (read.status_code, event.status_code) == (200, 202)


def test_sick_004_new_connections_are_used_after_a_failover(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """When all connections lead nowhere without a word, each worker MUST use new ones within 10 s, at every door."""
    with postgres_server.database("failover") as url, FreezingProxy(urlsplit(url).port or 5432) as way:
        there = urlsplit(url)._replace(netloc=f"postgres@127.0.0.1:{way.port}").geturl()
        server = Server(tmp_path, there, "--workers", "2")
        server.start()
        runwatch = Runwatch(server.url, "", server.environment)
        runwatch.admin = runwatch.token("admin")
        try:
            both = all_serve(server)
            assert all(answered(server, runwatch.admin, f"before-{number}") for number in range(10))
            way.fail_over()
            began, in_a_row = monotonic(), 0
            while in_a_row < 10:
                asked = monotonic() - began
                in_a_row = in_a_row + 1 if answered(server, runwatch.admin, f"after-{asked}") else 0
                assert in_a_row or asked < FAILED_OVER_SECONDS, "whoever asks later is answered"
            assert all_serve(server) == both, "neither hangs"
            runwatch.close()
            assert server.stop(signal.SIGTERM) == 0
        finally:
            server.kill()
    assert "Traceback" not in server.log, server.log
