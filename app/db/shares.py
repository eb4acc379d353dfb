"""A share of a database's reading connections: for one operation, or for one kind of reads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

from app.db import Database, Row

# Of one operation: its second statement hides the way to the database of its first, and a third would take the
# connections of others. SQLite has four that read lists.
MAX_READS = 2


class _Share:
    """Passes on all but reads, of which `most` run at a time. Their order is that in which they came."""

    __slots__ = ("_database", "_most", "_running", "_waiting")

    def __init__(self, database: Database, most: int) -> None:
        self._database = database
        self._most = most
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def fetch(self, sql: str, *params: Any) -> Sequence[Row]:
        """See Database."""
        await self._begin()
        try:
            return await self._database.fetch(sql, *params)
        finally:
            self._end()

    async def fetch_long(self, sql: str, *params: Any) -> Sequence[Row]:
        """See Database. Whoever waits for its turn here takes no place from others."""
        await self._begin()
        try:
            return await self._database.fetch_long(sql, *params)
        finally:
            self._end()

    async def _begin(self) -> None:
        if self._running < self._most:
            self._running += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._end()  # it came, and goes to the next
            raise

    def _end(self) -> None:
        """A read is over: its place is the next one's."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._running -= 1


def share_of(database: Database, most: int = MAX_READS) -> Database:
    """The database, of which at most so many reads run at a time. Transactions and reads by key are as ever."""
    return cast("Database", _Share(database, most))
