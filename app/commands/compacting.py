"""runwatch compact."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from app.commands.running import prepared
from app.db.config import sqlite_path
from app.db.space import rewrite
from app.errors import BadInput
from app.server.console import console

MB = 1_000_000


def compact(*, dry_run: bool) -> None:
    """Rewrite an SQLite file without its free space, once there is room for that."""
    url = prepared().url_of_database
    if not url.startswith("sqlite:"):
        raise BadInput(
            "RUNWATCH_DATABASE_URL: Postgres uses free space again by itself; VACUUM FULL would make its files smaller"
        )
    path = sqlite_path(url)
    if not path.is_file():
        raise BadInput(f"RUNWATCH_DATABASE_URL: there is no {path}")
    # The new file beside the old one, and the same again in the write-ahead log.
    size, room = path.stat().st_size, free_bytes(path.parent)
    console.print(
        f"{path} has {_mb(size)}; rewriting it needs up to {_mb(2 * size)} in its folder, which has {_mb(room)} free",
        markup=False,
    )
    if dry_run:
        return
    if room < 2 * size:
        raise BadInput(f"Too little room in {path.parent}: {_mb(2 * size)} are needed, {_mb(room)} are free")
    try:
        before, after = rewrite(path)
    except sqlite3.OperationalError as error:
        raise BadInput(f"{path} was not rewritten: {error}. Stop the server, and try again") from None
    console.print(f"Rewritten: {_mb(before)} became {_mb(after)}; free space is given back from now on")


def free_bytes(folder: Path) -> int:
    """The room on the disk that has a folder."""
    return shutil.disk_usage(folder).free


def _mb(size: int) -> str:
    return f"{size / MB:,.1f} MB"
