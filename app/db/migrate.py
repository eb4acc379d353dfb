"""Schema changes under a lock: of several starting processes one migrates, and the others wait and find it done."""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from app.db.config import CONNECT_SECONDS, SQLITE_OPEN_SECONDS, is_pooled, postgres_credentials, sqlite_path
from app.db.locks import Lock
from app.db.schema_version import APPLIED, known, refusal
from app.db.sqlite_faults import fault_of
from app.errors import BadInput, Unavailable
from app.log import get_logger

# Without a word of the process that migrates, this one says why it waits.
PATIENCE_SECONDS = 1.0

log = get_logger(__name__)


async def migrate(url: str) -> list[str]:
    """Bring the schema of the database up to date; returns the names of the applied migrations.

    BadInput for a database that a newer version has migrated: this one would write rows that lack what that one needs.
    Unavailable, with what to do, for one that cannot be opened or changed.
    """
    applied = await _applied(url)
    if reason := refusal(applied):
        raise BadInput(f"RUNWATCH_DATABASE_URL: {_place(url)}: {reason}")
    if known() <= applied:
        return []
    if is_pooled(url):
        raise BadInput(
            "RUNWATCH_DATABASE_DIRECT_URL: not set, and there are migrations to apply: name Postgres itself, since"
            " their lock belongs to a session, which a pooler does not keep"
        )
    # Here and not above: Tortoise takes a third of a second of CPU to import, and most starts have nothing to migrate.
    from app.db.migration_runner import run

    async with _lock(url):
        return await run(url)


def _place(url: str) -> str:
    if url.startswith("sqlite:"):
        return str(sqlite_path(url))
    from app.db.postgres_faults import place_of

    return place_of(postgres_credentials(url))


async def _applied(url: str) -> set[str]:
    """The names of the migrations that were applied; none when there is no telling."""
    if url.startswith("sqlite:"):
        return await asyncio.to_thread(_applied_to_file, sqlite_path(url))
    import asyncpg

    connection = await _connect(url)
    try:
        return {name for (name,) in await connection.fetch(APPLIED, timeout=CONNECT_SECONDS)}
    except asyncpg.UndefinedTableError:
        return set()
    finally:
        await connection.close(timeout=CONNECT_SECONDS)


def _applied_to_file(path: Path) -> set[str]:
    """Unavailable when it is not a database, or cannot be made: Tortoise would wait for its connection without end."""
    try:
        if not path.exists():
            return set()
    except OSError as error:
        raise Unavailable(
            f"{path}: {error.strerror}: let the user of Runwatch into its folder, or name another"
        ) from None
    try:
        with closing(sqlite3.connect(path, timeout=SQLITE_OPEN_SECONDS)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tortoise_migrations'").fetchone():
                return set()
            return {name for (name,) in connection.execute(APPLIED)}
    except sqlite3.Error as error:
        raise fault_of(error, path) or error from error.__cause__


async def _connect(url: str, **settings: str) -> Any:
    """A connection to Postgres; Unavailable if there is none."""
    import asyncpg

    from app.db.postgres_faults import explained, place_of

    credentials = postgres_credentials(url)
    try:
        return await asyncpg.connect(**{"timeout": CONNECT_SECONDS, **credentials, "server_settings": settings})
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unavailable(explained(error, place_of(credentials))) from error


@asynccontextmanager
async def _lock(url: str) -> AsyncIterator[None]:
    if url.startswith("sqlite:"):
        path = sqlite_path(url)
        try:
            await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(
                f"RUNWATCH_DATABASE_URL: the folder {path.parent} cannot be made: {error.strerror}"
            ) from None
        lock = path.with_name(path.name + ".migrate-lock")
        try:
            opened = lock.open("a")
        except OSError as error:
            raise Unavailable(
                f"{lock}: cannot be opened ({error.strerror}): let this user write in its folder, or make room"
            ) from None
        with opened as file:
            async with _saying_why_it_waits():
                await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
            await asyncio.to_thread(_check_writable, path)
            yield  # closing the file unlocks it
    else:
        # A setting of a session, which a pooler refuses: the lock would stay with one of its connections.
        connection = await _connect(url, jit="off")
        try:
            async with _saying_why_it_waits():
                await connection.execute("SELECT pg_advisory_lock($1)", Lock.MIGRATIONS)
            yield
        finally:
            await connection.close(timeout=CONNECT_SECONDS)


@asynccontextmanager
async def _saying_why_it_waits() -> AsyncIterator[None]:
    """A migration of another process may take an hour, and who starts beside it is to know what it is waiting for."""
    loop = asyncio.get_running_loop()
    timer = loop.call_later(PATIENCE_SECONDS, log.warning, "waiting_for_another_process_that_migrates")
    try:
        yield
    finally:
        timer.cancel()


def _check_writable(path: Path) -> None:
    from app.db.sqlite import commit_nothing

    try:
        commit_nothing(path, SQLITE_OPEN_SECONDS)
    except sqlite3.Error as error:
        raise fault_of(error, path) or error from error.__cause__
