"""Notifications of new log lines, for the followers of an execution's log in this process.

A notification has no content: its receiver reads the database. Writers in this process notify at once. One sweep, for
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


class LogFollower:
    """Somebody who follows the log of one execution."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """There are new lines."""
        self._event.set()

    async def notified(self) -> None:
        """Return as soon as there was a notification since the last call."""
        await self._event.wait()
        self._event.clear()


class LogNotifications(Sweep):
    """The followers of this process, by the execution whose log they follow."""

    def __init__(self, database: Database) -> None:
        super().__init__(self._look, "logs_not_looked_at", seconds=SWEEP_SECONDS)
        self._database = database
        self._followers: dict[str, set[LogFollower]] = {}
        self._known: dict[str, LogPosition] = {}  # what the last sweep found

    @property
    def followers(self) -> int:
        """How many followers there are."""
        return sum(map(len, self._followers.values()))

    def on_commit(self, committed: Committed) -> None:
        """Pass on what a transaction of this process changed; a listener of commits."""
        self.notify(committed.logged)

    def notify(self, execution_ids: Iterable[str]) -> None:
        """Notify the followers of these executions, which may have new lines."""
        for execution_id in execution_ids:
            for follower in self._followers.get(execution_id, ()):
                follower.notify()

    def notify_all(self) -> None:
        """Notify all followers: any execution may have new lines."""
        self.notify(self._followers)

    async def _look(self) -> None:
        """Notify the followers of executions whose logs have grown since the last sweep, or that are gone."""
        followed = list(self._followers)
        known: dict[str, LogPosition] = {}
        for start in range(0, len(followed), MAX_BATCH_LOOKUPS):
            known |= await logs.positions(self._database, followed[start : start + MAX_BATCH_LOOKUPS])
        self.notify(id_ for id_ in followed if id_ not in known or known[id_] != self._known.get(id_))
        self._known = known

    @contextmanager
    def follow(self, execution_id: str) -> Iterator[LogFollower]:
        """Follow the log of an execution, from now until the context ends."""
        follower = LogFollower()
        followers = self._followers.setdefault(execution_id, set())
        followers.add(follower)
        try:
            yield follower
        finally:
            followers.discard(follower)
            if not followers:
                self._followers.pop(execution_id, None)
