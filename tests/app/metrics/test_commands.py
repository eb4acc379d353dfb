"""The command line compares and rebuilds, and prunes as the setting says."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.app.reports import report
from tests.app.test_cli import runwatch


@pytest.fixture
def filled(migrated_sqlite: Path, tmp_path: Path) -> Path:
    """A database with one failure, as an import leaves it: nothing is folded."""
    path = tmp_path / "runwatch.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    events = tmp_path / "events.jsonl"
    at = "2026-05-05T05:05:05Z"
    finish = {**report("execution.finished", state="FAILED", error={"message": "m"}), "time": at}
    events.write_text(json.dumps(finish) + "\n")
    runwatch(tmp_path, "import", str(events), database_url=f"sqlite:///{path}")
    return path


def execute(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(sql).fetchall()


def rows(path: Path, table: str) -> int:
    return int(execute(path, f"SELECT count(*) FROM {table}")[0][0])


@pytest.mark.slow
def test_rebuild(filled: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{filled}"
    assert "0 rows differed" in runwatch(tmp_path, "metrics", "rebuild", "--check", database_url=url).stderr
    execute(filled, "DELETE FROM metric_deltas")
    # Four details and the error group, each of an hour and of a day.
    assert "10 rows differed" in runwatch(tmp_path, "metrics", "rebuild", "--check", database_url=url, code=1).stderr
    assert rows(filled, "metric_rollups") == 0
    assert "10 rows differed" in runwatch(tmp_path, "metrics", "rebuild", database_url=url).stderr
    assert rows(filled, "metric_rollups") == 8
    assert "0 rows differed" in runwatch(tmp_path, "metrics", "rebuild", "--check", database_url=url).stderr


@pytest.mark.parametrize(("setting", "deltas"), [({}, 3), ({"prune_keeps_metrics": "false"}, 2)])
def test_prune_keeps_figures_or_not(filled: Path, tmp_path: Path, setting: dict[str, Any], deltas: int) -> None:
    done = runwatch(tmp_path, "prune", "--older-than", "0", database_url=f"sqlite:///{filled}", **setting)
    assert "Deleted 1 executions" in done.stderr
    assert rows(filled, "executions") == 0
    assert rows(filled, "metric_deltas") == deltas
    signs = execute(filled, "SELECT sum(sign), sum(sign * kept) FROM metric_deltas")
    assert signs == [(1, 1) if deltas == 3 else (0, 0)]
