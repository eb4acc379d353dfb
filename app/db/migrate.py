"""Schema changes under a lock: of several starting processes one migrates, and the others wait and find it done."""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from app.db.config import CONNECT_SECONDS, SQLITE_BUSY_MS, postgres_credentials, sqlite_path
from app.db.locks import Lock
from app.errors import BadInput

FOLDER = Path(__file__).parents[1] / "migrations"
# Each migration is noted when it is complete.
_APPLIED = "SELECT name FROM tortoise_migrations WHERE app = 'app'"


async def migrate(url: str) -> list[str]:
    """Bring the schema of the database up to date; returns the names of the applied migrations.

    BadInput for a database that a newer version has migrated: this one would write rows that lack what that one needs.
    """
    known, applied = {path.stem for path in FOLDER.glob("[0-9]*.py")}, await _applied(url)
    if newer := sorted(applied - known):
        raise BadInput(
            f"RUNWATCH_DATABASE_URL: a newer version of Runwatch has migrated this database ({', '.join(newer)});"
            " run that version, or restore the backup from before its first start"
        )
    if known <= applied:
        return []
    # Here and not above: Tortoise takes a third of a second of CPU to import, and most starts have nothing to migrate.
    from app.db.migration_runner import run

    async with _lock(url):
        return await run(url)


async def _applied(url: str) -> set[str]:
    """The names of the migrations that were applied; none when there is no telling."""
    if url.startswith("sqlite:"):
        return await asyncio.to_thread(_applied_to_file, sqlite_path(url))
    import asyncpg

    connection = await asyncpg.connect(**{"timeout": CONNECT_SECONDS, **postgres_credentials(url)})
    try:
        return {name for (name,) in await connection.fetch(_APPLIED)}
    except asyncpg.UndefinedTableError:
        return set()
    finally:
        await connection.close()


def _applied_to_file(path: Path) -> set[str]:
    """BadInput when it is not a database: Tortoise would wait for its connection without end."""
    if not path.exists():
        return set()
    try:
        with closing(sqlite3.connect(path, timeout=SQLITE_BUSY_MS / 1000)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tortoise_migrations'").fetchone():
                return set()
            return {name for (name,) in connection.execute(_APPLIED)}
    except sqlite3.Error as error:
        raise BadInput(f"{path} cannot be opened as a database: {error}") from error


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
        with path.with_name(path.name + ".migrate-lock").open("a") as file:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
            yield  # closing the file unlocks it
    else:
        import asyncpg

        connection = await asyncpg.connect(**{"timeout": CONNECT_SECONDS, **postgres_credentials(url)})
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", Lock.MIGRATIONS)
            yield
        finally:
            await connection.close()
