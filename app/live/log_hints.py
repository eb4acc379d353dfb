"""Hints that an execution has new log lines, for its followers in this process.

A hint is not the news itself: whoever gets one reads the database. Writers in this process hint at once. One sweep, for
all followers, finds what other processes write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from app.changes.commits import Committed
from app.db import Database
from app.executions import logs
from app.executions.logs import LogPosition
from app.sweep import Sweep

# How late lines from another process may appear.
SWEEP_SECONDS = 1.0
# Executions per statement; each is a look-up by primary key.
MAX_BATCH_LOOKUPS = 1_000


class Hints:
    """The hints that one follower receives about one execution."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def give(self) -> None:
        """Hint at new lines."""
        self._event.set()

    async def next(self) -> None:
        """Return as soon as there was a hint since the last call."""
        await self._event.wait()
        self._event.clear()


class LogSignals:
    """The followers of this process, by the execution whose log they follow. Without a database it does not sweep."""

    def __init__(self, database: Database | None = None) -> None:
        self._database = database
        self._followers: dict[str, set[Hints]] = {}
        self._known: dict[str, LogPosition] = {}  # what the last sweep found
        self._sweep = Sweep(self._look, "logs_not_looked_at", seconds=SWEEP_SECONDS)

    async def start(self) -> None:
        """Sweep in the background."""
        await self._sweep.start()

    async def close(self) -> None:
        """Stop sweeping."""
        await self._sweep.close()

    @property
    def followers(self) -> int:
        """How many followers there are."""
        return sum(map(len, self._followers.values()))

    def hear(self, committed: Committed) -> None:
        """Pass on what a transaction of this process changed; a listener of commits."""
        self.hint(committed.logged)

    def hint(self, execution_ids: Iterable[str]) -> None:
        """Hint that these executions may have new lines."""
        for execution_id in execution_ids:
            for hints in self._followers.get(execution_id, ()):
                hints.give()

    def hint_all(self) -> None:
        """Hint that any execution may have new lines."""
        self.hint(self._followers)

    async def _look(self) -> None:
        """Hint at executions whose logs have grown since the last sweep, or that are gone."""
        followed = list(self._followers)
        known: dict[str, LogPosition] = {}
        for start in range(0, len(followed) if self._database else 0, MAX_BATCH_LOOKUPS):
            assert self._database is not None
            known |= await logs.positions(self._database, followed[start : start + MAX_BATCH_LOOKUPS])
        self.hint(id_ for id_ in followed if id_ not in known or known[id_] != self._known.get(id_))
        self._known = known

    @contextmanager
    def follow(self, execution_id: str) -> Iterator[Hints]:
        """The hints on an execution, from now until the context ends."""
        hints = Hints()
        followers = self._followers.setdefault(execution_id, set())
        followers.add(hints)
        try:
            yield hints
        finally:
            followers.discard(hints)
            if not followers:
                self._followers.pop(execution_id, None)
