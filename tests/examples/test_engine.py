"""The example engine, as its own process: it does what docs/events.md asks of an engine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from specs.harness.driver import Runwatch, Server
from specs.harness.servers import free_port
from specs.harness.waiting import soon

PROGRAM = Path(__file__).parents[2] / "examples" / "engine"
SECRET = "whsec_" + "c2VjcmV0" * 5
# So slow that each workflow runs once, and "check links" runs until the engine stops.
PACE = "600"

RUNS = (
    "{ executions(first: 50) { nodes { id externalId workflowName state attempt retryOf { id } error { message } } } }"
)


@pytest.fixture(scope="module")
def runwatch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runwatch]:
    """A server on SQLite."""
    folder = tmp_path_factory.mktemp("runwatch")
    server = Server(folder, f"sqlite:///{folder}/runwatch.db")
    server.start()
    runwatch = Runwatch(server.url, "", server.environment)
    runwatch.admin = runwatch.token("admin")
    yield runwatch
    runwatch.close()
    assert server.stop() == 0, server.log


class Engine:
    """The process, reporting under a name of its own."""

    def __init__(self, runwatch: Runwatch, folder: Path, *words: str) -> None:
        self.runwatch, self.name, self.folder = runwatch, folder.name, folder / "engine"
        self.port = free_port()
        self.token = runwatch.token("runner", self.name)
        self.log = folder / "log"
        self._words = ["--url", runwatch.url, "--name", self.name, "--folder", str(self.folder), "--pace", PACE, *words]

    def start(self) -> None:
        """Start it, and wait until it listens."""
        secrets = {"RUNWATCH_TOKEN": self.token, "RUNWATCH_WEBHOOK_SECRET": SECRET}
        environment = {**os.environ, **secrets, "PYTHONFAULTHANDLER": "1"}
        words = [sys.executable, str(PROGRAM), "--port", str(self.port), *self._words]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log)
        soon(lambda: self.process.poll() is None and answers(self.port), why=self.log.read_text)

    def stop(self, sign: int | None = signal.SIGTERM) -> None:
        """End it by a signal, None: by the end of its input; without a stack trace."""
        assert self.process.stdin is not None
        if sign is not None:
            self.process.send_signal(sign)
        else:
            self.process.stdin.close()
        try:
            assert self.process.wait(30) == 0, self.log.read_text()
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # it logs the stacks of its threads
            pytest.fail(f"it ended with {self.process.wait()}: {self.log.read_text()}")
        self.process.stdin.close()
        assert "Traceback" not in self.log.read_text()

    def runs(self) -> list[dict[str, Any]]:
        """Its runs as Runwatch has them."""
        document = RUNS.replace("first: 50", f'first: 50, filter: {{engine: "{self.name}"}}')
        nodes: list[dict[str, Any]] = self.runwatch.ask(document)["data"]["executions"]["nodes"]
        return nodes

    def run_of(self, workflow: str, state: str) -> dict[str, Any]:
        """A run of a workflow in a state, once there is one."""

        def look() -> list[dict[str, Any]]:
            return [run for run in self.runs() if (run["workflowName"], run["state"]) == (workflow, state)]

        found: list[dict[str, Any]] = soon(look, why=self.log.read_text)
        return found[0]

    def deliver(self, data: dict[str, Any], id_: str, secret: str = SECRET, path: str = "/retries") -> httpx.Response:
        """Post a request for a retry, as Runwatch does."""
        body = json.dumps({"specversion": "1.0", "id": id_, "type": "execution.retry_requested", "data": data})
        now = datetime.now(UTC)
        headers = {
            "webhook-id": id_,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(id_, now, body),
        }
        return httpx.post(f"http://127.0.0.1:{self.port}{path}", headers=headers, content=body, timeout=30)


def answers(port: int) -> bool:
    """Whether somebody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_request_is_run_once_and_only_when_it_is_signed(runwatch: Runwatch, tmp_path: Path) -> None:
    engine = Engine(runwatch, tmp_path)
    engine.start()
    failed = engine.run_of("import orders", "FAILED")
    assert failed["error"]["message"].startswith("line 5, order A-1004")
    token = (engine.folder / "shop-token").read_text().strip()
    trigger = {"kind": "inbox", "data": {"file": "orders/today.csv", "shop": {"api_token": token}}}
    asked = {"executionId": "x", "externalId": "again", "workflow": "import orders", "trigger": trigger}
    asked |= {"retryOf": failed["id"]}
    assert engine.deliver(asked, "w-0", secret="whsec_" + "b3RoZXJz" * 5).status_code == 400
    assert engine.deliver(asked, "w-0", path="/").status_code == 404
    assert engine.deliver({**asked, "workflow": "unknown"}, "w-0").status_code == 410
    assert engine.deliver({**asked, "more": "x" * 2_000_000}, "w-0").status_code == 413
    for _ in range(2):
        done = subprocess.run([sys.executable, PROGRAM, "--fix", "--folder", engine.folder], capture_output=True)
        assert done.returncode == 0
    assert b"no broken row" in done.stdout

    assert engine.deliver(asked, "w-1").status_code == 202
    made = engine.run_of("import orders", "SUCCEEDED")
    assert (made["externalId"], made["retryOf"]) == ("again", {"id": failed["id"]})
    known = engine.deliver({**asked, "externalId": "once too often"}, "w-1")
    assert (known.status_code, known.text) == (200, "known already\n")
    engine.stop()
    engine.start()
    assert engine.deliver({**asked, "externalId": "once too often"}, "w-1").status_code == 200, "after a restart, too"
    engine.stop()
    assert "once too often" not in {run["externalId"] for run in engine.runs()}


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, None], ids=str)
def test_engine_reports_its_end(runwatch: Runwatch, tmp_path: Path, sign: int | None) -> None:
    engine = Engine(runwatch, tmp_path, "--attached")
    engine.start()
    under_way = engine.run_of("check links", "RUNNING")
    engine.stop(sign)
    (ended,) = [run for run in engine.runs() if run["id"] == under_way["id"]]
    assert ended["state"] == "CANCELLED"
    assert {run["state"] for run in engine.runs()} == {"CANCELLED", "FAILED", "SUCCEEDED"}


