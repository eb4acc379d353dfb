"""What is left open at the end."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import asyncpg

from app.db.sqlite_reader import READER
from specs.harness.servers.backends import known_backends
from specs.harness.servers.pool import APPLICATION as POOL


async def is_let_go(url: str) -> bool:
    """Whether nobody is connected to a database: on SQLite, each connection of this process is a thread."""
    if url.startswith("sqlite"):
        return not any("worker_thread" in each.name or each.name == READER for each in threading.enumerate())
    connection = await asyncpg.connect(url)
    try:
        others = "datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        others += f" AND application_name <> '{POOL}' AND pid <> ALL ($1::int[])"
        at = urlsplit(url)
        kept = known_backends(at.hostname, at.port)
        parted = kept.pids(at.path[1:]) if kept is not None else []
        return not await connection.fetch(f"SELECT pid FROM pg_stat_activity WHERE {others}", parted)
    finally:
        await connection.close()
