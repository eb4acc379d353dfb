"""What is migrated, and when nothing has to be."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

import app.db.migrate
from app.commands.failures import messages_of
from app.db import Database, migration_runner, open_database
from app.db.migrate import migrate
from app.db.schema_version import FOLDER
from app.errors import BadInput, Unavailable
from app.server.data_folder import make_data_folder
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
    with pytest.raises(Unavailable, match=r"text\.db: is not an SQLite database: name another file"):
        await migrate(f"sqlite:///{path}")
    with pytest.raises(Unavailable, match="is a folder: name a file in it"):
        await migrate(f"sqlite:///{tmp_path}")


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """And left as it is: rows of this version would lack what that one needs."""
    path = tmp_path / "newer.db"
    await migrate(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('app', '9999_next', '2099')"
        )
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(BadInput, match=r"a newer version of Runwatch has migrated this database \(9999_next\)"):
        await migrate(f"sqlite:///{path}")
    assert path.read_bytes() == before


async def test_a_folder_that_cannot_be_made_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        BadInput, match=r"RUNWATCH_DATABASE_URL: the folder .*file/below cannot be made: Not a directory"
    ):
        await migrate(f"sqlite:///{tmp_path / 'file' / 'below' / 'new.db'}")
    with pytest.raises(BadInput, match=r"RUNWATCH_DATA_DIR: .*below cannot be created"):
        make_data_folder(tmp_path / "file" / "below")


@contextmanager
def as_nobody(folder: Path, mode: int) -> Iterator[None]:
    """Without rights beyond those that the mode of a folder gives; root has them all, so not as root."""
    folder.chmod(mode)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)


async def test_files_that_are_not_ours_are_said_not_to_be(migrated_sqlite: Path) -> None:
    with tempfile.TemporaryDirectory() as name:  # tmp_path is below a folder that nobody else may enter
        folder = Path(name)
        url = f"sqlite:///{folder / 'runwatch.db'}"
        with as_nobody(folder, 0o555), pytest.raises(Unavailable, match=r"migrate-lock: cannot be opened"):
            await migrate(url)
        shutil.copy(migrated_sqlite, folder / "runwatch.db")
        (folder / "runwatch.db").chmod(0o444)
        with as_nobody(folder, 0o555), pytest.raises(Unavailable, match=r"runwatch\.db: cannot be (written|opened)"):
            await open_database(url)
        with as_nobody(folder, 0o000), pytest.raises(Unavailable, match="let the user of Runwatch into its folder"):
            await migrate(url)


async def test_a_server_that_keeps_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.db.migrate, "CONNECT_SECONDS", 0.1)
    ended = asyncio.Event()

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        ended.set()

    silent = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    async with silent:
        with pytest.raises(Unavailable) as raised:
            await migrate(f"postgres://x@127.0.0.1:{silent.sockets[0].getsockname()[1]}/x")
        await ended.wait()
    (said,) = messages_of(raised.value)
    assert said.startswith("RUNWATCH_DATA_DIR: x@127.0.0.1:")  # nothing else is set here
    assert "it keeps silent" in said


async def test_an_opening_that_fails_leaves_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("not a database, and longer than the head of one" * 100)
    threads = threading.active_count()
    with pytest.raises(Unavailable):
        await open_database(f"sqlite:///{path}")
    await until(lambda: threading.active_count() <= threads, "end of the threads")


def test_migrations_are_one_line_in_the_order_of_their_numbers() -> None:
    """Two that land at the same time must not both follow the same one."""
    names = [path.stem for path in sorted(FOLDER.glob("[0-9]*.py"))]
    assert [int(name[:4]) for name in names] == [*range(1, len(names) + 1)]
    for before, name in pairwise(names):
        assert import_module(f"app.migrations.{name}").Migration.dependencies == [("app", before)]
