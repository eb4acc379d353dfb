"""Probes of what a server stands on: its database, the keys of what is stored there, its disk, its clock."""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.db import Database, open_database
from app.db.config import CONNECT_SECONDS, postgres_credentials, sqlite_path
from app.db.schema_version import APPLIED, known, refusal
from app.db.sqlite_faults import fault_of
from app.errors import AppError, Unavailable
from app.presence import running, without_key
from app.secrets.sealing import Sealer
from app.server.keys import FILE_NAME, check_keys, has_key, open_sealer
from app.server.probes import Outcome, Result, one_line
from app.server.probes.postgres import Place, asked
from app.settings import MIB, Settings

MIN_POSTGRES = 15
DIRECT = "direct database"
LOCK_SECONDS = 2.0  # for another process's write
LITTLE_BYTES, TOO_LITTLE_BYTES = 1024 * MIB, 100 * MIB
# Events of 5 minutes ahead are rejected, JSON Web Tokens of 30 s ahead too.
ODD_SECONDS, WRONG_SECONDS = 1.0, 25.0
_NOT_SYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)


@dataclass(slots=True)
class Storage:
    """The database, once it has been found to be one that can be read; and by how much its clock is ahead of ours."""

    settings: Settings
    database: Database | None = None
    ahead_seconds: float | None = None
    place: Place | None = None

    async def probe(self) -> list[Outcome]:
        """Whether it can be read and written, and has the tables of this version."""
        url = self.settings.url_of_database
        try:
            outcome = await (self._sqlite(url) if url.startswith("sqlite:") else self._postgres(url))
            if outcome.result is Result.OK:
                self.database = await open_database(url)
        except AppError as error:
            outcome = _failed(error.message)
        except Exception as error:
            outcome = _failed(f"RUNWATCH_DATABASE_URL: {_explained(error, url)}")
        return [outcome]

    async def _sqlite(self, url: str) -> Outcome:
        path = sqlite_path(url)
        if not path.exists():
            return Outcome("database", Result.WARNING, f"{path} does not exist yet; `runwatch serve` makes it")
        try:
            return await asyncio.to_thread(_try_file, path)
        except sqlite3.Error as error:
            raise fault_of(error, path) or error from None

    async def _postgres(self, url: str) -> Outcome:
        found = await asked(url)
        self.ahead_seconds, self.place = found.ahead_seconds, found.place
        if found.version < MIN_POSTGRES:
            return _failed(f"Postgres {found.version}: Runwatch needs {MIN_POSTGRES} or later")
        if found.is_standby:
            return _failed("a standby, which takes no writes: RUNWATCH_DATABASE_URL must name the primary")
        return _of_schema(found.applied, f"Postgres {found.version}, {found.connections} connections")

    async def probe_direct(self) -> list[Outcome]:
        """Whether the way past a pooler, which migrations take, leads to the same database."""
        url = self.settings.database_direct_url
        if not url:
            return [Outcome(DIRECT, Result.UNUSED, "RUNWATCH_DATABASE_DIRECT_URL is not set")]
        try:
            found = await asked(url)
        except Exception as error:
            said = _explained(error, url)
            return [Outcome(DIRECT, Result.FAILED, f"RUNWATCH_DATABASE_DIRECT_URL: {said}")]
        if self.place is not None and found.place != self.place:
            said = "leads to another database than RUNWATCH_DATABASE_URL"
            return [Outcome(DIRECT, Result.FAILED, f"RUNWATCH_DATABASE_DIRECT_URL {said}")]
        return [Outcome(DIRECT, Result.OK, f"Postgres {found.version}: migrations go there")]


def _try_file(path: Path) -> Outcome:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=LOCK_SECONDS)) as connection:
        connection.isolation_level = None
        there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tortoise_migrations'").fetchone()
        names = {name for (name,) in connection.execute(APPLIED)} if there else set()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    return _of_schema(names, f"{path}, {path.stat().st_size / MIB:,.1f} MiB")


def _of_schema(applied: set[str], what: str) -> Outcome:
    if newer := refusal(applied):
        return _failed(f"{what}: {newer}")
    if missing := known() - applied:
        return Outcome("database", Result.WARNING, f"{what}: {len(missing)} migrations to apply, by `runwatch migrate`")
    return Outcome("database", Result.OK, f"{what}: can be written, and has the tables of this version")


