"""Changes that wait for one subscriber to ask for them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from app.changes import Changed

# Executions that wait. A subscriber with more to hear of reads the rest again when it gets there.
MAX_WAITING = 256


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change that waits for a subscriber, who knows its execution up to the revision `before`."""

    changed: Changed
    matches: bool
    before: int


class Queue:
    """Each execution once, in the order of revisions, so that a cursor has no gap."""

    subscribers = 1

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, Waiting] = OrderedDict()
        self._news = asyncio.Event()
        self._behind = False

    def put(self, changed: Changed, matches: bool, before: int) -> None:
        """Keep a change, replacing an earlier one of the same execution. `before` is an earlier revision of it."""
        if self._behind:
            return
        earlier = self._waiting.pop(changed.execution_id, None)
        self._waiting[changed.execution_id] = Waiting(changed, matches, before if earlier is None else earlier.before)
        if len(self._waiting) > MAX_WAITING:
            self.fall_behind()
        self._news.set()

    def fall_behind(self) -> None:
        """Drop the queue: the subscriber has to read what it contained."""
        self._waiting.clear()
        self._behind = True
        self._news.set()

    async def next(self) -> Waiting | None:
        """The next change; None: read what has changed since. From then on the queue fills again."""
        while not (self._waiting or self._behind):
            self._news.clear()
            await self._news.wait()
        if self._behind:
            self._behind = False
            return None
        return self._waiting.popitem(last=False)[1]
