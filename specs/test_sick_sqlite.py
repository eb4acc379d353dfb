"""APP-AUTO-EXEC-SICK-…: an SQLite file whose disk is full, that was deleted, or that a newer version has changed."""

from __future__ import annotations

import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx

from specs.harness.driver import Runwatch, Server, run_events
from specs.harness.waiting import soon
from specs.harness.worker_processes import logged

READ = {"query": "{ executions(first: 1) { nodes { externalId } } }"}
WRITE = {"query": 'mutation { createToken(input: {name: "n", role: VIEWER}) { secret } }'}


def refused(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["errors"][0]["extensions"]["code"] == "INTERNAL"


def why_not_ready(server: Server) -> list[str]:
    """The reasons of /health/ready; /health says the same, and the process lives."""
    assert httpx.get(f"{server.url}/health/live", timeout=5).status_code == 200
    answer = httpx.get(f"{server.url}/health/ready", timeout=5)
    reasons: list[str] = answer.json().get("reasons", [])
    assert answer.status_code == (503 if reasons else 200)
    return reasons


def report(runwatch: Runwatch, name: str, number: int) -> httpx.Response:
    return runwatch.post_events(list(run_events("engine", name, 60 * number)))


def test_sick_002_a_file_that_cannot_be_written_stops_nobody_for_longer(tmp_path: Path) -> None:
    """While its file cannot be written, each door that writes MUST answer 503 and reads MUST go on; then all MUST work.

    An outage MUST be two lines of the log, whatever asks.
    """
    path = tmp_path / "runwatch.db"
    server = Server(tmp_path, f"sqlite:///{path}")
    server.start()
    runwatch = Runwatch(server.url, "", server.environment)
    runwatch.admin = runwatch.token("admin")
    pid = server._process.pid  # type: ignore[union-attr]
    try:
        assert report(runwatch, "before", 0).status_code == 202
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (32 * 1024, before[1]))  # as a full disk
        for number in range(20):
            refused(report(runwatch, f"lost-{number}", number))
            refused(runwatch.post(WRITE))
            refused(httpx.post(f"{server.url}/session", json={"token": runwatch.admin}, timeout=30))
        assert runwatch.post(READ).json()["data"]["executions"]["nodes"] == [{"externalId": "before"}]
        assert why_not_ready(server)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        soon(lambda: not why_not_ready(server))
        assert report(runwatch, "after", 60).status_code == 202

        path.rename(tmp_path / "aside")
        refused(report(runwatch, "void", 61))
        soon(lambda: runwatch.post(READ).status_code == 503)
        assert why_not_ready(server) == ["the database does not answer"]
        (tmp_path / "aside").rename(path)
        soon(lambda: report(runwatch, "back", 62).status_code == 202)

        with closing(sqlite3.connect(path)) as newer:
            newer.execute("INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('app', '9999_x', '2099')")
            newer.commit()
            soon(lambda: report(runwatch, "older", 63).status_code == 503)
            assert runwatch.post(READ).status_code == 200
            assert "a newer version" in why_not_ready(server)[0]
            newer.execute("DELETE FROM tortoise_migrations WHERE name = '9999_x'")
            newer.commit()
        soon(lambda: report(runwatch, "newest", 64).status_code == 202)
        runwatch.close()
    finally:
        server.kill()
    reasons = [str(line["reason"]) for line in logged(server, "database_away")]
    assert ["full" in reasons[0], "deleted" in reasons[1], "newer version" in reasons[2]] == [True] * 3
    assert len(reasons) == 3
    assert len(logged(server, "database_back")) == 3
    assert "Traceback" not in server.log, server.log
