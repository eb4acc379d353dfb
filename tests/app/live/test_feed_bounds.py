"""How far back a subscriber may resume, what it receives on the way, and what the feed does without news."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from app import changes
from app.changes import revisions
from app.db import Database, Transaction
from app.executions.filters import ExecutionFilter
from app.ingestion import Ingestion
from app.lifecycle import State
from app.live import feed as live_feed
from app.live.feed import Feed
from app.live.port import Audience
from app.live.queue import Queue
from app.live.updates import Change, Update
from specs.harness.waiting import until
from tests.app.reports import events, report
from tests.factories import record_statements
from tests.sealing import SEALER

EVERYTHING = ExecutionFilter()


@pytest.fixture
async def feed(database: Database) -> AsyncIterator[Feed]:
    """A running feed that nobody listens to: it remembers nothing."""
    feed = Feed(database)
    await feed.start()
    yield feed
    await feed.close()


async def queue(database: Database, *subjects: str) -> None:
    for subject in subjects:
        await Ingestion(database, SEALER).record(events([report("execution.queued")], subject))


async def cursor(database: Database) -> str:
    return revisions.updates_cursor(*await revisions.revision_of(database))


async def read_all(database: Database, feed: Feed) -> None:
    """Until the feed has handed on all that is committed."""
    _, newest = await revisions.revision_of(database)
    feed.notify()
    await until(lambda: feed.position_of(None).revision >= newest, "read")


async def next_of(updates: AsyncGenerator[Update, None], count: int) -> list[tuple[str, str | None]]:
    async with asyncio.timeout(10):
        found = [await anext(updates) for _ in range(count)]
    return [(each.change.value, None if each.execution is None else each.execution.external_id) for each in found]


@pytest.mark.parametrize("remembered", [True, False])
@pytest.mark.parametrize(("changed", "lost"), [(3, False), (4, True)])
async def test_one_may_come_from_as_many_changes_ago_as_are_caught_up_with(
    database: Database, feed: Feed, monkeypatch: pytest.MonkeyPatch, changed: int, lost: bool, remembered: bool
) -> None:
    monkeypatch.setattr(live_feed, "MAX_CATCH_UP", 3)
    after, listener = await cursor(database), Queue()
    if remembered:
        feed.listen(EVERYTHING, listener)
    names = [f"run-{number}" for number in range(changed)]
    await queue(database, *names)
    await read_all(database, feed)
    updates = feed.watch(EVERYTHING, after)
    expected = [("RESYNC", None)] if lost else [("CREATED", name) for name in names]
    assert await next_of(updates, len(expected)) == expected
    await updates.aclose()
    if remembered:
        feed.leave(EVERYTHING, listener)


@pytest.mark.parametrize("read_at_once", [1, 2, 500])
async def test_catch_up_in_several_reads_is_complete_and_in_order(
    database: Database, feed: Feed, monkeypatch: pytest.MonkeyPatch, read_at_once: int
) -> None:
    monkeypatch.setattr(live_feed, "MAX_BATCH_CHANGES", read_at_once)
    after = await cursor(database)
    await queue(database, "a", "b", "c", "d", "e")
    await read_all(database, feed)  # with nobody to remember it for
    updates = feed.watch(EVERYTHING, after)
    assert await next_of(updates, 5) == [("CREATED", name) for name in "abcde"]
    await updates.aclose()


async def test_the_engines_of_a_filter_are_known_to_a_feed_that_has_read_nothing(
    database: Database, feed: Feed
) -> None:
    after = await cursor(database)
    await queue(database, "a")
    await read_all(database, feed)  # with nobody to remember it for
    updates = feed.watch(ExecutionFilter(engines=("engine",)), after)
    assert await next_of(updates, 1) == [("CREATED", "a")]
    await updates.aclose()


async def test_tombstones_that_are_forgotten_while_one_catches_up_make_it_list_again(
    database: Database, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of what was read may be missing."""
    after = await cursor(database)
    await queue(database, "a", "b")
    await read_all(database, feed)  # with nobody to remember it for
    since = changes.since

    async def forget(transaction: Transaction) -> None:
        await transaction.fetch("UPDATE revision_counter SET forgotten = 1")

    async def overtaken(*given: Any) -> Any:
        found = await since(*given)
        await database.transaction(forget)
        return found

    monkeypatch.setattr(changes, "since", overtaken)
    updates = feed.watch(EVERYTHING, after)
    assert await next_of(updates, 1) == [("RESYNC", None)]
    await updates.aclose()


async def test_execution_that_enters_a_filter_during_a_catch_up_is_new(database: Database, feed: Feed) -> None:
    """It came to be on the way, and was not told: however often was read since."""
    where, listener = ExecutionFilter(states=(State.RUNNING,)), Queue()
    position = feed.position_of(await cursor(database))
    updates = feed.catch_up(feed.listen(where, listener), position)
    ingestion = Ingestion(database, SEALER)
    await queue(database, "a")
    await ingestion.record(events([report("execution.started")], "b"))
    await read_all(database, feed)
    assert await next_of(updates, 1) == [("CREATED", "b")]
    for at, change in ((1, "CREATED"), (2, "UPDATED")):
        for subject in "ab":
            await ingestion.record(events([report("execution.started", at=at)], subject))
        await read_all(database, feed)
        assert await next_of(updates, 2) == [(change, "a"), ("UPDATED", "b")]
    await updates.aclose()
    feed.leave(where, listener)


