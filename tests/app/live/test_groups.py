"""What a group hands out is complete, once and in order, whatever its members fall behind of."""

from __future__ import annotations

import asyncio

import pytest

from app.changes.commits import Announcements
from app.db import Database
from app.errors import Unavailable
from app.executions.filters import ExecutionFilter
from app.ingestion import Ingestion
from app.lifecycle import Status
from app.live import feed as live_feed
from app.live import groups
from app.live.feed import Feed
from app.live.groups import Group
from app.live.member import Member
from app.live.updates import FeedPosition
from specs.harness.waiting import until
from tests.app.live.members import MemoryFeed, Results, another_member, member, turns
from tests.app.reports import events, report
from tests.sealing import SEALER


async def test_falling_behind_while_it_catches_up() -> None:
    feed, results = MemoryFeed(), Results()
    async with member(feed, results, FeedPosition("aa", 0)) as (client, group):
        await asyncio.sleep(0)
        results.gates = {number: asyncio.Event() for number in (3, 5, 6)}
        feed.hand(1)
        await client.until([1])
        client.writable.clear()
        feed.hand(2)  # no room: it has to read
        await client.waited_for.wait()
        feed.hand(3)
        client.writable.set()
        await client.until([1, 2])
        group.fall_behind()  # once more, while it does
        client.full_after = 3
        results.gates[3].set()
        await client.until([1, 2, 3])
        await turns()
        client.writable.set()
        feed.hand(4, 5, 6, 7)
        await client.until([1, 2, 3, 4])  # which does not wait for 5
        assert feed.rounds == 2  # what it fell behind with while it read, it has read
        for gate in results.gates.values():
            gate.set()
            await asyncio.sleep(0.05)
        await client.until([1, 2, 3, 4, 5, 6, 7])


async def test_changes_before_delivery_are_combined() -> None:
    feed, results = MemoryFeed(), Results()
    results.gates = {number: asyncio.Event() for number in (1, 2)}
    async with member(feed, results, FeedPosition("aa", 0)) as (client, _):
        feed.hand(1)
        await results.began(1)
        feed.hand(2, execution_id="same")
        feed.hand(3)
        feed.hand(4, 5, execution_id="same")
        results.gates[1].set()
        await client.until([1, 3, 5])


async def test_execution_that_changes_all_the_time_is_delivered() -> None:
    feed, results = MemoryFeed(), Results()
    results.gates = {number: asyncio.Event() for number in (1, 2, 3, 4)}
    async with member(feed, results, FeedPosition("aa", 0)) as (client, _):
        for number in (1, 2, 3, 4):
            feed.hand(number, execution_id="same")
            await results.began(1)
            await turns()
        results.gates[1].set()
        await client.until([1])
        results.gates[4].set()
        await client.until([1, 4])


@pytest.mark.parametrize("all_of_them", [True, False])
async def test_one_that_falls_behind_goes_on_from_what_its_filter_was_told_of(
    database: Database, monkeypatch: pytest.MonkeyPatch, all_of_them: bool
) -> None:
    """Not from the last change that matched, which may be too far back to catch up from."""
    monkeypatch.setattr(live_feed, "MAX_CATCH_UP", 3)
    feed, results = Feed(database), Results()
    await feed.start()
    ingestion = Ingestion(database, SEALER, Announcements([lambda _: feed.notify()]))
    failed = ExecutionFilter(statuses=(Status.FAILURE,))
    async with member(feed, results, feed.position_of(None), failed) as (client, group):
        client.writable.clear()
        if all_of_them:
            results.gates[6] = asyncio.Event()
        for number in range(5):
            await ingestion.record(events([report("execution.queued")], f"run-{number}"))
        await until(lambda: feed._head == 5)  # what it reads in one go counts as one
        await ingestion.record(events([report("execution.finished", state="FAILED")]))
        await until(lambda: results.executed == [6])
        await ingestion.record(events([report("execution.queued")], "last"))
        await until(lambda: feed._head == 7)
        if all_of_them:
            group.fall_behind()
            results.gates[6].set()
        client.writable.set()
        await client.until([6])
    await feed.close()


@pytest.mark.parametrize("seconds", [0.5, 0.1])
@pytest.mark.parametrize("epoch_at", [0, 100])
async def test_changes_after_a_new_epoch_are_kept(
    monkeypatch: pytest.MonkeyPatch, epoch_at: int, seconds: float
) -> None:
    monkeypatch.setattr(groups, "SENT_TOGETHER_SECONDS", seconds)
    feed, results = MemoryFeed(), Results()
    results.gates[2] = asyncio.Event()
    async with member(feed, results, FeedPosition("aa", 0)) as (client, _):
        feed.hand(1, 2)
        await results.over(1)
        await turns()  # 1 waits a moment for 2
        feed.restore("bb", epoch_at)
        await client.until([epoch_at])  # RESYNC
        feed.hand(epoch_at + 3)
        await asyncio.sleep(0.2)  # with the shorter time, 1 waits for 2 no more
        results.gates[2].set()
        await results.over(3)
        feed.hand(epoch_at + 4)
        await client.until([epoch_at, epoch_at + 3, epoch_at + 4])  # and nothing from before


async def test_the_database_is_away_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "AWAY_SECONDS", 0.01)
    feed, results = MemoryFeed(), Results()
    results.failures = [Unavailable("gone"), Unavailable("gone")]
    async with member(feed, results, FeedPosition("aa", 0)) as (client, _):
        feed.hand(1)
        await client.until([1])


async def test_catch_up_shares_slow_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "KEPT_SECONDS", 0.01)
    feed, results = MemoryFeed(), Results()
    feed.hand(1)
    results.gates[1] = asyncio.Event()
    async with member(feed, results, FeedPosition("aa", 0)) as (client, group):
        await results.began(1)
        async with another_member(feed, group, FeedPosition("aa", 0)) as (another, _):
            results.gates[1].set()
            for each in (client, another):
                await each.until([1])
            assert results.executed == [1]
            await until(lambda: not group._payloads)


async def test_update_that_nobody_waits_for_is_not_executed_further() -> None:
    feed, results = MemoryFeed(), Results()
    feed.hand(1)
    results.gates[1] = asyncio.Event()
    async with member(feed, results, FeedPosition("aa", 0)):
        assert (results.executed, results.ended) == ([1], 0)
    await turns()
    assert results.ended == 1


async def test_a_group_that_nobody_is_in_any_more_is_not_waited_for() -> None:
    feed, results = MemoryFeed(), Results()
    results.gates[1] = asyncio.Event()
    async with member(feed, results, FeedPosition("aa", 0)) as (_, group):
        feed.hand(1)
        waiting = asyncio.create_task(group.done())
        await results.began(1)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 5)
    assert not feed.distributors


async def test_falling_behind_costs_as_much_as_there_are_members() -> None:
    feed, results = MemoryFeed(), Results()
    group = Group(feed, results.execute, lambda: None)
    calls = 0

    class Counting(Member):
        def fall_behind(self) -> None:
            nonlocal calls
            calls += 1

    members = [
        (Counting(feed, group, where, FeedPosition("aa", 0)), where)
        for where in (ExecutionFilter(queued_from=number) for number in range(100))
    ]
    for each, where in members:
        group.join(each, where)
    feed.restore("bb", 1)
    assert calls == 100
    for each, where in members:
        group.leave(each, where)
