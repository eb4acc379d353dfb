"""`./dev demo celery`: what it shows, and that it leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "examples" / "celery"


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Temporary files go to a folder that must be empty afterwards, and by which its processes are known."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    yield {**os.environ, "TMPDIR": str(folder)}
    left = [path.parent.name for path in Path("/proc").glob("[0-9]*/environ") if str(folder).encode() in _bytes(path)]
    assert left == [], "no process is left"
    assert list(folder.iterdir()) == []


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_demo_shows_a_failure_and_a_retry_that_succeeds(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    said = done.stdout
    assert (
        said.index("FAILED    invoice orders")
        < said.index("'twelve' is '12' now")
        < said.index("SUCCESS   invoice orders")
    )
    assert "SUCCESS   chord(summarise, write quarter): summarise succeeded" in said
    assert said.count("is FAILED still, and resolved") == 2
    assert 'monday.json: {"day": "monday", "cents": 74580}' in said
    assert said.endswith("removed its files.\n")


@pytest.mark.parametrize(
    ("after", "sign", "code"),
    [("Starting", signal.SIGINT, 130), ("Connected", signal.SIGINT, 130), ("Valkey", 15, 143)],
)
def test_demo_can_be_interrupted_at_any_time(environment: dict[str, str], after: str, sign: int, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, str(PROGRAM)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        while after not in (line := demo.stdout.readline()):
            assert line or demo.poll() is None
        time.sleep(0.3)
        demo.send_signal(sign)
        assert demo.wait(30) == code
        assert "Traceback" not in demo.stderr.read()


def test_a_broker_that_is_not_there_is_said(environment: dict[str, str]) -> None:
    words = [sys.executable, str(PROGRAM), "--broker", "http://127.0.0.1"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "--celery: the URL must begin with" in done.stderr
