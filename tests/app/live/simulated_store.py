"""What a database does for feeds, in memory: reads come at random moments or fail, and notifications get lost."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from app import changes, engines
from app.changes import Changed, revisions
from app.engines import Engine, EngineKind
from app.errors import Unavailable
from app.executions import Execution
from app.executions.filters import ExecutionFilter
from app.executions.predicate import predicate
from app.lifecycle import State
from app.live import feed as live_feed
from app.live import groups, queue
from app.live.groups import Group
from app.live.member import Member

NAMES = {"a" * 32: "alpha", "b" * 32: "beta"}
EPOCH = "aa"


@dataclass(frozen=True)
class Chances:
    """How often what goes wrong."""

    failed_read: float
    lost_notification: float
    failed_result: float
    spent: float
    full: float


class Store:
    """What the database does for a feed: revisions become visible in their order, and are read at some moment since."""

    def __init__(self, choice: random.Random, chances: Chances) -> None:
        self.choice = choice
        self.chances = chances
        self.revision = 0
        self.rows: dict[str, Execution] = {}
        self.changed: dict[str, Changed] = {}
        self.listeners: list[Callable[[], None]] = []
        self.calm = False  # nothing goes wrong any more

    def happens(self, chance: float) -> bool:
        return not self.calm and self.choice.random() < chance

    async def passes(self, most: float = 0.05) -> None:
        """Some time, or only a turn of the loop."""
        await asyncio.sleep(self.choice.choice((0, 0, self.choice.uniform(0, most))))

    def commit(self, rows: Sequence[tuple[str, Execution | None]]) -> None:
        for id_, row in rows:
            self.revision += 1
            known = self.changed.get(id_)
            if row is None:
                del self.rows[id_]
            else:
                self.rows[id_] = row
            ends = row is not None and row.state.finished and (known is None or known.execution != row)
            self.changed[id_] = Changed(
                self.revision,
                id_,
                row,
                self.revision if known is None else known.created,
                self.revision if ends else (0 if known is None else known.finished),
                0 if known is None else known.revision,
            )
        for listener in self.listeners:
            if not self.happens(self.chances.lost_notification):
                listener()

    async def read(self, look: Callable[[], Any]) -> Any:
        await self.passes()
        if self.happens(self.chances.failed_read):
            raise Unavailable("gone")
        found = look()
        await self.passes()
        if self.happens(self.chances.failed_read):
            raise Unavailable("gone")
        return found

    async def since(self, revision: int, limit: int) -> Sequence[Changed]:
        def look() -> list[Changed]:
            newer = (each for each in self.changed.values() if each.revision > revision)
            return sorted(newer, key=lambda each: each.revision)[:limit]

        return await self.read(look)  # type: ignore[no-any-return]

    async def count_since(self, revision: int, limit: int) -> int:
        def look() -> int:
            return min(sum(each.revision > revision for each in self.changed.values()), limit)

        return await self.read(look)  # type: ignore[no-any-return]

    async def counter(self) -> tuple[str, int, int]:
        return await self.read(lambda: (EPOCH, self.revision, 0))  # type: ignore[no-any-return]

    async def engines(self) -> list[Engine]:
        def look() -> list[Engine]:
            known = {row.engine_id for row in self.rows.values()}
            return [Engine(id_, name, EngineKind.NONE) for id_, name in NAMES.items() if id_ in known]

        return await self.read(look)  # type: ignore[no-any-return]

    def shown(self, where: ExecutionFilter) -> dict[str, State]:
        """What a list shows now."""
        test = predicate(where, NAMES, {})
        return {id_: row.state for id_, row in self.rows.items() if test(row)}


def install(patch: pytest.MonkeyPatch, choice: random.Random) -> None:
    """Have the modules ask stores, and let all bounds be reached."""
    patch.setattr(changes, "since", lambda store, revision, limit: store.since(revision, limit))
    patch.setattr(changes, "count_since", lambda store, revision, limit: store.count_since(revision, limit))
    patch.setattr(revisions, "counter_of", lambda store: store.counter())
    patch.setattr(engines, "list_engines", lambda store: store.engines())
    patch.setattr(live_feed, "MAX_REMEMBERED", choice.choice((2, 5, 10_000)))
    patch.setattr(live_feed, "MAX_BATCH_CHANGES", choice.choice((1, 2, 500)))
    patch.setattr(live_feed, "MAX_CATCH_UP", choice.choice((20, 5_000, 5_000)))
    patch.setattr(queue, "MAX_WAITING", choice.choice((2, 256)))
    patch.setattr(groups, "ENOUGH_QUEUED", choice.choice((4, 20_000)))
    patch.setattr(groups, "MAX_QUEUED", choice.choice((8, 100_000)))
    patch.setattr(groups, "MAX_KEPT", choice.choice((1, 1_000)))
    patch.setattr(groups, "SENT_TOGETHER_BYTES", choice.choice((1, 16 * 1024)))
    # Sets of them have the same order in each run.
    numbers = itertools.count()
    for kind in (queue.Queue, groups._Audience, Group, Member):
        patch.setattr(kind, "__hash__", lambda each: each.__dict__.setdefault("number", next(numbers)))
