"""Places for transactions outside of groups: so many at a time, and engines in turn.

Each has the whole of a database's connection, and as many as there are bodies in work would take all of those that
write: another engine's events, and an administrator's retry, would wait for a second or two behind one engine's flood.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.db.dialect import Dialect


class Places:
    """At most `most` at a time, `of_one` of them of one engine. Of those that wait, engines are next in turn."""

    def __init__(self, most: int, of_one: int) -> None:
        self._free = most
        self._of_one = of_one
        self._taken: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @classmethod
    def of(cls, dialect: Dialect) -> Places:
        """SQLite runs one transaction, and one is next: behind 192 larger bodies single events waited for 3 s.

        Postgres syncs the disk once for all that commit meanwhile: three beside each other store a third of ten.
        Of its ten connections that write (app/db/postgres_pools.py) two are left to groups and to what people do; and
        of the others two to engines besides one whose events wait for a lock.
        """
        return cls(2, 2) if dialect.writes_alone else cls(8, 6)

    @asynccontextmanager
    async def place(self, engine: str) -> AsyncIterator[None]:
        """One of them, as long as the block runs."""
        if self._free and self._taken[engine] < self._of_one:
            self._take(engine)
        else:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(engine, deque()).append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave(engine)
                raise
        try:
            yield
        finally:
            self._leave(engine)

    def _take(self, engine: str) -> None:
        self._free -= 1
        self._taken[engine] += 1

    def _leave(self, engine: str) -> None:
        self._free += 1
        self._taken[engine] -= 1
        if not self._taken[engine]:
            del self._taken[engine]
        while self._free and (next_ := self._next()) is not None:
            self._take(next_)

    def _next(self) -> str | None:
        """The engine whose turn it is, which has been told so; None if nobody may have a place."""
        for engine, turns in [*self._waiting.items()]:
            if self._taken[engine] >= self._of_one:
                continue
            del self._waiting[engine]
            while turns and turns[0].done():
                turns.popleft()  # it was called off
            if turns:
                turns.popleft().set_result(None)
                if turns:
                    self._waiting[engine] = turns  # behind the others
                return engine
        return None