def test_unreported_ends_are_reported_at_the_next_start(runwatch: Runwatch, tmp_path: Path) -> None:
    engine = Engine(runwatch, tmp_path)
    engine.start()
    under_way = engine.run_of("check links", "RUNNING")
    engine.process.kill()
    engine.process.communicate()
    engine.start()
    assert engine.run_of("check links", "CRASHED")["id"] == under_way["id"]
    engine.stop()


def test_invalid_arguments_are_reported_in_a_line(runwatch: Runwatch, tmp_path: Path) -> None:
    engine = Engine(runwatch, tmp_path)
    engine.start()
    (tmp_path / "file").touch()
    given = {"--folder": str(tmp_path / "other"), "--token": "t", "--secret": SECRET, "--port": str(free_port())}
    for changed, code, said in (
        ({"--token": ""}, 2, "runwatch token create"),
        ({"--secret": "nonsense!"}, 1, "whsec_"),
        ({"--port": str(engine.port)}, 1, "in use"),
        ({"--port": "99999"}, 1, "65535"),
        ({"--url": "nonsense"}, 1, "url"),
        ({"--folder": str(tmp_path / "file")}, 1, str(tmp_path / "file")),
        ({"--folder": str(engine.folder)}, 1, "another engine"),
    ):
        words = [word for pair in {**given, **changed}.items() for word in pair]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNWATCH_")}
        done = subprocess.run(
            [sys.executable, PROGRAM, *words], capture_output=True, text=True, timeout=60, env=environment
        )
        assert done.returncode == code, (changed, done.stderr)
        assert said in done.stderr, (changed, done.stderr)
        assert "Traceback" not in done.stderr
    nothing = [sys.executable, str(PROGRAM), "--fix", "--folder", str(tmp_path / "none")]
    done = subprocess.run(nothing, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    engine.stop()
