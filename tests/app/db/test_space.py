"""SQLite's files give free pages back in steps, and older ones after they were rewritten once."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from app.commands import compacting
from app.commands.failures import messages_of
from app.db import Database, open_database, space
from app.db.space import give_back, gives_back, used_bytes
from app.errors import BadInput
from app.settings import Settings
from tests.factories import execution_row, insert_executions

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def fill_and_empty(database: Database) -> None:
    rows = [execution_row(error_message="x" * 2_000) for _ in range(400)]
    await insert_executions(database, *rows)
    await database.transaction(lambda tx: tx.fetch("DELETE FROM executions"))


def settings(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(compacting, "prepared", lambda: Settings(_env_file=None, database_url=url))


@SQLITE
async def test_free_pages_are_given_back_in_steps(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "PAGES_PER_STEP", 50)
    assert await gives_back(database)
    await fill_and_empty(database)
    sizes = [(await space._pages(database))[0]]
    while await give_back(database):
        sizes.append((await space._pages(database))[0])
    assert len(sizes) > 4
    assert {one - other for one, other in pairwise(sizes)} == {50}
    pages, free, size, _ = await space._pages(database)
    assert free < pages * space.FREE_SHARE + 2  # a page of pointers may have gone with the last ones
    assert await used_bytes(database, "executions") == ((pages - free) * size, 0)
    assert not await give_back(database)


async def test_file_of_an_older_version_does_so_once_it_is_rewritten(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runwatch.db"
    shutil.copy(migrated_sqlite, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA auto_vacuum = NONE; VACUUM")
    database = await open_database(f"sqlite:///{path}")
    await fill_and_empty(database)
    assert not await gives_back(database)
    assert not await give_back(database)
    await database.close()
    before = path.stat().st_size
    settings(monkeypatch, f"sqlite:///{path}")
    compacting.compact(dry_run=True)
    assert path.stat().st_size >= before
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BadInput, match="Stop the server"):
            compacting.compact(dry_run=False)
    with monkeypatch.context() as patch:
        patch.setattr(compacting, "free_bytes", lambda _: before)
        with pytest.raises(BadInput, match="Too little room"):
            compacting.compact(dry_run=False)
    compacting.compact(dry_run=False)
    assert path.stat().st_size < before / 2
    database = await open_database(f"sqlite:///{path}")
    assert await gives_back(database)
    await database.close()


def test_postgres_needs_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    settings(monkeypatch, "postgres://127.0.0.1:1/x")
    with pytest.raises(BadInput, match="VACUUM FULL") as raised:
        compacting.compact(dry_run=False)
    assert messages_of(raised.value)
