"""APP-AUTO-EXEC-SICK-…: an SQLite file whose disk is full, that was deleted, or that a newer version has changed."""

from __future__ import annotations

import json
import resource
import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic

import httpx
import pytest

from specs.harness.driver import Runwatch, Server, run_events
from specs.harness.waiting import soon
from specs.harness.worker_processes import all_serve, in_each, logged

READ = {"query": "{ executions(first: 1) { nodes { externalId } } }"}
END_SECONDS = 10
WRITE = {"query": 'mutation { createToken(input: {name: "n", role: VIEWER}) { secret } }'}


def refused(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["errors"][0]["extensions"]["code"] == "INTERNAL"


def request(path: str, body: bytes) -> bytes:
    """A POST of JSON as it is sent."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def why_not_ready(http: httpx.Client) -> list[str]:
    """The reasons of /health/ready; the process lives."""
    assert http.get("/health/live").status_code == 200
    answer = http.get("/health/ready")
    reasons: list[str] = answer.json().get("reasons", [])
    assert answer.status_code == (503 if reasons else 200)
    return reasons


@pytest.mark.parametrize("workers", [1, 2])
def test_sick_002_a_file_that_cannot_be_written_stops_nobody_for_longer(tmp_path: Path, workers: int) -> None:
    """While its file cannot be written, each door that writes MUST answer 503 and reads MUST go on; then all MUST work.

    An outage MUST be two lines of each process's log, whatever asks. SIGTERM MUST end it within 10 s.
    """
    path = tmp_path / "runwatch.db"
    server = Server(tmp_path, f"sqlite:///{path}", "--workers", str(workers))
    server.start()
    runwatch = Runwatch(server.url, "", server.environment)
    runwatch.admin = runwatch.token("admin")
    pids = all_serve(server, workers) if workers > 1 else [server.pid]
    signed_in = {"authorization": f"Bearer {runwatch.admin}"}
    # Each request has a connection of its own, which any worker may take.
    each_its_own = httpx.Limits(max_keepalive_connections=0)
    http = httpx.Client(base_url=server.url, timeout=30, limits=each_its_own)

    def ask(query: dict[str, str]) -> httpx.Response:
        return http.post("/graphql", json=query, headers=signed_in)

    def report(name: str, number: int) -> httpx.Response:
        batch = {**signed_in, "content-type": "application/cloudevents-batch+json"}
        return http.post("/api/events", json=run_events("engine", name, 60 * number), headers=batch)

    def all_take(name: str, number: int) -> bool:
        """Whichever process is asked; each finds by itself that it can write again."""
        return all(report(name, number).status_code == 202 for _ in range(4 * workers))

    def all_say(*reasons: str) -> bool:
        return in_each(pids, lambda: why_not_ready(http) == list(reasons))

    try:
        assert report("before", 0).status_code == 202
        before = resource.prlimit(pids[0], resource.RLIMIT_FSIZE)
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (32 * 1024, before[1]))  # as a full disk
        for number in range(5 * workers):
            refused(report(f"lost-{number}", number))
            refused(ask(WRITE))
            refused(http.post("/session", json={"token": runwatch.admin}))
        assert ask(READ).json()["data"]["executions"]["nodes"] == [{"externalId": "before"}]
        assert why_not_ready(http)
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        soon(lambda: all_say())
        soon(lambda: all_take("after", 60))

        path.rename(tmp_path / "aside")
        refused(report("void", 61))
        soon(lambda: all_say("the database does not answer"))
        assert ask(READ).status_code == 503
        (tmp_path / "aside").rename(path)
        soon(lambda: all_say())
        soon(lambda: all_take("back", 62))

        with closing(sqlite3.connect(path)) as newer:
            newer.execute("INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('app', '9999_x', '2099')")
            newer.commit()
            soon(lambda: all_say("a newer version has migrated the database, and this one does not write to it"))
            assert {report("older", 63).status_code for _ in range(4 * workers)} == {503}
            assert ask(READ).status_code == 200
            newer.execute("DELETE FROM tortoise_migrations WHERE name = '9999_x'")
            newer.commit()
        soon(lambda: all_say())
        assert report("newest", 64).status_code == 202
        assert "Traceback" not in server.log, server.log

        with (
            closing(sqlite3.connect(path, isolation_level=None)) as other,
            socket.create_connection(("127.0.0.1", server.port)) as waits,
        ):
            other.execute("BEGIN IMMEDIATE")
            waits.sendall(request("/session", json.dumps({"token": runwatch.admin}).encode()))
            assert http.get("/health/live").status_code == 200
            began = monotonic()
            assert server.stop(signal.SIGTERM) in (0, -signal.SIGTERM)
            assert monotonic() - began < END_SECONDS, "whoever keeps the file locked"
    finally:
        server.kill()
        http.close()
        runwatch.close()
    reasons = [str(line["reason"]) for line in logged(server, "database_away")]
    outages = [reason for reason in reasons if "keeps it locked" not in reason]  # which was not over at the end
    for reason in ("full", "deleted", "newer version"):
        assert 1 <= sum(reason in each for each in outages) <= workers, outages
    assert len(logged(server, "database_back")) == len(outages) <= 3 * workers
