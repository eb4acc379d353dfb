"""APP-AUTO-EXEC-KEPT-…: what retention deletes by itself, and what a backup brings back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport

from specs.harness import commands
from specs.harness.driver import START, Runwatch, Server, run_events
from specs.harness.servers import PostgresServer
from specs.harness.waiting import soon
from specs.harness.worker_processes import logged

LIST = "{ executions(first: 20) { updatesCursor nodes { externalId } } metrics { total failed } }"
UPDATES = "subscription($after: String) { executionUpdated(after: $after) { change } }"
DAY = 24 * 3600.0


@contextmanager
def serving(server: Server) -> Iterator[Runwatch]:
    """A started server, and somebody who may do everything there."""
    server.start()
    runwatch = Runwatch(server.url, "", server.environment)
    try:
        runwatch.admin = runwatch.token("admin")
        yield runwatch
        runwatch.close()
        assert server.stop() == 0
    finally:
        runwatch.close()
        server.kill()


def days_ago(days: float) -> float:
    """So long ago, as the driver's events count."""
    return (datetime.now(UTC) - START).total_seconds() - days * DAY


def run(server: Server, *words: str) -> tuple[int, str]:
    """The exit code of a command beside the server, and what it says, on one line."""
    done = commands.run(words, environment={**server.environment, "COLUMNS": "400"}, folder=server.folder)
    return done.returncode, " ".join(done.stderr.split())


def names(runwatch: Runwatch) -> set[str]:
    return {node["externalId"] for node in runwatch.ask(LIST)["data"]["executions"]["nodes"]}


def test_kept_001_retention_is_off_until_it_is_set(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """Nothing MUST go until retention is on; it MUST say beforehand what will, keep failures longer, and figures."""
    with postgres_server.database("kept") as url:
        retention(Server(tmp_path, url))


def retention(server: Server) -> None:
    old, young = days_ago(40), days_ago(1)
    failed: dict[str, Any] = {"state": "FAILED", "error": {"message": "m"}}
    server.environment |= {"RUNWATCH_KEPT_DAYS": "30", "RUNWATCH_KEPT_FAILURE_DAYS": "60"}
    with serving(server) as runwatch:
        runwatch.report(*run_events("engine", "old", old), *run_events("engine", "young", young))
        runwatch.report(*run_events("engine", "old failure", old, **failed))
        runwatch.report(*run_events("engine", "older failure", days_ago(70), **failed))
        runwatch.report(*run_events("engine", "old and pending", old, state=None))
        every = names(runwatch)
        code, said = run(server, "prune", "--dry-run")
        assert (code, said.startswith("Would delete 2 executions")) == (0, True), said
        assert names(runwatch) == every
        figures = runwatch.ask(LIST)["data"]["metrics"]
    assert logged(server, "retention_announced") == []
    server.environment |= {"RUNWATCH_RETENTION": "on", "RUNWATCH_RETENTION_GRACE_SECONDS": "0"}
    with serving(server) as runwatch:
        soon(lambda: names(runwatch) == {"young", "old failure", "old and pending"})
        (deleted,) = soon(lambda: logged(server, "retention_deleted"))
        (announced,) = logged(server, "retention_announced")
        assert announced["would_delete"]["executions"] == deleted["executions"] == 2
        assert server.log.index("retention_announced") < server.log.index("retention_deleted")
        assert runwatch.ask(LIST)["data"]["metrics"] == figures


async def first_change(server: Server, token: str, after: str) -> str:
    """The first update for somebody who comes back with a cursor."""
    transport = WebsocketsTransport(
        server.url.replace("http", "ws") + "/graphql", init_payload={"authorization": f"Bearer {token}"}
    )
    async with Client(transport=transport, fetch_schema_from_transport=False) as session:
        document = gql(UPDATES)
        document.variable_values = {"after": after}
        async for each in session.subscribe(document):
            change: str = each["executionUpdated"]["change"]
            return change
    raise AssertionError("no update")


async def test_kept_002_a_backup_comes_back_and_no_cursor_of_before_counts(tmp_path: Path) -> None:
    """A backup of a running server MUST come back whole, replace nothing, and have who was there list again."""
    path, backup = tmp_path / "runwatch.db", tmp_path / "backups" / "monday.db"
    backup.parent.mkdir()
    server = Server(tmp_path, f"sqlite:///{path}")
    later = run_events("engine", "later", days_ago(1))
    with serving(server) as runwatch:
        runwatch.report(*run_events("engine", "before", days_ago(2)))
        code, said = run(server, "backup", str(backup))
        assert (code, f"Wrote {backup}" in said) == (0, True), said
        runwatch.report(*later)
        token, cursor = runwatch.admin, runwatch.ask(LIST)["data"]["executions"]["updatesCursor"]
    for command in ("backup", "restore"):
        code, said = run(server, command, str(backup))
        assert (code, "exists" in said) == (1, True), said
    path.rename(tmp_path / "away")
    code, said = run(server, "restore", str(backup))
    assert code == 0, said
    with serving(server) as runwatch:
        assert names(runwatch) == {"before"}
        assert runwatch.post({"query": LIST}, token=token).status_code == 200, "tokens of before are good"
        assert await first_change(server, token, cursor) == "RESYNC"
        runwatch.report(*later)  # engines may send again what came after the backup
        assert names(runwatch) == {"before", "later"}
    backup.write_bytes(backup.read_bytes()[:5000])
    path.rename(tmp_path / "away, too")
    code, said = run(server, "restore", str(backup))
    assert (code, str(backup) in said, path.exists()) == (1, True, False), said
