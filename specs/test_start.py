"""A newcomer starts Runwatch, and everything is there."""

from __future__ import annotations

import shlex
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from specs.engines.retries import finished, listed, one
from specs.harness import commands
from specs.harness.driver import Runwatch, Server
from specs.harness.own_page import OwnPage
from specs.harness.waiting import soon


def ask(output: str, number: int = 0) -> Any:
    """Send the request of a curl command that the server printed, with every part taken from there."""
    command = output.split("curl ")[number + 1].split("\n\n")[0].replace("\\\n", " ")
    words = shlex.split(command)
    url = next(word for word in words if word.startswith("http"))
    headers = dict(words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H")
    return httpx.post(url, headers=headers, content=words[words.index("-d") + 1], timeout=30).json()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers, on a folder of their own or the test's."""
    made: list[Server] = []

    def server(*options: str, folder: Path = tmp_path, installed: bool = False) -> Server:
        made.append(Server(folder, "", *options, installed=installed))
        return made[-1]

    yield server
    for one_of_them in made:
        one_of_them.kill()


@contextmanager
def visit(server: Server) -> Iterator[Runwatch]:
    """The server as its own administrator sees it."""
    runwatch = Runwatch(server.url, (server.folder / "data" / "dev-token").read_text().strip())
    try:
        yield runwatch
    finally:
        runwatch.close()


def count(server: Server, engine: str) -> int:
    """How many runs of an engine there are."""
    document = "query C($e: [String!]) { executions(filter: {engine: $e}) { totalCount { value } } }"
    with visit(server) as runwatch:
        found: int = runwatch.ask(document, e=[engine])["data"]["executions"]["totalCount"]["value"]
    return found


def run_of(runwatch: Runwatch, workflow: str, state: str) -> Any:
    """The newest run of a workflow of the example engine that is in a state, once there is one."""
    where = {"engine": ["example"], "workflowName": [workflow], "state": [state]}
    return soon(lambda: next(iter(listed(runwatch, **where).values()), None))


def test_start_001_the_first_start_has_real_runs_to_look_at(tmp_path: Path, make: Callable[..., Server]) -> None:
    """A first start in an empty folder MUST show sample data and a request that works; a second MUST import nothing."""
    server = make("--dev", installed=True)
    server.start()
    answer = ask(server.output)
    assert answer["data"]["executions"]["totalCount"]["value"] >= 269
    assert count(server, "galaxy") == 269
    assert len(answer["data"]["executions"]["nodes"]) == 5
    assert "newest ends now" in server.log
    links = [line for line in server.output.splitlines() if "/admin/automations/sign-in#code=" in line]
    assert f"./dev link --host 127.0.0.1 --port {server.port}" in server.output
    another = ["sign-in-link", "--host", "127.0.0.1", "--port", str(server.port)]  # which ./dev link runs
    done = commands.run(another, environment=server.environment, folder=tmp_path)
    links += done.stdout.splitlines()
    assert len(set(links)) == 2, done.stderr
    for link in links:
        assert link.startswith(f"{server.url}/admin/automations/sign-in#code=")
        page = OwnPage(server.url).signed_in(code=link.partition("=")[2])
        assert page.ask().json()["data"]["viewer"] == {"name": "development", "role": "ADMIN"}
    token = tmp_path / "data" / "dev-token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    kept = token.read_text()
    doors = httpx.get(server.url).json()["doors"]
    paths = {"/", "/graphql", "/graphiql", "/api/events", "/metrics", "/session", "/admin/automations/history"}
    paths |= {"/health", "/health/live", "/health/ready"}
    assert {door.split()[1].partition("?")[0] for door in doors} == paths
    assert server.stop(signal.SIGINT) == 0
    assert "Traceback" not in server.log

    server = make("--dev")
    server.start()
    assert count(server, "galaxy") == 269
    assert token.read_text() == kept
    assert server.log.count("newest ends now") == 1

    elsewhere = {**server.environment, "RUNWATCH_DATA_DIR": str(tmp_path / "other")}
    taken = commands.run(["serve", "--port", str(server.port)], environment=elsewhere, folder=tmp_path)
    assert taken.returncode == 1
    assert f"Port {server.port} is in use" in taken.stderr
    assert "Traceback" not in taken.stderr
    server.stop(signal.SIGTERM)


def test_start_002_it_stops_when_told(make: Callable[..., Server]) -> None:
    """The server MUST end within seconds of SIGTERM, without a stack trace; of SIGINT, as the one above does."""
    server = make(installed=True)
    server.start()
    assert server.stop(signal.SIGTERM) in (0, -signal.SIGTERM)
    assert "Traceback" not in server.log


def test_start_003_an_engine_runs_beside_it_and_a_failure_can_be_mended(
    tmp_path: Path, make: Callable[..., Server]
) -> None:
    """What the server prints MUST lead from a failure to its successful retry; the engine MUST end with the server."""
    server = make("--dev")
    server.start()
    log = tmp_path / "data" / "engine.log"
    with visit(server) as runwatch:
        failed = run_of(runwatch, "import orders", "FAILED")
        assert "twelve" in failed["error"]["message"]
        assert "Traceback" in failed["error"]["stackTrace"]
        assert failed["trigger"]["data"]["shop"]["api_token"] == "•••"
        assert failed["retryability"]["canRetry"]

        (mend,) = [line for line in server.output.splitlines() if "--fix" in line]
        subprocess.run(shlex.split(mend), cwd=tmp_path, check=True, timeout=30, capture_output=True)
        (payload,) = ask(server.output, 1)["data"]["retryExecutions"]["retried"]
        made = finished(runwatch, payload["execution"]["id"])
        assert (made["state"], made["attempt"], made["requestedBy"]) == ("SUCCEEDED", 2, "development")
        assert one(runwatch, made["retryOf"]["id"])["resolved"]

        under_way = run_of(runwatch, "check links", "RUNNING")
        assert server.stop(signal.SIGINT) == 0
        assert log.read_text().endswith("stopped\n")
        assert "Traceback" not in server.log
    server.start()
    with visit(server) as runwatch:
        assert one(runwatch, under_way["id"])["state"] == "CANCELLED", "its end was told before the server's"
    server.stop(signal.SIGTERM)


def test_start_004_the_engine_goes_with_a_server_that_is_killed(tmp_path: Path, make: Callable[..., Server]) -> None:
    """No engine MUST outlive its server, or share a folder; the next start MUST report interrupted runs."""
    server, other = make("--dev"), make("--dev", folder=tmp_path / "other")
    other.environment["RUNWATCH_DATA_DIR"] = server.environment["RUNWATCH_DATA_DIR"]
    server.start()
    other.start()
    assert "another server on this data folder" in other.log
    assert other.output.count("curl ") == 1
    assert other.stop(signal.SIGINT) == 0
    assert "Traceback" not in other.log
    with visit(server) as runwatch:
        under_way = run_of(runwatch, "check links", "RUNNING")
    assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    soon(lambda: (tmp_path / "data" / "engine.log").read_text().endswith("stopped\n"))
    server.start()
    with visit(server) as runwatch:
        soon(lambda: one(runwatch, under_way["id"])["state"] == "CRASHED")
    assert server.stop(signal.SIGINT) == 0
