"""Turns: whoever executes for long gives the loop back every few milliseconds, and credentials take turns.

One process has one for operations, and a database one for its transactions. Whatever begins within a turn of the event
loop shares its few milliseconds; who comes later, or needs more, waits for a turn of its own. Fifty long operations of
one token get no more turns than one of another.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from itertools import islice
from time import monotonic
from typing import TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")

# A request takes some ten turns of the loop, in each of which one other may run for so long.
SECONDS = 0.004


class Turns:
    """The turns of one event loop."""

    def __init__(self) -> None:
        self._ends = 0.0
        self._renewal: asyncio.Handle | None = None
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()  # by credential
        self._alone: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # as long as somebody has one
        self.pauses = 0  # how often somebody asked for one

    def is_over(self) -> bool:
        """Whether this turn of the loop has had enough. Of a new turn, the time begins to run."""
        if self._renewal is None:
            self._begin()
            return False
        return monotonic() >= self._ends

    async def pause(self, credential: str) -> None:
        """Wait for a turn if this one is over. Long work asks every millisecond."""
        self.pauses += 1
        if self.is_over():
            await self.wait(credential)

    async def wait(self, credential: str) -> None:
        """Wait for a turn: after those of the same credential, and in turn with all others."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(credential, deque()).append(future)
        if self._renewal is None:
            self._begin()
        await future
        self._ends = monotonic() + SECONDS

    def alone(self, credential: str) -> asyncio.Lock:
        """For what a credential does one at a time: together, their reads would take the connections of everybody."""
        lock = self._alone.get(credential)
        if lock is None:
            lock = self._alone[credential] = asyncio.Lock()
        return lock

    def _begin(self) -> None:
        self._ends = monotonic() + SECONDS
        self._renewal = asyncio.get_running_loop().call_soon(self._renew)

    def _renew(self) -> None:
        self._renewal = None
        while self._waiting:
            credential, futures = self._waiting.popitem(last=False)
            future = futures.popleft()
            if futures:
                self._waiting[credential] = futures  # behind the others
            if not future.done():
                future.set_result(None)
                self._begin()
                return


def pieces(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """The items, so many at a time: what is done of them between two pauses."""
    rest = iter(items)
    while piece := tuple(islice(rest, size)):
        yield piece
