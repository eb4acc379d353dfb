"""A newcomer starts Runwatch, and everything is there."""

from __future__ import annotations

import shlex
import signal
import stat
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from specs.driver import RUNWATCH, Server


def ask(output: str) -> Any:
    """Send the request of the curl command that the server printed, with every part taken from there."""
    command = output[output.index("curl ") :].split("\n\n")[0].replace("\\\n", " ")
    words = shlex.split(command)
    url = next(word for word in words if word.startswith("http"))
    headers = dict(words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H")
    return httpx.post(url, headers=headers, content=words[words.index("-d") + 1], timeout=30).json()


def test_start_001_the_first_start_has_real_runs_to_look_at(tmp_path: Path) -> None:
    """An empty folder becomes a server with sample data and a request that works; a second start imports nothing."""
    server = Server(tmp_path, "", "--dev")
    server.start()
    answer = ask(server.output)
    assert answer["data"]["executions"]["totalCount"] == {"value": 269, "kind": "EXACT"}
    assert len(answer["data"]["executions"]["nodes"]) == 5
    assert "newest ends now" in server.log
    token = tmp_path / "data" / "dev-token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    kept = token.read_text()
    doors = httpx.get(server.url).json()["doors"]
    assert {door.split()[1].partition("?")[0] for door in doors} == {"/", "/graphql", "/api/events", "/health"}
    assert server.stop(signal.SIGINT) == 0
    assert "Traceback" not in server.log

    server.start()
    assert ask(server.output)["data"]["executions"]["totalCount"]["value"] == 269
    assert token.read_text() == kept
    assert server.log.count("newest ends now") == 1

    taken = subprocess.run(
        [RUNWATCH, "serve", "--port", str(server.port)],
        env={**server.environment, "RUNWATCH_DATA_DIR": str(tmp_path / "other")},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert taken.returncode == 1
    assert f"Port {server.port} is in use" in taken.stderr
    assert "Traceback" not in taken.stderr
    server.stop(signal.SIGTERM)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_start_002_it_stops_when_told(tmp_path: Path, sign: signal.Signals) -> None:
    """It ends within seconds of either signal, without a stack trace."""
    server = Server(tmp_path, "")
    server.start()
    assert server.stop(sign) in (0, -sign)
    assert "Traceback" not in server.log
