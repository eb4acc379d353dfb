"""Reads that several ask for at once, done once for all of them and never for somebody who asked after they began."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")

# How long a read waits for others at most, however long the last one took.
MOST_REST_SECONDS = 0.002


class SharedReads(Generic[T]):
    """Reads values by key. Whoever asks while a read of a key is under way shares the next one with all others.

    So nobody gets what was read before they asked: a revoked token is refused by the first request after it. Before the
    next read of a key, `rest` times as long passes as the last took: where requests of one token come without end, and
    never at once, there was a read for every two of them.
    """

    def __init__(self, read: Callable[[str], Awaitable[T]], *, rest: float = 0.0) -> None:
        self._read = read
        self._rest = rest
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
        began = monotonic()
        try:
            return await self._read(key)
        finally:
            self._next(key, monotonic() - began)

    def _next(self, key: str, took: float) -> None:
        """A read of the key is over: begin the next one if somebody has asked meanwhile."""
        if self._asking[key]:
            task = asyncio.create_task(self._read_for(key, min(took * self._rest, MOST_REST_SECONDS)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            del self._asking[key]

    async def _read_for(self, key: str, rest: float) -> None:
        if rest:
            await asyncio.sleep(rest)
        asking, self._asking[key] = self._asking[key], []
        began = monotonic()
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
            self._next(key, monotonic() - began)
