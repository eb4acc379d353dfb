"""Hints that an execution has new log lines, from the writers of this process to its followers.

A hint is no news: whoever gets one looks into the database, and looks there every SWEEP_SECONDS without one as well,
because other processes write too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from app.ingestion import Committed

# How late lines from another process may be shown. Each follower then costs one look-up by primary key, 0.1 ms.
SWEEP_SECONDS = 1.0


class Hints:
    """What one follower hears of one execution."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def give(self) -> None:
        """Say that there are new lines."""
        self._event.set()

    async def next(self, seconds: float = SWEEP_SECONDS) -> None:
        """Return as soon as a hint was given since the last call, at the latest after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()


class LogSignals:
    """The followers of this process, by the execution whose log they follow."""

    def __init__(self) -> None:
        self._followers: dict[str, set[Hints]] = {}

    @property
    def followers(self) -> int:
        """How many there are."""
        return sum(map(len, self._followers.values()))

    def hear(self, committed: Committed) -> None:
        """Pass on what a transaction of this process changed; a listener of Ingestion."""
        self.hint(committed.logged)

    def hint(self, execution_ids: Iterable[str]) -> None:
        """Pass on that these executions may have new lines."""
        for execution_id in execution_ids:
            for hints in self._followers.get(execution_id, ()):
                hints.give()

    def hint_all(self) -> None:
        """Pass on that any execution may have new lines."""
        self.hint(self._followers)

    @contextmanager
    def follow(self, execution_id: str) -> Iterator[Hints]:
        """The hints on an execution, from now until the context is left."""
        hints = Hints()
        followers = self._followers.setdefault(execution_id, set())
        followers.add(hints)
        try:
            yield hints
        finally:
            followers.discard(hints)
            if not followers:
                self._followers.pop(execution_id, None)
