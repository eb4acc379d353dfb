"""As an engine, when I have got 202 my events are on disk, whatever dies next."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from specs.harness import power_cut
from specs.harness.driver import Runwatch, Server, event
from specs.harness.power_cut import PowerCut
from specs.harness.waiting import soon

CLIENTS = 3
EACH = 6  # acknowledged, before the cut


def acknowledged_until_killed(server: Server, token: str) -> set[str]:
    """Kill the server while clients send it events, one a request; the runs that it acknowledged."""
    acknowledged: list[str] = []
    headers = {"authorization": f"Bearer {token}", "content-type": "application/cloudevents+json"}

    def send(name: str) -> None:
        with httpx.Client(headers=headers, timeout=60) as client:
            for number in range(10_000):
                subject = f"{name}-{number}"
                queued = event("engine", subject, "execution.queued", number, {"workflow": "nightly"})
                try:
                    answer = client.post(f"{server.url}/api/events", json=queued)
                except httpx.TransportError:
                    return
                assert answer.status_code == 202, answer.text
                acknowledged.append(subject)

    clients = [threading.Thread(target=send, args=(f"client-{number}",)) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    soon(lambda: len(acknowledged) >= CLIENTS * EACH, why=lambda: f"{len(acknowledged)}: {server.log}")
    server.kill()
    for client in clients:
        client.join()
    return set(acknowledged)


def stored_in(path: Path) -> set[str]:
    """The runs in a database file, each of them whole."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = connection.execute(
            "SELECT external_id, workflow_name, r.revision FROM executions"
            " LEFT JOIN execution_revisions r ON r.execution_id = id"
        ).fetchall()
        assert all(workflow == "nightly" and revision for _, workflow, revision in rows)
        return {external_id for external_id, _, _ in rows}


def test_start_005_what_was_acknowledged_survives_a_power_cut(tmp_path: Path) -> None:
    """With the control: under NORMAL, the same cut loses events."""
    if (why := power_cut.missing()) is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    library = power_cut.build(tmp_path)
    lost = {}
    for synchronous in ("FULL", "NORMAL"):
        folder = tmp_path / synchronous
        cut = PowerCut(library, folder / "database", folder / "kept")
        cut.folder.mkdir(parents=True)
        server = Server(folder, f"sqlite:///{cut.folder / 'runwatch.db'}", installed=True)
        if synchronous != "FULL":
            server.environment["RUNWATCH_SQLITE_SYNCHRONOUS"] = synchronous
        token = Runwatch(server.url, "", server.environment).token("runner", "engine")
        cut.begin()
        server.environment |= cut.environment
        server.start()
        try:
            acknowledged = acknowledged_until_killed(server, token)
        finally:
            server.kill()
        assert acknowledged <= stored_in(cut.folder / "runwatch.db"), "a kill alone loses nothing"
        lost[synchronous] = acknowledged - stored_in(cut.kept / "runwatch.db")
    assert lost["FULL"] == set()
    assert lost["NORMAL"], "nothing was lost: the cut is none"
