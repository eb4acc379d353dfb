"""What is wrong with an SQLite file, as its operator reads it: the path, what it is, and what to do."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from app.db.watch import Locked, Lost
from app.errors import Unavailable

CORRUPT = "is damaged: restore a backup, or save what can be read with `sqlite3 FILE .recover`, and look at its disk"
# By the primary code of SQLite, which is the lowest byte of the extended one.
_FAULTS = {
    sqlite3.SQLITE_PERM: "no permission",
    sqlite3.SQLITE_BUSY: "another process keeps it locked: end that process, or wait for it",
    sqlite3.SQLITE_LOCKED: "another process keeps it locked: end that process, or wait for it",
    sqlite3.SQLITE_NOMEM: "this machine is out of memory: give Runwatch more",
    sqlite3.SQLITE_READONLY: "cannot be written: let the user of Runwatch write the file, its folder and its disk",
    sqlite3.SQLITE_IOERR: "its disk fails, or is full: look at the disk, and at the limits of the process",
    sqlite3.SQLITE_CORRUPT: CORRUPT,
    sqlite3.SQLITE_FULL: "its disk is full: make room, or move it to a larger one",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: let the user of Runwatch read and write the file and its folder",
    sqlite3.SQLITE_PROTOCOL: "its disk cannot lock files: move it to a local one",
    sqlite3.SQLITE_NOLFS: "its disk takes no files of this size: move it to another one",
    sqlite3.SQLITE_NOTADB: "is not an SQLite database: name another file, or move this one away",
}
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def fault_of(error: BaseException, path: Path) -> Unavailable | None:
    """What an error of sqlite3 says of the file; None if it concerns the statement alone."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    said = _FAULTS.get(code)
    if said is None:
        return None
    if code == sqlite3.SQLITE_CANTOPEN:
        said = _why_unopened(path) or said
    return (Locked if code in _LOCKED else Unavailable)(f"{path}: {said} ({error})")


def _why_unopened(path: Path) -> str | None:
    if path.is_dir():
        return "is a folder: name a file in it"
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist: create it, or name another"
    return None if os.access(path.parent, os.W_OK) else f"no permission to write in {path.parent}: give it"


class Place:
    """Whether an open file is still where it was: SQLite goes on writing to one that was deleted, for nobody."""

    def __init__(self, path: Path) -> None:
        # Its log appears with the first commit.
        self._known: dict[Path, tuple[int, int]] = {}
        self._path, self._log = path, path.with_name(path.name + "-wal")
        self.check()

    def check(self) -> None:
        """Lost if it was deleted or replaced."""
        for path in (self._path, self._log):
            known = self._known.get(path)
            try:
                found = path.stat()  # 2 µs
            except OSError:
                if known is not None:
                    raise Lost(f"{path}: was deleted; put it back, or restore a backup, and restart Runwatch") from None
                continue
            if known is None:
                self._known[path] = found.st_dev, found.st_ino
            elif known != (found.st_dev, found.st_ino):
                raise Lost(f"{path}: was replaced by another file; restart Runwatch to use that one")
