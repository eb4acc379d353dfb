"""What else one could write: starlette, and a row and a commit for each event. It checks, merges and announces nothing.

Its database is that of RUNWATCH_DATABASE_URL, in a table of its own.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TABLE = "CREATE TABLE IF NOT EXISTS bare_events (event TEXT NOT NULL)"
INSERT = "INSERT INTO bare_events VALUES "

_store: Callable[[str], Awaitable[object]]


@asynccontextmanager
async def _open(_: Starlette) -> AsyncIterator[None]:
    global _store
    url = os.environ["RUNWATCH_DATABASE_URL"]
    if url.startswith("postgres"):
        async with asyncpg.create_pool(url, min_size=10) as pool:
            await pool.execute(TABLE)
            _store = lambda event: pool.execute(f"{INSERT}($1)", event)  # noqa: E731
            yield
        return
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(TABLE)
    one = asyncio.Lock()

    async def store(event: str) -> None:
        async with one:
            await asyncio.to_thread(connection.execute, f"{INSERT}(?)", (event,))

    _store = store
    yield
    connection.close()


async def _receive(request: Request) -> Response:
    await _store((await request.body()).decode())
    return Response(b'{"accepted":1,"rejected":[]}', 202, media_type="application/json")


app = Starlette(routes=[Route("/api/events", _receive, methods=["POST"])], lifespan=_open)
