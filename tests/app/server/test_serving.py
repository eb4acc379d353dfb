"""Running the server: what it refuses before anything starts, and what follows a failed start."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from uvicorn.config import STARTUP_FAILURE

from app.errors import BadInput
from app.live.feed import Feed
from app.monitor.slots import Slots
from app.server import serving
from app.server.dev_engine import DevEngine
from app.server.startup import listen
from app.settings import Settings
from specs.harness.waiting import until
from tests.app.leftovers import is_let_go


async def test_dev_takes_the_folder_of_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "SAMPLE", tmp_path / "not installed")
    with pytest.raises(BadInput, match="--dev"):
        await serving.serve(Settings(data_dir=tmp_path / "data", port=0), dev=True)
    assert not (tmp_path / "data").exists()


async def broken(_: object) -> None:
    raise OSError("no such feed")


async def test_a_server_that_does_not_start_leaves_nothing_behind(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not its engine either, whose own end fails here as well."""
    ended: list[DevEngine] = []

    async def close(engine: DevEngine) -> None:
        ended.append(engine)
        raise OSError("no such engine")

    monkeypatch.setattr(Feed, "start", broken)
    monkeypatch.setattr(DevEngine, "close", close)
    settings = Settings(_env_file=None, database_url=database_url, data_dir=tmp_path / "data", port=0)
    with pytest.raises((SystemExit, OSError), match="no such engine") as raised:
        await serving.serve(settings, dev=False)
    assert isinstance(raised.value.__context__, SystemExit)
    assert raised.value.__context__.code == STARTUP_FAILURE
    assert len(ended) == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await until(lambda: is_let_go(database_url), "end of the connections")


async def test_a_worker_that_does_not_start_is_not_ready_and_leaves_nothing_behind(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Feed, "start", broken)
    settings = Settings(_env_file=None, database_url=database_url, data_dir=tmp_path / "data")
    with listen("127.0.0.1", 0) as opened, pytest.raises(SystemExit) as raised:
        await serving.serve_on([opened], settings, Slots(), lambda: pytest.fail("it serves"))
    assert raised.value.code == STARTUP_FAILURE
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await until(lambda: is_let_go(database_url), "end of the connections")
