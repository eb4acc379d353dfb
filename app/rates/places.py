"""Places: how many requests of one key run at a time, and how many wait for a place, for how long."""

from __future__ import annotations

import asyncio
from collections import deque

from app.errors import RateLimited

# In a queue: 30 people whose pages ask for five things each.
MAX_WAITING = 150
# Clients and proxies give up at 30 s.
WAIT_SECONDS = 10.0


class Places:
    """The places of all keys."""

    def __init__(self, most: int, setting: str, what: str, seconds: float = WAIT_SECONDS) -> None:
        self._most = most
        self._setting = setting
        self._what = what
        self._seconds = seconds
        self._running: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def enter(self, key: str) -> None:
        """Take a place, or wait for one; RateLimited when too many wait already, or it takes too long."""
        running = self._running.get(key, 0)
        if running < self._most:
            self._running[key] = running + 1
            return
        queue = self._waiting.setdefault(key, deque())
        if len(queue) >= MAX_WAITING:
            raise self._refusal()
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout(self._seconds):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.leave(key)  # it came, and goes to the next
            elif turn in queue:
                queue.remove(turn)
            if isinstance(error, TimeoutError):
                raise self._refusal() from None
            raise

    def leave(self, key: str) -> None:
        """Give a place back: it is the next one's."""
        queue = self._waiting.get(key)
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._waiting.pop(key, None)
        running = self._running[key] - 1
        if running:
            self._running[key] = running
        else:
            del self._running[key]

    def _refusal(self) -> RateLimited:
        return RateLimited(self._what, limit=self._setting, value=self._most, seconds=1)
