"""A process that ends while the server is away keeps its events for the next one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runwatch_client import Runwatch
from runwatch_client.spool import Spool
from tests.client.sink import Sink
from tests.client.test_reporter import emit, ids, status


def closed_port() -> str:
    with Sink() as sink:
        return sink.url


def run_away(url: str, folder: Path, events: int = 3) -> None:
    """A client that ends before the server is there."""
    client = Runwatch(url, "token", "billing", linger=0.01, spool=folder)
    emit(client, events)
    assert not client.close(0.1)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*"))


def test_what_is_left_is_kept_for_the_owner_and_sent_by_the_next_process(tmp_path: Path) -> None:
    url = closed_port()
    run_away(url, tmp_path / "spool")
    [kept] = files(tmp_path / "spool")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    with Sink(int(url.rpartition(":")[2])) as sink:
        with Runwatch(url, "token", "shop", linger=0.01, spool=tmp_path / "spool") as other:
            emit(other, 1, 90)
        assert files(tmp_path / "spool") == [kept], "another engine's token could not report them"
        with Runwatch(url, "token", "billing", linger=0.01, spool=tmp_path / "spool") as client:
            emit(client, 1, 3)
            sink.wait(lambda: not files(tmp_path / "spool"))
        assert ids(sink.events) == ["run/90", "run/3", "run/0", "run/1", "run/2"]


def test_a_batch_that_the_server_did_not_take_is_kept_too(sink: Sink, tmp_path: Path) -> None:
    sink.script = [lambda _: status(503)] * 50
    run_away(sink.url, tmp_path, 1_200)
    kept = [line for path in files(tmp_path) for line in path.read_bytes().splitlines()]
    assert len(kept) == 1_200


def test_a_spool_is_bounded_and_drops_the_oldest(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "http://x", "billing", 100)
    assert spool.keep([b"1" * 40]) == 1
    assert spool.keep([b"2" * 40]) == 1
    assert spool.keep([b"3" * 40, b"4" * 60]) == 1, "only the first has room"
    assert [events for _, events in spool.files()] == [[b"2" * 40], [b"3" * 40]]
    assert spool.keep([b"5" * 200]) == 0


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    run_away(closed_port(), tmp_path / "file")
    assert "Could not keep 3 events in" in caplog.text


@pytest.mark.slow
def test_the_command_sends_what_is_kept(tmp_path: Path) -> None:
    url = closed_port()
    run_away(url, tmp_path)
    environment = {**os.environ, "RUNWATCH_URL": url, "RUNWATCH_TOKEN": "rw_token", "RUNWATCH_SOURCE": "billing"}

    def command(name: str, **more: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "runwatch_client", name, "--spool", str(tmp_path)]
        return subprocess.run(words, env=environment | more, capture_output=True, text=True, timeout=60, check=False)

    away = command("flush")
    assert (away.returncode, away.stderr[:22]) == (1, "Cannot reach Runwatch ")
    with Sink(int(url.rpartition(":")[2])) as sink:
        assert command("flush").stdout == "Nothing is left\n"
        assert ids(sink.events) == ["run/0", "run/1", "run/2"]
    assert command("check", RUNWATCH_TOKEN="a b").returncode == 2
    assert files(tmp_path) == []
