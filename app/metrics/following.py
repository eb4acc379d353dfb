"""Figures that are followed: read again when executions have changed, once a process for all who follow the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from typing import Any, TypeVar

from app import clock
from app.changes.revisions import revision_of
from app.db import Database
from app.sweep import Sweep

T = TypeVar("T")

# Figures of days change little in less, and a read of them is dear.
SECONDS = 15.0


class MetricsFeed:
    """Tells followers when to read figures again, and has them share what they read. Used from one event loop."""

    def __init__(self, database: Database, seconds: float = SECONDS) -> None:
        self._database = database
        self._followers = 0
        self._position: tuple[str, int] | None = None  # the newest change, as of the last look
        self._moment = 0
        self._moved = asyncio.Condition()
        self._reads: dict[Hashable, asyncio.Task[Any]] = {}
        self._sweep = Sweep(self._look, "metrics_not_followed", seconds=seconds)

    async def start(self) -> None:
        """Begin to look for changes; without followers that costs nothing."""
        await self._sweep.start()

    async def close(self) -> None:
        """Stop looking."""
        await self._sweep.close()

    async def moments(self) -> AsyncGenerator[int, None]:
        """When to read, in µs since the epoch: now, and after each look that found a change. Who is slow misses some.

        All followers get the same moments, so that windows that end with them are the same.
        """
        if not self._followers:
            # Before anything is read: what changes after this is found by the next look.
            self._position = await revision_of(self._database)
        self._followers += 1
        try:
            seen = self._moment
            now = clock.now_us()
            yield now - now % clock.SECOND  # several that open the same page share its first figures
            while True:
                async with self._moved:
                    while self._moment == seen:
                        await self._moved.wait()
                seen = self._moment
                yield seen
        finally:
            self._followers -= 1

    async def share(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """What `read` gives, for all who ask with an equal key before the next look; raises what it raises."""
        task = self._reads.get(key)
        if task is None:
            task = self._reads[key] = asyncio.create_task(_awaited(read))
            task.add_done_callback(lambda done: self._forget_failed(key, done))
        result: T = await asyncio.shield(task)  # one that goes away must not take it from the others
        return result

    async def _look(self) -> None:
        self._reads.clear()
        if not self._followers:
            return
        position = await revision_of(self._database)
        if position == self._position:
            return
        self._position = position
        async with self._moved:
            now = clock.now_us()
            self._moment = now + (now == self._moment)  # another one, which is before the last if the clock is put back
            self._moved.notify_all()

    def _forget_failed(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        if (task.cancelled() or task.exception() is not None) and self._reads.get(key) is task:
            del self._reads[key]


async def _awaited(read: Callable[[], Awaitable[T]]) -> T:
    return await read()
