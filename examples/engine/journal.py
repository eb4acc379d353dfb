"""What an engine must remember over a crash: the requests it has accepted, and the runs that have not ended."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable
from pathlib import Path

# Runwatch repeats a request for an hour, unless its operator sets a longer time.
FORGET_AFTER = 7 * 86_400.0  # seconds

TABLES = """
CREATE TABLE IF NOT EXISTS requests (webhook_id TEXT PRIMARY KEY, accepted_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS open_runs (external_id TEXT PRIMARY KEY);
"""


class Journal:
    """A file that one engine uses at a time: another waits for 5 s. OSError if it cannot get it."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(path, timeout=5, check_same_thread=False)
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")  # the first write locks the file, until it is closed
            self._db.executescript(f"BEGIN EXCLUSIVE; {TABLES} COMMIT;")
        except sqlite3.OperationalError as error:
            raise OSError(f"{error}: {path} (does another engine work in this folder?)") from error
        with self._db:
            self._db.execute("DELETE FROM requests WHERE accepted_at < ?", (time.time() - FORGET_AFTER,))

    def accept(self, webhook_id: str, external_id: str) -> bool:
        """Record a request and its run, before it is answered; False if the request is known already."""
        with self._lock, self._db:
            known = "INSERT OR IGNORE INTO requests VALUES (?, ?)"
            if not self._db.execute(known, (webhook_id, time.time())).rowcount:
                return False
            self._db.execute("INSERT OR IGNORE INTO open_runs VALUES (?)", (external_id,))
        return True

    def begin(self, external_id: str) -> None:
        """Record a run, before it does anything."""
        with self._lock, self._db:
            self._db.execute("INSERT OR IGNORE INTO open_runs VALUES (?)", (external_id,))

    def open_runs(self) -> list[str]:
        """Runs whose end Runwatch does not know."""
        with self._lock:
            return [row[0] for row in self._db.execute("SELECT external_id FROM open_runs")]

    def settle(self, external_ids: Iterable[str]) -> None:
        """Forget runs whose end Runwatch knows."""
        with self._lock, self._db:
            self._db.executemany("DELETE FROM open_runs WHERE external_id = ?", [(id_,) for id_ in external_ids])

    def close(self) -> None:
        """Release the file for another engine."""
        with self._lock:
            self._db.close()
