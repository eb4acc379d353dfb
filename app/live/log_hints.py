"""Hints that an execution has new log lines, to its followers in this process.

A hint is no news: whoever gets one looks into the database. Who writes in this process gives them at once; what others
write, a sweep finds, one for all followers.
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

# How late lines from another process may be shown.
SWEEP_SECONDS = 1.0
# Executions that are looked up by one statement; each is a look-up by primary key.
MAX_BATCH_LOOKUPS = 1_000


class Hints:
    """What one follower hears of one execution."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def give(self) -> None:
        """Say that there are new lines."""
        self._event.set()

    async def next(self) -> None:
        """Return as soon as a hint was given since the last call."""
        await self._event.wait()
        self._event.clear()


class LogSignals:
    """The followers of this process, by the execution whose log they follow. Without a database nothing is swept."""

    def __init__(self, database: Database | None = None) -> None:
        self._database = database
        self._followers: dict[str, set[Hints]] = {}
        self._known: dict[str, LogPosition] = {}  # what the last sweep found
        self._sweep = Sweep(self._look, "logs_not_looked_at", seconds=SWEEP_SECONDS)

    def start(self) -> None:
        """Sweep in the background."""
        self._sweep.start()

    async def close(self) -> None:
        """Sweep no more."""
        await self._sweep.close()

    @property
    def followers(self) -> int:
        """How many there are."""
        return sum(map(len, self._followers.values()))

    def hear(self, committed: Committed) -> None:
        """Pass on what a transaction of this process changed; a listener of commits."""
        self.hint(committed.logged)

    def hint(self, execution_ids: Iterable[str]) -> None:
        """Pass on that these executions may have new lines."""
        for execution_id in execution_ids:
            for hints in self._followers.get(execution_id, ()):
                hints.give()

    def hint_all(self) -> None:
        """Pass on that any execution may have new lines."""
        self.hint(self._followers)

    async def _look(self) -> None:
        """Give hints on those executions whose logs have grown since the last sweep, or that are gone."""
        followed = list(self._followers)
        known: dict[str, LogPosition] = {}
        for start in range(0, len(followed) if self._database else 0, MAX_BATCH_LOOKUPS):
            assert self._database is not None
            known |= await logs.positions(self._database, followed[start : start + MAX_BATCH_LOOKUPS])
        self.hint(id_ for id_ in followed if id_ not in known or known[id_] != self._known.get(id_))
        self._known = known

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
