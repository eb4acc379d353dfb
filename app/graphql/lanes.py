"""The fields of one operation that wait for something: how many start, or go on, within a turn of the loop.

Those of one level may be thousands. Together, they would hold the loop for a tenth of a second; but so many that a
loader has the keys of a page in one statement run within one turn, however slow the machine.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

# By graphql-core and Strawberry each takes 30 to 50 µs. A page of 50 rows has up to ten that wait for each row, which
# are to share a statement.
TOGETHER = 512


class Lane:
    """One operation's. `turn` waits for its turn among all operations."""

    __slots__ = ("_left", "_renewal", "_task", "_turn", "_waiting")

    def __init__(self, turn: Callable[[], Awaitable[None]]) -> None:
        self._turn = turn
        self._left = TOGETHER
        self._renewal: asyncio.Handle | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Go on, at once or in a later turn."""
        while self._left <= 0:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future
        self.take(1)

    def take(self, fields: int) -> None:
        """So many go on in this turn."""
        self._left -= fields
        if self._renewal is None and self._task is None:
            self._renewal = asyncio.get_running_loop().call_soon(self._renew)

    def _renew(self) -> None:
        self._renewal = None
        if self._waiting:
            self._task = asyncio.get_running_loop().create_task(self._next())
        else:
            self._left = TOGETHER

    async def _next(self) -> None:
        """Let the next ones go on, in our turn."""
        try:
            await self._turn()
        finally:
            self._task = None
            self._left = TOGETHER
            self._renewal = asyncio.get_running_loop().call_soon(self._renew)
            for _ in range(min(TOGETHER, len(self._waiting))):
                future = self._waiting.popleft()
                if not future.done():
                    future.set_result(None)
