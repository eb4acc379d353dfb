"""Schema changes under a lock: of several starting processes one migrates, and the others wait and find it done."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from tortoise import Tortoise
from tortoise.migrations.api.migrate import migrate as tortoise_migrate

from app.db.config import connection_config, sqlite_path, tortoise_config
from app.db.locks import Lock


async def migrate(url: str) -> list[str]:
    """Bring the schema of the database up to date; returns the names of the applied migrations."""
    applied: list[str] = []

    def note(event: str, app_label: str, name: str) -> None:
        if event == "apply_done":
            applied.append(name)

    async with _lock(url):
        try:
            await tortoise_migrate(config=tortoise_config(connection_config(url)), progress=note)
        finally:
            await Tortoise.close_connections()
    return applied


@asynccontextmanager
async def _lock(url: str) -> AsyncIterator[None]:
    if url.startswith("sqlite:"):
        path = sqlite_path(url)
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        with path.with_name(path.name + ".migrate-lock").open("a") as file:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
            yield  # closing the file unlocks it
    else:
        connection = await asyncpg.connect(**connection_config(url)["credentials"])
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", Lock.MIGRATIONS)
            yield
        finally:
            await connection.close()
