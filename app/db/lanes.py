"""Connections of asyncpg's pool that stay with those who read.

asyncpg's own acquire and release start a task and wrap the connection anew for every statement: 45 µs of CPU, as much
as most statements take. A lane gives a connection back only when a statement on it failed or was cancelled; the pool
knows how to clean up after both. What is prepared goes straight to the protocol, past a dozen functions of asyncpg's:
they took 17 of the 450 µs in which a process on its own answers a request that reads a token alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from app.db.semaphore import Semaphore

# How long a connection may take to forget a statement that was cancelled; then it is ended instead.
FORGET_SECONDS = 2.0
# Somebody has changed a table, or a type, since a statement was prepared.
OUTDATED = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)


class Lane:
    """At most `size` connections of a pool, the one used last first."""

    def __init__(self, pool: asyncpg.Pool[Any], size: int, begin: str = "") -> None:
        self._pool = pool
        self._begin = begin  # of a transaction for each statement, if it needs one
        self._places = Semaphore(size)
        self._idle: list[PoolConnectionProxy[Any]] = []
        self._busy: set[PoolConnectionProxy[Any]] = set()
        self._closed = False

    @property
    def busy(self) -> int:
        """How many connections have a statement under way."""
        return len(self._busy)

    async def fetch(self, sql: str, params: Sequence[Any]) -> Sequence[Any]:
        """The rows of one statement; raises as asyncpg does."""
        if not self._places.take():
            await self._places.wait()
        try:
            connection = self._idle.pop() if self._idle else await self._pool.acquire()
            self._busy.add(connection)
            try:
                rows = await self._rows(connection, sql, params)
            except BaseException as error:
                if isinstance(error, TimeoutError) or (self._begin and not await is_rolled_back(connection)):
                    end(connection)
                with suppress(TimeoutError):
                    await self._pool.release(connection, timeout=FORGET_SECONDS)
                raise
            finally:
                self._busy.discard(connection)
            if self._closed:
                await self._pool.release(connection)
            else:
                self._idle.append(connection)
            return rows
        finally:
            self._places.leave()

    async def _rows(self, connection: PoolConnectionProxy[Any], sql: str, params: Sequence[Any]) -> Sequence[Any]:
        rows: Sequence[Any]
        if self._begin:
            await connection.execute(self._begin)
            rows = await connection.fetch(sql, *params)
            await connection.execute("COMMIT")
            return rows
        own = connection._con  # None once it is lost
        prepared = None if own is None else own._stmt_cache.get((sql, asyncpg.Record, False))
        if prepared is not None:
            try:
                rows = await own._protocol.bind_execute(prepared, params, "", 0, False, None)
            except OUTDATED:
                pass  # asyncpg's own way prepares it anew
            else:
                return rows
        rows = await connection.fetch(sql, *params)
        return rows

    async def renew(self) -> None:
        """End all idle connections: they may be dead, and a farewell that nobody answers would be waited for."""
        while self._idle:
            connection = self._idle.pop()
            end(connection)
            await self._pool.release(connection)

    def end_all(self) -> None:
        """End every connection at once, with the statements that wait for an answer: they fail as if it had died."""
        for connection in (*self._busy, *self._idle):
            end(connection)

    async def close(self) -> None:
        """Give every connection back, those in use after their statement."""
        self._closed = True
        while self._idle:
            await self._pool.release(self._idle.pop())


async def is_rolled_back(connection: PoolConnectionProxy[Any]) -> bool:
    """Whether the transaction of a connection has ended, so that others can use it; not if it is lost."""
    try:
        await connection.execute("ROLLBACK")
    except BaseException:  # even a cancellation: callers raise what has failed before
        return False
    return True


def end(connection: PoolConnectionProxy[Any]) -> None:
    """End a connection without a word to the server. One that is lost is none already."""
    with suppress(asyncpg.InterfaceError):
        connection.terminate()
