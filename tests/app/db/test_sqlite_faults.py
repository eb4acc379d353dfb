"""Sick SQLite files, by real faults: what fails is Unavailable, says what to do, and works again afterwards."""

from __future__ import annotations

import asyncio
import resource
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.db import Transaction, config, open_database, sqlite, watch
from app.db.migrate import migrate
from app.db.schema_version import known
from app.db.sqlite import SqliteDatabase
from app.errors import Unavailable
from specs.harness.waiting import until


@pytest.fixture
def path(tmp_path: Path, migrated_sqlite: Path) -> Path:
    path = tmp_path / "runwatch.db"
    shutil.copy(migrated_sqlite, path)
    return path


@pytest.fixture
async def database(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteDatabase]:
    for module in (sqlite, watch):
        monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(watch, "RETRY_SECONDS", 0.01)
    monkeypatch.setitem(config.SQLITE_PRAGMAS, "busy_timeout", 50)
    opened = await open_database(f"sqlite:///{path}")
    assert isinstance(opened, SqliteDatabase)
    yield opened
    await opened.close()


async def write(database: SqliteDatabase, name: str, *, size: int = 0) -> None:
    async def work(transaction: Transaction) -> None:
        row = (f"{abs(hash(name)):032x}"[:32], name + "x" * size, "NONE", 0)
        await transaction.insert("engines", ("id", "name", "kind", "created_at"), [row])

    await database.transaction(work)


async def names(database: SqliteDatabase) -> list[str]:
    return [name for (name,) in await database.fetch("SELECT name FROM engines ORDER BY name")]


async def works_again(database: SqliteDatabase) -> None:
    await until(lambda: database._watch.reason is None, "end of the outage")
    await write(database, "afterwards")
    assert "afterwards" in await names(database)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As a full disk: no file of this process grows beyond it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_disk_that_takes_nothing_more(database: SqliteDatabase, path: Path) -> None:
    await write(database, "before")
    with files_of_at_most(4096):
        with pytest.raises(Unavailable, match=r"runwatch\.db: its disk fails, or is full: look at the disk"):
            await write(database, "lost", size=50_000)
        assert await names(database) == ["before"]
        await asyncio.sleep(0.1)
        assert database._watch.reason is not None, "the watch has tried to write meanwhile"
    await works_again(database)


@pytest.mark.parametrize("size", [1_000, 100_000])
async def test_a_disk_without_room_for_migrations(tmp_path: Path, size: int) -> None:
    """For none, and for some of them: Tortoise would wait without end for a connection that it cannot open."""
    with files_of_at_most(size), pytest.raises(Unavailable, match="its disk fails, or is full: look at the disk"):
        async with asyncio.timeout(60):
            await migrate(f"sqlite:///{tmp_path / 'new.db'}")
    assert await migrate(f"sqlite:///{tmp_path / 'new.db'}")


async def test_a_full_disk_is_said_to_be_full(database: SqliteDatabase) -> None:
    (pages,) = await database._writer.execute_fetchall("PRAGMA page_count")
    await database._writer.execute(f"PRAGMA max_page_count = {pages[0]}")
    with pytest.raises(Unavailable, match="its disk is full: make room"):
        await write(database, "large", size=1_000_000)
    await works_again(database)


async def test_who_waits_for_a_lock_in_vain_is_the_last_to_wait(database: SqliteDatabase, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="another process keeps it locked"):
            await write(database, "late")
        with pytest.raises(Unavailable, match="another process keeps it locked"):
            database._watch.check_write()
        assert await names(database) == []
        other.execute("ROLLBACK")
    await works_again(database)


@pytest.mark.parametrize("suffix", ["", "-wal"])
async def test_a_file_that_was_deleted_is_written_for_nobody(database: SqliteDatabase, path: Path, suffix: str) -> None:
    await write(database, "before")
    gone, aside = path.with_name(path.name + suffix), path.with_name("aside")
    gone.rename(aside)
    with pytest.raises(Unavailable, match="was deleted; put it back"):
        await write(database, "into the void")
    with pytest.raises(Unavailable, match="was deleted"):
        await names(database)
    gone.write_bytes(b"")
    await until(lambda: "replaced" in (database._watch.reason or ""), "notice of the other file")
    aside.rename(gone)
    await works_again(database)


async def test_a_damaged_page_is_said_to_be_damaged(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        root, size = connection.execute(
            "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = 'engines'"
        ).fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * 64)
    database = await open_database(f"sqlite:///{path}")
    try:
        with pytest.raises(Unavailable, match=r"runwatch\.db: is damaged: restore a backup"):
            await database.fetch("SELECT * FROM engines")
        assert await database.fetch("SELECT 1") == [(1,)]
    finally:
        await database.close()


async def test_a_schema_that_moves_on_is_not_written_to(database: SqliteDatabase, path: Path) -> None:
    """From the next transaction on, whether or not the watch has looked."""
    await write(database, "before")
    await database._watch.close()
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("ALTER TABLE engines ADD COLUMN of_tomorrow TEXT")
        newer.execute("INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('app', '9999_next', '2099')")
        newer.commit()
    with pytest.raises(Unavailable, match=r"a newer version of Runwatch has migrated this database \(9999_next\)"):
        await write(database, "older")
    assert await names(database) == ["before"]
    assert known()


async def test_what_failed_while_it_ended_does_not_stay_open(database: SqliteDatabase) -> None:
    """A transaction whose ROLLBACK failed too is ended by the next one."""
    await database._writer.execute("BEGIN IMMEDIATE")
    await write(database, "next")
    assert await names(database) == ["next"]
