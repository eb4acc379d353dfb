"""runwatch backup, restore and new-epoch."""

from __future__ import annotations

import secrets
from pathlib import Path

from app.commands.running import prepared, run
from app.db import Database
from app.db.backup import back_up as back_up_file
from app.db.backup import renew_epoch
from app.db.backup import restore as restore_file
from app.db.config import sqlite_path
from app.errors import BadInput
from app.server.console import console
from app.settings import Settings


def back_up(file: Path) -> None:
    """Copy the SQLite file of the settings."""
    size = back_up_file(_sqlite_file("use pg_dump, which makes a consistent copy while servers run"), file)
    console.print(f"Wrote {file}, {size / 1e6:,.1f} MB, and found it whole", markup=False)
    console.print("It has no key: keep RUNWATCH_SECRET_KEY, or the file secret-key, apart from it", style="yellow")


def restore(file: Path) -> None:
    """Put a backup in the place of the SQLite file of the settings."""
    target = _sqlite_file("use pg_restore, and then `runwatch new-epoch`")
    size = restore_file(file, target)
    console.print(f"Restored {target}, {size / 1e6:,.1f} MB, with a new epoch", markup=False)


def begin_epoch() -> None:
    """Begin another epoch of updates."""

    async def work(database: Database, _: Settings) -> None:
        await database.transaction(lambda tx: renew_epoch(tx, secrets.token_hex(16)))

    run(work)
    console.print("Clients list again")


def _sqlite_file(otherwise: str) -> Path:
    url = prepared().url_of_database
    if not url.startswith("sqlite:"):
        raise BadInput(f"RUNWATCH_DATABASE_URL: of Postgres, {otherwise}")
    return sqlite_path(url)
