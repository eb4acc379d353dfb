"""Reads that several ask for at once, done once for all of them and never for somebody who asked after they began."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedReads(Generic[T]):
    """Reads values by key. Whoever asks while a read of a key is under way shares the next one with all others.

    So nobody gets what was read before they asked: a revoked token is refused by the first request after it.
    """

    def __init__(self, read: Callable[[str], Awaitable[T]]) -> None:
        self._read = read
        self._asking: dict[str, list[asyncio.Future[T]]] = {}  # keys that are being read, and who asked since
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, key: str) -> T:
        """The value of the key, read after this call; raises what reading raises."""
        asking = self._asking.get(key)
        if asking is not None:
            found: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            asking.append(found)
            return await found
        self._asking[key] = []
        try:
            return await self._read(key)
        finally:
            self._next(key)

    def _next(self, key: str) -> None:
        """A read of the key is over: begin the next one if somebody has asked meanwhile."""
        asking = self._asking.pop(key)
        if asking:
            self._asking[key] = []
            task = asyncio.create_task(self._read_for(key, asking))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _read_for(self, key: str, asking: list[asyncio.Future[T]]) -> None:
        try:
            value = await self._read(key)
        except Exception as error:
            for each in asking:
                if not each.done():
                    each.set_exception(error)
        else:
            for each in asking:
                if not each.done():
                    each.set_result(value)
        finally:
            self._next(key)
