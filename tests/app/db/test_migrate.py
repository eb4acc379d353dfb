"""What is migrated, and when nothing has to be."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from app.db import Database, migration_runner, open_database
from app.db.migrate import FOLDER, migrate
from app.errors import BadInput
from specs.harness.waiting import until

LAST = max(path.stem for path in FOLDER.glob("[0-9]*.py"))


async def forbidden(url: str) -> list[str]:
    raise AssertionError("nothing is missing")


async def test_a_database_that_is_up_to_date_needs_no_tortoise(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration_runner, "run", forbidden)
    assert await migrate(database_url) == []


async def test_missing_migration_is_applied(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(url: str) -> list[str]:
        assert url == database_url
        return [LAST]

    monkeypatch.setattr(migration_runner, "run", run)
    forget = "DELETE FROM tortoise_migrations WHERE name = $1"
    await database.transaction(lambda transaction: transaction.execute_many(forget, [(LAST,)]))
    assert await migrate(database_url) == [LAST]


async def test_a_new_file_gets_everything_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert await migrate(url) == sorted(path.stem for path in FOLDER.glob("[0-9]*.py"))
    assert await migrate(url) == []


async def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("not a database, and longer than the head of one" * 100)
    with pytest.raises(BadInput, match=r"text\.db cannot be opened as a database: file is not a database"):
        await migrate(f"sqlite:///{path}")
    with pytest.raises(BadInput, match="unable to open"):
        await migrate(f"sqlite:///{tmp_path}")


async def test_an_opening_that_fails_leaves_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("not a database, and longer than the head of one" * 100)
    threads = threading.active_count()
    with pytest.raises(sqlite3.DatabaseError):
        await open_database(f"sqlite:///{path}")
    await until(lambda: threading.active_count() <= threads, "end of the threads")