async def test_a_count_that_nothing_belongs_to_is_passed_over(database: Database, feed: Feed) -> None:
    """Else the feed would read for ever."""
    updates = feed.watch(EVERYTHING)
    first = asyncio.ensure_future(anext(updates))
    await asyncio.sleep(0)

    async def skip(transaction: Transaction) -> None:
        await transaction.fetch("UPDATE revision_counter SET revision = revision + 5")

    await database.transaction(skip)
    await read_all(database, feed)
    await queue(database, "a")
    feed.notify()
    assert (await asyncio.wait_for(first, 10)).change is Change.CREATED
    await updates.aclose()


async def test_who_comes_from_before_a_count_that_nothing_belongs_to_waits_for_news(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the database would be read all the time."""
    monkeypatch.setattr(live_feed, "SWEEP_SECONDS", 1_000)
    after, feed = await cursor(database), Feed(database)

    async def skip(transaction: Transaction) -> None:
        await transaction.fetch("UPDATE revision_counter SET revision = revision + 5")

    await database.transaction(skip)
    await feed.start()
    await feed._next_read()
    updates = feed.watch(EVERYTHING, after)
    first = asyncio.ensure_future(anext(updates))
    await asyncio.sleep(0.2)
    statements = record_statements(database)
    await asyncio.sleep(0.2)
    assert statements == []
    await queue(database, "a")
    feed.notify()
    assert (await asyncio.wait_for(first, 10)).change is Change.CREATED
    await updates.aclose()
    await feed.close()


async def test_a_closed_feed_reads_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_feed, "SWEEP_SECONDS", 0.01)
    feed = Feed(database)
    await feed.start()
    statements = record_statements(database)
    await until(lambda: bool(statements), "read")
    await feed.close()
    statements.clear()
    feed.notify()
    await asyncio.sleep(0.1)
    assert statements == []


class Busy:
    """A distributor that takes time for each update, and is never full."""

    is_full = False

    def __init__(self) -> None:
        self.waited_for = 0

    async def done(self) -> None:
        self.waited_for += 1

    def fall_behind(self) -> None:
        raise AssertionError("it is not full")


async def test_distributors_are_given_time_before_more_is_read(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read later takes more changes together."""
    monkeypatch.setattr(live_feed, "SWEEP_SECONDS", 1_000)
    feed, busy = Feed(database), Busy()
    await feed.start()
    await feed._next_read()  # its first, of nothing
    feed.distributors.add(busy)
    audience: Audience = Queue()
    feed.listen(EVERYTHING, audience)
    await queue(database, "a")
    async with asyncio.timeout(10):
        await feed._next_read()
    assert busy.waited_for == 1
    assert feed.position_of(None).revision == 1
    feed.leave(EVERYTHING, audience)
    await feed.close()


class Full:
    """A distributor with room again after `rounds` waits; None: never."""

    def __init__(self, rounds: int | None) -> None:
        self._rounds = rounds
        self.fell_behind = 0

    @property
    def is_full(self) -> bool:
        return self._rounds is None or self._rounds > 0

    async def done(self) -> None:
        if self._rounds is None:
            await asyncio.Event().wait()
        elif self._rounds:
            self._rounds -= 1

    def fall_behind(self) -> None:
        self.fell_behind += 1


@pytest.mark.parametrize("never", [True, False])
async def test_only_distributors_that_stay_full_fall_behind(
    database: Database, monkeypatch: pytest.MonkeyPatch, never: bool
) -> None:
    monkeypatch.setattr(live_feed, "SWEEP_SECONDS", 0.3)
    feed, given = Feed(database), [Full(0), Full(1), *([Full(None)] if never else [])]
    await feed.start()
    await feed._next_read()  # its first, of nothing
    feed.distributors.update(given)
    audience: Audience = Queue()
    feed.listen(EVERYTHING, audience)
    await queue(database, "a")
    await asyncio.wait_for(feed._next_read(), 10)
    # The one that has room after a while may be waited for after the one that never has.
    assert [each.fell_behind for each in given if each is not given[1]] == [0, *([1] if never else [])]
    assert never or given[1].fell_behind == 0
    feed.leave(EVERYTHING, audience)
    await feed.close()


async def test_engines_that_are_known_are_not_asked_for_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_feed, "SWEEP_SECONDS", 1_000)
    feed = Feed(database)
    await feed.start()
    audience: Audience = Queue()
    feed.listen(EVERYTHING, audience)
    asked = []
    for subject in ("a", "b"):
        statements = record_statements(database)
        await queue(database, subject)
        await read_all(database, feed)
        asked.append(any("FROM engines" in sql for sql, _ in statements))
    assert asked == [True, False]
    feed.leave(EVERYTHING, audience)
    await feed.close()
