"""Slow distributors do not hold up the feed, and a feed that cannot read sends nobody away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app import changes
from app.changes.commits import Announcements
from app.changes.revisions import revision_of, updates_cursor
from app.db import Database
from app.errors import LimitExceeded, Unavailable
from app.executions.filters import ExecutionFilter
from app.ingestion import Ingestion
from app.live import feed as live_feed
from app.live.feed import Feed
from app.live.queue import Queue
from app.live.updates import Change
from tests.app.reports import events, report
from tests.sealing import SEALER

EVERYTHING = ExecutionFilter()


class Dawdler:
    """A distributor that is never done."""

    def __init__(self, *, is_full: bool) -> None:
        self.is_full = is_full
        self.fell_behind = 0

    async def done(self) -> None:
        await asyncio.Event().wait()

    def fall_behind(self) -> None:
        self.fell_behind += 1


@pytest.mark.slow
async def test_one_that_is_never_done_holds_up_nobody(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_feed, "SWEEP_SECONDS", 0.5)
    feed, dawdler = Feed(database), Dawdler(is_full=True)
    await feed.start()
    feed.distributors.add(dawdler)
    updates = feed.watch(EVERYTHING)
    first: asyncio.Task[Any] = asyncio.create_task(anext(updates))
    await asyncio.sleep(0.05)
    began = asyncio.get_running_loop().time()
    await Ingestion(database, SEALER, Announcements([lambda _: feed.notify()])).record(
        [one for number in range(30) for one in events([report("execution.queued")], f"run-{number}")]
    )
    found = [await first, *[await anext(updates) for _ in range(29)]]
    assert len({update.execution_id for update in found}) == 30
    assert asyncio.get_running_loop().time() - began < 8  # one wait, not thirty
    assert dawdler.fell_behind
    await updates.aclose()
    await feed.close()


async def test_one_that_takes_long_for_little_is_hardly_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_feed, "SWEEP_SECONDS", 1_000)
    feed, dawdler = Feed(database), Dawdler(is_full=False)
    await feed.start()
    feed.distributors.add(dawdler)
    updates = feed.watch(EVERYTHING)
    ingestion = Ingestion(database, SEALER, Announcements([lambda _: feed.notify()]))
    async with asyncio.timeout(20):
        for number in range(4):
            following = asyncio.ensure_future(anext(updates))
            await asyncio.sleep(0)
            await ingestion.record(events([report("execution.queued")], f"run-{number}"))
            await following
    assert not dawdler.fell_behind
    await updates.aclose()
    await feed.close()


@pytest.mark.slow
async def test_a_database_that_is_away_or_slow_is_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During a catch-up; a visible failure would end the subscription."""
    monkeypatch.setattr(live_feed, "SWEEP_SECONDS", 0.05)
    feed = Feed(database)
    await feed.start()
    cursor = updates_cursor(*await revision_of(database))
    await Ingestion(database, SEALER).record(events([report("execution.queued")]))
    await asyncio.sleep(0.2)  # it has no subscribers, and remembers nothing
    since, failures = changes.since, [Unavailable("gone"), LimitExceeded("a table is locked"), Unavailable("gone")]

    async def failing(*given: Any) -> Any:
        if failures:
            raise failures.pop()
        return await since(*given)

    monkeypatch.setattr(changes, "since", failing)
    updates = feed.watch(EVERYTHING, cursor)
    assert (await anext(updates)).execution is not None
    assert not failures
    await updates.aclose()
    await feed.close()


async def test_memory_for_a_distributor_that_never_catches_up_is_bounded(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_feed, "MAX_CATCH_UP", 5)
    feed, queue = Feed(database), Queue()
    await feed.start()
    ingestion = Ingestion(database, SEALER)
    catching_up: Any = feed.catch_up(feed.listen(EVERYTHING, queue), feed.position_of(None))
    said = []
    for number in range(30):
        await ingestion.record(events([report("execution.queued")], f"run-{number}"))
        await feed._next_read()
        if number:  # there is always another one
            update = await anext(catching_up)
            assert update.execution is not None
            said.append((update.change, update.execution.external_id))
    assert said == [(Change.CREATED, f"run-{number}") for number in range(29)]
    assert len(catching_up.ag_frame.f_locals["delivered"]) <= 5 + 2
    await catching_up.aclose()
    feed.leave(EVERYTHING, queue)
    await feed.close()
