"""What a Postgres server says of itself, over a connection that ends at once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from app.db.config import CONNECT_SECONDS, postgres_credentials
from app.db.schema_version import APPLIED

# Which database of which server this is: its name, and when that server was started.
Place = tuple[str, datetime]

# Without named statements, which a pooler of transactions gives to somebody else's connection.
_PLAIN = {"timeout": CONNECT_SECONDS, "statement_cache_size": 0}
_QUESTION = """
SELECT current_setting('server_version_num')::int / 10000, pg_is_in_recovery(), current_setting('max_connections')::int,
  current_database(), pg_postmaster_start_time(), extract(epoch FROM clock_timestamp())::float8
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What it says."""

    version: int
    is_standby: bool
    connections: int
    place: Place
    applied: set[str]  # migrations
    ahead_seconds: float  # its clock, of ours


async def asked(url: str) -> Facts:
    """Ask the server of a postgres:// URL. Raises what asyncpg does."""
    import asyncpg

    connection = await asyncpg.connect(**{**postgres_credentials(url), **_PLAIN})
    try:
        before = time.time()
        version, is_standby, connections, name, started_at, there = await connection.fetchrow(_QUESTION)
        ahead = there - (before + time.time()) / 2
        try:
            applied = {migration for (migration,) in await connection.fetch(APPLIED)}
        except asyncpg.UndefinedTableError:
            applied = set()
    finally:
        connection.terminate()
    return Facts(version, is_standby, connections, (name, started_at), applied, ahead)
