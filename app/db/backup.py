"""Copies of an SQLite file, made while servers use it, and put back with a new epoch.

A restored counter gives out revisions again that clients have seen. With the old epoch, an old cursor would count as a
position among changes that its client never saw; with a new one Runwatch tells the client to list again. Rules of
retention are announced anew: who looks at an old backup may want what they would delete.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from app.db import Transaction
from app.db.schema_version import FOLDER
from app.errors import BadInput, Conflict

# Of the write-ahead log: of a file that is gone, they would change another one with its name.
COMPANIONS = ("", "-wal", "-shm")


def back_up(source: Path, file: Path) -> int:
    """Copy the database as it is at one moment; its size. Conflict if the file exists, BadInput if it is broken."""
    if not source.is_file():
        raise BadInput(f"RUNWATCH_DATABASE_URL: there is no {source}")
    with _new_file(file) as part:
        _copy(source, part, "rw")  # so that it takes the log's files away if nobody else has the database open
        _check(part)
    return file.stat().st_size


def restore(file: Path, target: Path) -> int:
    """Put a backup in the place of a database that is not there, with a new epoch; its size."""
    if not file.is_file():
        raise BadInput(f"{file}: not a file")
    target.parent.mkdir(parents=True, exist_ok=True)
    for companion in COMPANIONS:
        if (there := target.with_name(target.name + companion)).exists():
            raise Conflict(f"{there} exists: stop the server, and move the file away, with its -wal and -shm")
    with _new_file(target) as part:
        _copy(file, part, "ro")
        _check(part)
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            _check_version(connection)
            connection.execute("UPDATE revision_counter SET epoch = lower(hex(randomblob(16)))")
            with suppress(sqlite3.OperationalError):  # of a version without retention
                connection.execute("DELETE FROM retention")
    return target.stat().st_size


async def renew_epoch(transaction: Transaction, epoch: str) -> None:
    """Begin another epoch of revisions, and have the rules of retention announced anew."""
    await transaction.fetch("UPDATE revision_counter SET epoch = $1", epoch)
    await transaction.fetch("DELETE FROM retention")


def _copy(source: Path, part: Path, mode: str) -> None:
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(source.absolute()))}?mode={mode}", uri=True)) as opened,
            closing(sqlite3.connect(part, isolation_level=None)) as copy,
        ):
            # In one step, which reads as of one moment and holds up no writer; in several it begins again after each
            # write of another process.
            opened.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()  # one file, without a log beside it
    except sqlite3.Error as error:
        raise BadInput(f"{source} cannot be copied: {error}") from None


def _check(part: Path) -> None:
    with closing(sqlite3.connect(part)) as connection:
        try:
            said = [line for (line,) in connection.execute("PRAGMA integrity_check(10)")]
            connection.execute("SELECT epoch FROM revision_counter").fetchone()
        except sqlite3.Error as error:
            said = [str(error)]
    if said != ["ok"]:
        raise BadInput(f"Not a whole database of Runwatch, and so not copied: {'; '.join(said)}")


def _check_version(connection: sqlite3.Connection) -> None:
    applied = {name for (name,) in connection.execute("SELECT name FROM tortoise_migrations WHERE app = 'app'")}
    if newer := sorted(applied - {path.stem for path in FOLDER.glob("[0-9]*.py")}):
        raise BadInput(f"The backup is of a newer version of Runwatch ({', '.join(newer)}): restore it with that one")


@contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """Another path for a file, which comes to this one when it is whole; Conflict if there is one by then."""
    if path.exists():
        raise Conflict(f"{path} exists: choose another file")
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # it has everything that the database has
        yield part
        _sync(part)
        os.link(part, path)  # unlike a rename, it never replaces what somebody else put there
        _sync(path.parent)
    except FileExistsError:
        raise Conflict(f"{path} exists: choose another file") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from None
    finally:
        for companion in (*COMPANIONS, "-journal"):
            part.with_name(part.name + companion).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
