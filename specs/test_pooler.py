"""APP-AUTO-EXEC-SICK-005: Postgres behind pgbouncer in transaction mode, where the machine has pgbouncer.

What becomes of outages there, specs/test_sick_database.py has.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from specs.harness import commands
from specs.harness.driver import Runwatch, Server, run_events
from specs.harness.servers import PostgresServer
from specs.harness.servers.pooler import Pooler, with_pgbouncer
from specs.harness.worker_processes import all_serve, logged

READ = {"query": "{ executions(first: 5) { totalCount { value } nodes { externalId } } }"}

pytestmark = with_pgbouncer


class Pooled(NamedTuple):
    """A database by two ways: its own, and by way of pgbouncer."""

    direct: str
    pooled: str


@pytest.fixture(scope="module")
def ways(postgres_server: PostgresServer) -> Iterator[Pooled]:
    with postgres_server.database("pooled") as url, Pooler(url) as pooler:
        yield Pooled(url, pooler.url)


def run(ways: Pooled, folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command on the database by way of pgbouncer, with these settings besides."""
    server = Server(folder, ways.pooled)
    environment = server.environment | {f"RUNWATCH_{name.upper()}": value for name, value in settings.items()}
    done = commands.run(words, environment=environment, folder=folder, timeout=30)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_sick_005_what_a_pooler_needs_is_said(ways: Pooled, tmp_path: Path) -> None:
    """Without its two settings, each command MUST end at once with a line that names the one that is missing."""
    for settings, missing in (
        ({}, "RUNWATCH_PREPARED_STATEMENTS=false"),
        ({"prepared_statements": "false"}, "RUNWATCH_DATABASE_DIRECT_URL"),
        ({"database_direct_url": ways.direct}, "RUNWATCH_PREPARED_STATEMENTS=false"),
    ):
        for words in (["serve", "--port", "0"], ["token", "list"]):
            done = run(ways, tmp_path, *words, secret_key="A" * 43 + "=", **settings)
            assert done.returncode == 1, done.stderr
            assert missing in done.stderr.splitlines()[-1], done.stderr


def test_sick_005_a_pooler_in_transaction_mode(ways: Pooled, tmp_path: Path) -> None:
    """Two workers MUST serve reads and events beside each other, figures and retention too, and `check` MUST hold."""
    server = Server(tmp_path, ways.pooled, "--workers", "2")
    server.environment["RUNWATCH_DATABASE_DIRECT_URL"] = ways.direct
    server.environment["RUNWATCH_PREPARED_STATEMENTS"] = "false"
    server.start()
    runwatch = Runwatch(server.url, "", server.environment)
    try:
        runwatch.admin = runwatch.token("admin")
        all_serve(server)
        with ThreadPoolExecutor(8) as at_once:
            reported = [
                at_once.submit(runwatch.post_events, run_events("engine", f"run-{number}", 10 * number))
                for number in range(60)
            ]
            read = [at_once.submit(runwatch.post, READ) for _ in range(60)]
            assert {each.result().status_code for each in reported} == {202}
            assert not any("errors" in each.result().json() for each in read)
        runwatch.report(*(each for n in range(300) for each in run_events("engine", f"many-{n}", n)))
        assert runwatch.post(READ).json()["data"]["executions"]["totalCount"]["value"] == 360
        told = commands.run(["check", "--json"], environment=server.environment, folder=tmp_path)
        results = {each["name"]: each["result"] for each in json.loads(told.stdout)["checks"]}
        assert (results["database"], results["direct database"]) == ("ok", "ok"), told.stdout
        runwatch.cli("metrics", "rebuild", "--check")
        assert logged(server, "transaction_retried") == []
        runwatch.close()
        assert server.stop() == 0
    finally:
        server.kill()
    assert "Traceback" not in server.log, server.log
