"""Several processes: what is refused or warned of before any starts, and which settings they get."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest
import structlog

from app.db import Database
from app.db.postgres_pools import POOL_SIZE
from app.secrets.sealing import new_key
from app.server import supervisor
from app.settings import Settings
from specs.harness.servers import free_port
from tests.app.test_cli import runwatch


def test_workers_get_the_very_settings_of_their_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {
        "data_dir": tmp_path,
        "secret_key": "old,new",
        "workers": 3,
        "jwt_algorithms": "RS256,ES256",
        "jwt_key": "-----BEGIN\nPUBLIC KEY",
        "jwt_issuer": "issuer",
        "jwt_audience": "audience",
        "sealed_keys": "pässword",
    }
    settings = Settings(**given)
    monkeypatch.setenv("RUNWATCH_SECRET_KEY", "what it became meanwhile")
    line = supervisor.packed(settings)
    assert supervisor.unpacked(line) == settings
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1


@pytest.mark.parametrize(
    ("options", "settings", "said"),
    [
        (["--dev", "--workers", "2"], {}, "--dev runs one process"),
        (["--dev"], {"workers": "2"}, "--dev runs one process"),
        (["--workers", "0"], {}, "RUNWATCH_WORKERS"),
        ([], {"workers": "many"}, "RUNWATCH_WORKERS"),
        (["--workers", "2"], {"redis_url": "http://x"}, "redis://"),
        (["--workers", "2"], {"secret_key": "short"}, "RUNWATCH_SECRET_KEY"),
        (["--workers", "2"], {"database_url": "mysql://host/db"}, "postgres://"),
    ],
)
def test_invalid_settings_are_reported_once_and_nothing_starts(
    tmp_path: Path, options: list[str], settings: dict[str, str], said: str
) -> None:
    done = runwatch(tmp_path, "serve", "--port", str(free_port()), *options, code=1, **settings)
    assert done.stderr.count(said) == 1
    assert "Started server process" not in done.stderr


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"Port {port} is in use" in runwatch(tmp_path, "serve", "--port", port, "--workers", "2", code=1).stderr


def test_other_secrets_than_the_database_has(tmp_path: Path) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "e", "subject": "r", "time": "2026-01-01T00:00:00Z"}
    data = {"workflow": "w", "trigger": {"kind": "manual", "data": {"password": "hunter2 and more"}}}
    file = tmp_path / "events.ndjson"
    file.write_text(json.dumps({**event, "type": "execution.queued", "data": data}) + "\n")
    runwatch(tmp_path, "import", str(file), secret_key=new_key())
    done = runwatch(tmp_path, "serve", "--port", "0", "--workers", "2", code=1, secret_key=new_key())
    assert done.stderr.count("Another key encrypted the secrets") == 1
    assert "Started server process" not in done.stderr


async def test_a_warning_when_postgres_has_too_few_connections(database: Database) -> None:
    is_postgres = database.dialect == "postgres"
    limit = int((await database.fetch("SHOW max_connections"))[0][0]) if is_postgres else 1000
    with structlog.testing.capture_logs() as logs:
        await supervisor._check_connections(database, 1)
        assert logs == []
        await supervisor._check_connections(database, limit // (2 * POOL_SIZE) + 1)
    if not is_postgres:
        assert logs == []
        return
    (line,) = logs
    assert line["event"] == "more_connections_than_postgres_has"
    assert line["wanted"] > line["there"] > 0


async def test_a_worker_that_never_serves_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "START_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as opened:
        several = supervisor.Workers(Settings(data_dir=tmp_path, workers=2), opened)
        with pytest.raises(supervisor.WorkerNotStarted, match=r"Worker [12] did not serve within 0.05 s"):
            async with asyncio.timeout(30):
                await several.run()


async def test_a_worker_that_cannot_be_started_is_no_end_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "absent"))
    with socket.create_server(("127.0.0.1", 0)) as opened:
        several = supervisor.Workers(Settings(data_dir=tmp_path, workers=2), opened)
        came_up, reason = await several._run_one(1)
        assert not came_up
        assert reason.startswith("was not started (")
        with pytest.raises(supervisor.WorkerNotStarted, match="was not started"):
            await several.run()
