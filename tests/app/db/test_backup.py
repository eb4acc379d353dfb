"""A backup is one moment of a database that is written to, and a restored one has a new epoch."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.changes import revisions
from app.db import Database, Transaction, open_database
from app.db.backup import back_up, renew_epoch, restore
from app.errors import BadInput, Conflict
from app.executions.filters import ExecutionFilter
from app.ingestion import Ingestion
from app.live.feed import Feed
from app.live.updates import Change
from specs.harness.waiting import until
from tests.app.reports import events, report
from tests.sealing import SEALER

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def path(migrated_sqlite: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "runwatch.db"
    copy.write_bytes(migrated_sqlite.read_bytes())
    return copy


def value(path: Path, sql: str) -> Any:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchone()[0]


@SQLITE
async def test_backup_is_of_one_moment(database: Database, database_url: str, tmp_path: Path) -> None:
    """Two rows of each transaction: never one of them."""
    stop, written = asyncio.Event(), 0

    async def pair(transaction: Transaction) -> None:
        for side in "ab":
            row = (f"{written:031x}{side}", f"{side}{written}", "NONE", 1)
            await transaction.insert("engines", ("id", "name", "kind", "created_at"), [row])

    async def write() -> None:
        nonlocal written
        while not stop.is_set():
            await database.transaction(pair)
            written += 1

    writer = asyncio.create_task(write())
    source = tmp_path / "runwatch.db"
    for number in range(5):
        least = 20 * (number + 1)
        await until(lambda least=least: written >= least, "writes")  # type: ignore[misc]
        file = tmp_path / f"{number}.backup"
        assert await asyncio.to_thread(back_up, source, file) == file.stat().st_size
        rows = value(file, "SELECT count(*) FROM engines")
        assert rows >= 40 * (number + 1)
        assert rows % 2 == 0
        assert file.stat().st_mode & 0o777 == 0o600
    stop.set()
    await writer
    assert sorted(each.name for each in tmp_path.iterdir() if "backup" in each.name) == [
        f"{number}.backup" for number in range(5)
    ]


def test_backup_replaces_nothing(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    file.write_text("mine")
    with pytest.raises(Conflict, match="backup exists"):
        back_up(path, file)
    assert file.read_text() == "mine"
    with pytest.raises(BadInput, match="there is no"):
        back_up(tmp_path / "absent", tmp_path / "other")
    with pytest.raises(BadInput, match="cannot be written"):
        back_up(path, tmp_path / "no folder" / "backup")


@pytest.mark.parametrize("how", ["overwritten page", "another database", "no database"])
def test_what_is_not_whole_is_not_kept(path: Path, tmp_path: Path, how: str) -> None:
    if how == "another database":
        path.unlink()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE t (a)")
    elif how == "no database":
        path.write_text("x" * 10_000)
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")  # as backups are
        with path.open("r+b") as opened:
            opened.seek(4096 * 20)
            opened.write(b"\x07" * 4096 * 3)
    for copy in (back_up, restore):
        with pytest.raises(BadInput, match=r"cannot be copied|Not a whole database"):
            copy(path, tmp_path / "copy" / "file" if copy is restore else tmp_path / "file")
    assert [each.name for each in tmp_path.rglob("*") if each.is_file()] == ["runwatch.db"]


def test_restored_database_has_a_new_epoch(path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO retention (id, rules, announced_at, next_turn_at) VALUES (1, '', 0, 0)")
        connection.commit()
    file, target = tmp_path / "backup", tmp_path / "new" / "runwatch.db"
    back_up(path, file)
    restore(file, target)
    epochs = {value(each, "SELECT epoch FROM revision_counter") for each in (path, file, target)}
    assert len(epochs) == 2
    assert value(target, "SELECT count(*) FROM retention") == 0
    assert value(target, "SELECT count(*) FROM tortoise_migrations") > 19
    with pytest.raises(Conflict, match="move the file away"):
        restore(file, target)
    target.unlink()
    (log := target.with_name("runwatch.db-wal")).touch()
    with pytest.raises(Conflict, match="db-wal exists"):
        restore(file, target)
    log.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE tortoise_migrations SET name = '9999_later' WHERE name LIKE '0001%'")
        connection.commit()
    with pytest.raises(BadInput, match=r"newer version of Runwatch .9999_later"):
        restore(file, target)
    assert not target.exists()


async def test_subscribers_list_again_in_a_new_epoch(database: Database) -> None:
    """Those of a running server, and those that come back with a cursor of before."""
    await Ingestion(database, SEALER).record(events([report("execution.queued")]))
    before = revisions.updates_cursor(*await revisions.revision_of(database))
    feed = Feed(database)
    await feed.start()
    updates = feed.watch(ExecutionFilter())
    first = asyncio.ensure_future(anext(updates))
    await asyncio.sleep(0)
    await database.transaction(lambda tx: renew_epoch(tx, "e" * 32))
    feed.notify()
    told = await first
    assert (told.change, told.cursor) == (Change.RESYNC, revisions.updates_cursor("e" * 32, 1))
    assert (await anext(feed.watch(ExecutionFilter(), before))).change is Change.RESYNC
    await updates.aclose()
    await feed.close()


@SQLITE
async def test_restored_file_serves(database: Database, database_url: str, tmp_path: Path) -> None:
    await Ingestion(database, SEALER).record(events([report("execution.queued")]))
    back_up(tmp_path / "runwatch.db", tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "restored.db")
    other = await open_database(f"sqlite:///{tmp_path / 'restored.db'}")
    await Ingestion(other, SEALER).record(events([report("execution.started", at=1)]))
    assert (await revisions.revision_of(other))[1] == 2
    assert (await revisions.revision_of(database))[1] == 1
    await other.close()
