"""A returning subscriber, even at a process that knows less, receives what leaves its filter, and nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from app.changes import revisions
from app.changes.commits import Announcements
from app.db import Database
from app.executions.filters import ExecutionFilter
from app.ingestion import Ingestion
from app.lifecycle import State, Status
from app.live import feed as live_feed
from app.live.feed import Feed
from app.live.updates import Change, Update
from specs.harness.waiting import until
from tests.app.reports import events, report
from tests.sealing import SEALER

pytestmark = pytest.mark.slow

EVERYTHING = ExecutionFilter()
WAITING = ExecutionFilter(states=(State.WAITING,))
PENDING = ExecutionFilter(statuses=(Status.PENDING,))


@pytest.fixture
async def feeds(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Feed]]:
    """Those of two processes, which read when somebody notifies them, and not by themselves."""
    monkeypatch.setattr(live_feed, "SWEEP_SECONDS", 1_000)
    feeds = [Feed(database), Feed(database)]
    for feed in feeds:
        first = feed._has_read
        await feed.start()
        await first.wait()  # it looks once by itself
    yield feeds
    for feed in feeds:
        await feed.close()


async def told(updates: AsyncIterator[Update]) -> tuple[Change, bool]:
    """The next update."""
    async with asyncio.timeout(10):
        update = await anext(updates)
    return update.change, update.matches


async def has_read(feed: Feed, database: Database) -> None:
    """Wait until a feed has handed on all that was committed."""
    _, newest = await revisions.revision_of(database)
    await until(lambda: feed.position_of(None).revision >= newest)


async def test_leaving_a_filter_is_told_by_a_process_that_has_not_seen_it_there(
    database: Database, feeds: list[Feed]
) -> None:
    ahead, behind = feeds
    before = revisions.updates_cursor(*await revisions.revision_of(database))
    async with aclosing(behind.watch(EVERYTHING)) as others:  # a process without subscribers keeps up for nothing
        waiting = asyncio.create_task(told(others))
        await asyncio.sleep(0.05)
        await Ingestion(database, SEALER, Announcements([lambda _: ahead.notify()])).record(
            events([report("execution.queued")])
        )
        async with aclosing(ahead.watch(PENDING, before)) as updates, asyncio.timeout(10):
            cursor = (await anext(updates)).cursor
        async with aclosing(behind.watch(PENDING, cursor)) as updates:
            leaving = asyncio.create_task(told(updates))
            await has_read(behind, database)
            ingestion = Ingestion(database, SEALER, Announcements([lambda _: behind.notify()]))
            await ingestion.record(events([report("execution.finished", at=1, state="FAILED")]))
            assert await leaving == (Change.FINISHED, False)
        assert await waiting == (Change.CREATED, True)


async def test_a_creation_is_named_once_while_somebody_catches_up(database: Database, feeds: list[Feed]) -> None:
    feed, _ = feeds
    before = revisions.updates_cursor(*await revisions.revision_of(database))
    ingestion = Ingestion(database, SEALER, Announcements([lambda _: feed.notify()]))
    await ingestion.record(events([report("execution.queued")]))
    await has_read(feed, database)
    async with aclosing(feed.watch(EVERYTHING, before)) as updates:
        assert await told(updates) == (Change.CREATED, True)
        await ingestion.record(events([report("execution.started", at=1)]))
        await has_read(feed, database)  # before the next page is asked for
        assert await told(updates) == (Change.UPDATED, True)
        await ingestion.record(events([report("execution.finished", at=2, state="FAILED")]))
        assert await told(updates) == (Change.FINISHED, True)


async def test_leaving_a_filter_is_told_to_those_who_saw_it_there_in_a_list(
    database: Database, feeds: list[Feed]
) -> None:
    """They listed again while they listened, and the feed takes both changes together."""
    feed, _ = feeds
    quiet, heard = Ingestion(database, SEALER), Ingestion(database, SEALER, Announcements([lambda _: feed.notify()]))
    async with aclosing(feed.watch(WAITING)) as updates:
        leaving = asyncio.create_task(told(updates))
        await asyncio.sleep(0.05)
        await quiet.record(events([report("execution.waiting")], "new"))
        await heard.record(events([report("execution.finished", at=1, state="FAILED")], "new"))
        assert await leaving == (Change.FINISHED, False)
        # One that the feed knows, and that did not match when it last looked.
        await heard.record(events([report("execution.started")], "known"))
        await has_read(feed, database)
        leaving = asyncio.create_task(told(updates))
        await quiet.record(events([report("execution.waiting", at=1)], "known"))
        await heard.record(events([report("execution.finished", at=2, state="FAILED")], "known"))
        assert await leaving == (Change.FINISHED, False)
        # And nothing of those that never matched.
        await heard.record(events([report("execution.started")], "never"))
        await has_read(feed, database)
        await heard.record(events([report("execution.finished", at=1, state="FAILED")], "never"))
        await has_read(feed, database)
        await heard.record(events([report("execution.waiting")], "last"))
        assert await told(updates) == (Change.CREATED, True)


async def test_leaving_a_filter_is_told_though_the_cursor_is_of_a_process_that_has_read_further(
    database: Database, feeds: list[Feed]
) -> None:
    """There the end was combined with a later change, not told yet; here the end is known, and was long ago."""
    ahead, behind = feeds
    quiet, heard = Ingestion(database, SEALER), Ingestion(database, SEALER, Announcements([lambda _: behind.notify()]))
    async with aclosing(behind.watch(EVERYTHING)) as others:  # a process without subscribers remembers nothing
        waiting = asyncio.create_task(told(others))
        await asyncio.sleep(0.05)
        await heard.record(events([report("execution.queued")], "run"))
        shown = revisions.updates_cursor(*await revisions.revision_of(database))
        await has_read(behind, database)
        await heard.record(events([report("execution.finished", at=2, state="FAILED")], "run"))
        await heard.record(events([report("execution.queued")], "next"))
        await has_read(behind, database)
        await quiet.record(events([report("execution.started", at=1)], "run"))
        async with aclosing(ahead.watch(PENDING, shown)) as updates, asyncio.timeout(10):
            first = await anext(updates)
        assert first.execution is not None
        assert first.execution.external_id == "next"
        async with aclosing(behind.watch(PENDING, first.cursor)) as updates:
            leaving = asyncio.create_task(told(updates))
            await asyncio.sleep(0.05)
            behind.notify()
            assert await leaving == (Change.UPDATED, False)
        assert await waiting == (Change.CREATED, True)
