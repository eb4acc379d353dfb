"""The example engine beside a development server: started, watched and ended; and what keeps it from that."""

from __future__ import annotations

import asyncio
import shlex
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import engines
from app.db import Database
from app.server import dev_engine
from app.server.dev_engine import DevEngine
from app.settings import Settings
from tests.client.sink import Sink
from tests.sealing import SEALER

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def door() -> Iterator[str]:
    """The URL of somebody who takes its events."""
    with Sink() as sink:
        yield sink.url


def made(database: Database, data_dir: Path) -> DevEngine:
    return DevEngine(Settings(data_dir=data_dir), database, SEALER)


@pytest.mark.slow
async def test_engine_is_registered_started_and_stopped(database: Database, tmp_path: Path, door: str) -> None:
    for _ in range(2):
        engine = made(database, tmp_path)
        assert await engine.start(door)
        (registered,) = await engines.list_engines(database)
        assert (registered.name, registered.can_retry) == ("example", True)
        await engine.close()
        await engine.close()
    assert "stopped" in engine.log.read_text(), "it has heard of its end, and was not killed"
    for name in ("engine-token", "engine.log"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    words = shlex.split(engine.fix)
    done = subprocess.run(words, cwd="/", capture_output=True, text=True, timeout=30)
    assert (done.returncode, "is 'A-1004,shelf,12,15.50' now" in done.stdout) == (0, True)


@pytest.mark.slow
async def test_two_servers_on_one_folder_have_one_engine(
    database: Database, tmp_path: Path, door: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = made(database, tmp_path), made(database, tmp_path)
    assert await first.start(door)
    token = (tmp_path / "engine-token").read_text()
    assert not await second.start(door)
    assert "another server on this data folder runs one already" in capsys.readouterr().err
    await second.close()
    await first.close()
    assert await second.start(door)
    assert (tmp_path / "engine-token").read_text() == token
    await second.close()


async def test_start_that_fails_says_why_in_a_line(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken" / "engine.log").mkdir(parents=True)
    engine = made(database, tmp_path / "taken")
    assert not await engine.start(NOWHERE)
    assert "Is a directory" in capsys.readouterr().err
    assert not await made(database, tmp_path / "missing").start(NOWHERE)
    assert "No such file" in capsys.readouterr().err
    monkeypatch.setattr(dev_engine, "PACKAGE", "no_such_package")
    assert not await made(database, tmp_path).start(NOWHERE)
    assert "needs the package no-such-package" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr(dev_engine, "PROGRAM", tmp_path / "gone")
    assert not await made(database, tmp_path).start(NOWHERE)
    assert "gone is missing" in capsys.readouterr().err


@pytest.mark.slow
async def test_an_end_of_its_own_is_told(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "engine").touch()
    engine = made(database, tmp_path)
    assert await engine.start(NOWHERE)
    said = ""
    async with asyncio.timeout(30):
        while "ended" not in said:
            await asyncio.sleep(0.05)
            said += capsys.readouterr().err
    assert said == f"The example engine ended with code 1; see {engine.log}\n"
    assert "The engine cannot work" in engine.log.read_text()
    await engine.close()


async def test_engine_gets_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUNWATCH_SECRET_KEY", "RUNWATCH_DATABASE_URL", "https_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("LANG", "C")
    given = dev_engine._environment()
    assert given["LANG"] == "C"
    assert not [name for name in given if name.startswith("RUNWATCH_") or name.lower().endswith("_proxy")]