def _explained(error: Exception, url: str) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_SECONDS} s"
    if isinstance(error, (AppError, Unavailable)) or url.startswith("sqlite:"):  # it does say what to do
        return one_line(error)
    from app.db.postgres_faults import explained, place_of

    return explained(error, place_of(postgres_credentials(url)))


def _failed(detail: str) -> Outcome:
    return Outcome("database", Result.FAILED, detail)


async def of_keys(settings: Settings, database: Database | None) -> tuple[Sealer | None, list[Outcome]]:
    """Whether there is a key, one that opens what is stored, and that running servers have too. Makes none."""
    path = (settings.data_dir / FILE_NAME).absolute()
    if not has_key(settings):
        return None, [Outcome("key", Result.WARNING, f"RUNWATCH_SECRET_KEY is not set; the first start makes {path}")]
    try:
        sealer = open_sealer(settings)
        if database is not None:
            await check_keys(database, sealer)
            if others := await without_key(database, sealer):
                names = "; ".join(map(str, others))
                return sealer, [Outcome("key", Result.FAILED, f"running servers do not have the first one: {names}")]
    except AppError as error:
        return None, [Outcome("key", Result.FAILED, error.message)]
    given = settings.secret_key is not None
    where = "RUNWATCH_SECRET_KEY" if given else f"{path}; set RUNWATCH_SECRET_KEY in production"
    servers = "" if database is None else f"; {len(await running(database))} server processes run"
    return sealer, [Outcome("key", Result.OK if given else Result.WARNING, f"{where}{servers}")]


async def of_disk(settings: Settings) -> list[Outcome]:
    """Whether the folders of this machine that a server writes to can be written, and have room."""
    return await asyncio.to_thread(lambda: list(_disks(settings)))


def _disks(settings: Settings) -> Iterator[Outcome]:
    folders = {"data folder": settings.data_dir.absolute()}
    if settings.url_of_database.startswith("sqlite:"):
        folders["database's folder"] = sqlite_path(settings.url_of_database).parent.absolute()
    if len({*folders.values()}) == 1:
        folders = {"data folder": settings.data_dir.absolute()}
    for name, folder in folders.items():
        yield _disk(name, folder)


def _disk(name: str, folder: Path) -> Outcome:
    there = next(each for each in (folder, *folder.parents) if each.exists())
    try:
        if there == folder:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"\0" * 4096)
                file.flush()
                os.fsync(file.fileno())
        elif not os.access(there, os.W_OK | os.X_OK):
            return Outcome(name, Result.FAILED, f"{folder} does not exist, and cannot be made in {there}")
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Outcome(name, Result.FAILED, f"{folder} cannot be written: {error.strerror}")
    result = Result.FAILED if free < TOO_LITTLE_BYTES else Result.WARNING if free < LITTLE_BYTES else Result.OK
    return Outcome(name, result, f"{folder}: {free / MIB:,.0f} MiB free")


def of_clock(ahead_seconds: float | None) -> Outcome:
    """Whether this machine's clock is right, as far as the system and the database know."""
    if ahead_seconds is not None and abs(ahead_seconds) > ODD_SECONDS:
        said = f"{abs(ahead_seconds):.1f} s {'behind' if ahead_seconds > 0 else 'ahead of'} the database's"
        return Outcome("clock", Result.FAILED if abs(ahead_seconds) > WRONG_SECONDS else Result.WARNING, said)
    compared = "" if ahead_seconds is None else f", {abs(ahead_seconds) * 1000:.0f} ms from the database's"
    if (synchronised := _is_synchronised()) is False:
        return Outcome("clock", Result.WARNING, f"the system says that nothing sets it (NTP){compared}")
    known = "" if synchronised else "; whether anything sets it (NTP), this system does not say"
    return Outcome("clock", Result.OK, f"{time.strftime('%FT%TZ', time.gmtime())}{compared}{known}")


def _is_synchronised() -> bool | None:
    """What adjtimex(2) says, which reads when it is asked to change nothing; None where there is no telling."""
    try:
        ask: Any = ctypes.CDLL(None, use_errno=True).adjtimex
        state: int = ask(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _NOT_SYNCHRONISED
