"""Connections of asyncpg's pool that stay with those who read.

asyncpg's own acquire and release start a task and wrap the connection anew for every statement: 45 µs of CPU, as much
as most statements take. A lane gives a connection back only when a statement on it failed or was cancelled; the pool
knows how to clean up after both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

# How long a connection may take to forget a statement that was cancelled; then it is ended instead.
FORGET_SECONDS = 2.0


class Lane:
    """At most `size` connections of a pool, the one used last first."""

    def __init__(self, pool: asyncpg.Pool[Any], size: int, begin: str = "") -> None:
        self._pool = pool
        self._begin = begin  # of a transaction for each statement, if it needs one
        self._free = asyncio.Semaphore(size)
        self._idle: list[PoolConnectionProxy[Any]] = []
        self._busy: set[PoolConnectionProxy[Any]] = set()
        self._closed = False

    @property
    def busy(self) -> int:
        """How many connections have a statement under way."""
        return len(self._busy)

    async def fetch(self, sql: str, params: Sequence[Any]) -> Sequence[Any]:
        """The rows of one statement; raises as asyncpg does."""
        async with self._free:
            connection = self._idle.pop() if self._idle else await self._pool.acquire()
            self._busy.add(connection)
            try:
                if self._begin:
                    await connection.execute(self._begin)
                rows: Sequence[Any] = await connection.fetch(sql, *params)
                if self._begin:
                    await connection.execute("COMMIT")
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
