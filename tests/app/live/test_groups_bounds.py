"""What a group keeps is bounded and counted, and whoever falls behind misses nothing that was under way."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from app.changes import Changed
from app.executions.filters import ExecutionFilter
from app.graphql.payload import Payload
from app.live import groups
from app.live.groups import Group
from app.live.member import Member
from app.live.updates import FeedPosition, update_of
from tests.app.live.members import EVERYTHING, Client, MemoryFeed, Results, another_member, member, turns

OTHERS = ExecutionFilter(workflow_names=("w",))


def gated(*revisions: int) -> Results:
    results = Results()
    results.gates = {number: asyncio.Event() for number in revisions}
    return results


def open_all(results: Results) -> None:
    for gate in results.gates.values():
        gate.set()


async def test_member_that_falls_behind_reads_what_is_being_executed() -> None:
    feed, results = MemoryFeed(), gated(1)
    async with member(feed, results, FeedPosition("aa", 0)) as (client, group):
        feed.hand(1)
        await results.began(1)
        feed.hand(2)
        group.fall_behind()
        open_all(results)
        await client.until([1, 2])


async def test_member_that_falls_behind_reads_what_waits_to_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "SENT_TOGETHER_SECONDS", 10)
    feed, results = MemoryFeed(), gated(2)
    async with member(feed, results, FeedPosition("aa", 0)) as (client, group):
        feed.hand(1)
        feed.hand(2)
        await results.over(1)
        await turns()  # 1 waits for 2
        group.fall_behind()
        open_all(results)
        await client.until([1, 2])


async def test_member_that_falls_behind_at_first_reads_from_its_position() -> None:
    feed, results = MemoryFeed(), Results()
    async with member(feed, results, FeedPosition("aa", 0)) as (client, group):
        group.fall_behind()
        feed.hand(1)
        await client.until([1])


async def test_group_that_falls_behind_holds_up_nobody() -> None:
    feed, results = MemoryFeed(), gated(1)
    async with member(feed, results, FeedPosition("aa", 0)) as (client, group):
        feed.hand(1)
        waiting = asyncio.create_task(group.done())
        await results.began(1)
        assert not waiting.done()
        group.fall_behind()
        await asyncio.wait_for(waiting, 5)
        open_all(results)
        await client.until([1])


async def test_executions_that_wait_are_counted_for_each_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "ENOUGH_QUEUED", 4)
    feed, results = MemoryFeed(), gated(1, 11, 21)
    async with (
        member(feed, results, FeedPosition("aa", 0)) as (client, group),
        another_member(feed, group, FeedPosition("aa", 0), OTHERS) as (other, _),
    ):
        for start in (1, 11):
            feed.hand(start)
            await results.began(start)  # so it waits no more
            feed.hand(start + 1)
            assert not group.is_full
            feed.hand(start + 2, execution_id=f"x{start + 1}")  # in its position
            assert not group.is_full
            feed.hand(start + 3)
            assert group.is_full
            results.gates[start].set()
            await asyncio.wait_for(group.done(), 5)
            assert not group.is_full
        feed.hand(21)
        await results.began(21)
        feed.hand(22, 23)
        assert group.is_full
        group.fall_behind()
        assert not group.is_full
        feed.hand(24)
        assert not group.is_full
        feed.hand(25)
        assert group.is_full  # counted from nothing, as at first
        open_all(results)
        expected = [1, 3, 4, 11, 13, 14, 21, 22, 23, 24, 25]
        for each in (client, other):
            await each.until(expected)
        await asyncio.wait_for(group.done(), 5)
        results.gates[31] = asyncio.Event()
        feed.hand(31)
        await results.began(31)
        feed.hand(32)
        assert not group.is_full
        feed.hand(33)
        assert group.is_full  # nothing of what was dropped was counted off later


@pytest.mark.parametrize(("waiting", "dropped"), [(3, False), (4, True)])
async def test_beyond_so_many_the_members_read(monkeypatch: pytest.MonkeyPatch, waiting: int, dropped: bool) -> None:
    monkeypatch.setattr(groups, "MAX_QUEUED", 3)
    feed, results = MemoryFeed(), gated(1)
    async with member(feed, results, FeedPosition("aa", 0)) as (client, _):
        feed.hand(1)
        await results.began(1)
        assert feed.rounds == 1
        feed.hand(*range(2, 2 + waiting))
        await turns()
        assert feed.rounds == (2 if dropped else 1)
        open_all(results)
        await client.until([*range(1, 2 + waiting)])


async def test_results_are_kept_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MAX_KEPT", 2)
    feed, results = MemoryFeed(), Results()
    feed.hand(*range(1, 6))
    async with member(feed, results, FeedPosition("aa", 0)) as (client, group):
        await client.until([1, 2, 3, 4, 5])
        assert len(group._payloads) == 2
        async with another_member(feed, group, FeedPosition("aa", 3)) as (again, _):
            await again.until([4, 5])
            assert results.executed == [1, 2, 3, 4, 5]  # the newest are kept


async def test_one_change_is_handed_to_those_whose_filter_it_passes_and_to_those_whose_filter_it_leaves() -> None:
    feed, results = MemoryFeed(), Results()
    async with (
        member(feed, results, FeedPosition("aa", 0)) as (client, group),
        another_member(feed, group, FeedPosition("aa", 0), OTHERS) as (other, _),
    ):
        changed = Changed(1, "x1", None, 0, 0, 0)
        for where, matches in ((EVERYTHING, True), (OTHERS, False)):
            group.add(group._audiences[where], changed, matches, 0)
        for each in (client, other):
            await each.until([1])
        assert results.executed == [1, 1]


async def test_results_sent_together_are_joined_once_for_all_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "SENT_TOGETHER_SECONDS", 10)
    feed, results = MemoryFeed(), gated(1)
    async with (
        member(feed, results, FeedPosition("aa", 0)) as (client, group),
        another_member(feed, group, FeedPosition("aa", 0), OTHERS) as (other, _),
    ):
        feed.hand(1, 2, 3)
        await results.began(1)
        open_all(results)
        for each in (client, other):
            await each.until([1, 2, 3])
        assert [id(payload) for payload in client.payloads] == [id(payload) for payload in other.payloads]
        assert len(client.payloads) == 1


def sizes(client: Client) -> list[int]:
    """How many results were sent at a time."""
    return [len(payload.messages(b"")) for payload in client.payloads]


async def test_as_many_are_sent_together_as_a_connection_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "SENT_TOGETHER_SECONDS", 10)
    monkeypatch.setattr(groups, "SENT_TOGETHER_BYTES", 2)  # of results of one byte
    feed, results = MemoryFeed(), gated(1)
    async with member(feed, results, FeedPosition("aa", 0)) as (client, _):
        feed.hand(1, 2, 3, 4, 5)
        await results.began(1)
        open_all(results)
        await client.until([1, 2, 3, 4, 5])
        assert sizes(client) == [2, 2, 1]


async def test_nobody_waits_long_for_more_to_be_sent_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many results are there already."""
    monkeypatch.setattr(groups, "SENT_TOGETHER_SECONDS", 0.3)
    take, loop = Group._take, asyncio.get_running_loop()
    now, late = loop.time, [0.0]

    def slowly(group: Group) -> None:
        late[0] += 0.2  # to sleep here would not count: the loop of the tests leaves out much of it
        take(group)

    feed, results = MemoryFeed(), Results()
    async with member(feed, results, FeedPosition("aa", 0)) as (client, group):
        for revision in (1, 2, 3, 4):
            await group.payload(update_of("aa", Changed(revision, f"x{revision}", None, 0, 0, 0), False, 0))
        monkeypatch.setattr(Group, "_take", slowly)
        monkeypatch.setattr(loop, "time", lambda: now() + late[0])
        feed.hand(1, 2, 3, 4)
        await client.until([1, 2, 3, 4])
        assert results.executed == [1, 2, 3, 4]
        assert max(sizes(client)) <= 2


@pytest.mark.parametrize(("known", "got"), [(0, [2, 4, 6]), (2, [4, 6]), (3, [4, 6]), (5, [6]), (6, []), (7, [])])
async def test_of_results_that_are_sent_together_a_member_gets_those_that_are_new_to_it(
    known: int, got: list[int]
) -> None:
    """It may have caught up with some of them."""
    feed, results = MemoryFeed(), Results()
    feed.hand(*range(1, known + 1))
    async with member(feed, results, FeedPosition("aa", known)) as (client, group):
        together = {revision: Payload(str(revision).encode()) for revision in (2, 4, 6)}
        (one,) = group._audiences[EVERYTHING].members
        for _ in range(2):
            one.deliver(together, Payload.of(together.values()), 6)
        assert client.got == got
        assert 0 not in sizes(client)


async def test_a_member_that_catches_up_is_sent_nothing_beside_it() -> None:
    feed, results = MemoryFeed(), Results()
    async with member(feed, results, FeedPosition("aa", 0)) as (_, group):
        position = FeedPosition("aa", 0)
        behind = Member(feed, group, EVERYTHING, position)
        payload = Payload(b"1")
        behind.deliver({1: payload}, payload, 1)
        assert position == FeedPosition("aa", 0)


async def test_a_client_without_room_is_sent_nothing_and_reads_it_later() -> None:
    feed, results = MemoryFeed(), Results()
    async with member(feed, results, FeedPosition("aa", 0)) as (client, _):
        client.writable.clear()
        feed.hand(1, 2)
        await client.waited_for.wait()
        assert client.got == []
        client.writable.set()
        await client.until([1, 2])


async def test_others_get_a_turn_while_results_that_are_kept_are_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "SENT_TOGETHER_BYTES", 1)
    feed, results = MemoryFeed(), Results()
    revisions = [*range(1, 101)]
    feed.hand(*revisions)
    async with member(feed, results, FeedPosition("aa", 0)) as (client, group):
        await client.until(revisions)
        for revision in revisions:
            group.add(group._audiences[EVERYTHING], Changed(revision, f"x{revision}", None, 0, 0, 0), False, 0)
        turns = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                while group._queue or group._taken:
                    turns += 1
                    await asyncio.sleep(0)
        assert turns >= len(revisions)
        assert results.executed == revisions


async def test_the_last_that_leaves_says_so() -> None:
    feed, results, empty = MemoryFeed(), Results(), [0]

    def on_empty() -> None:
        empty[0] += 1

    group = Group(feed, results.execute, on_empty)
    members = [Member(feed, group, where, FeedPosition("aa", 0)) for where in (EVERYTHING, EVERYTHING, OTHERS)]
    filters = [EVERYTHING, EVERYTHING, OTHERS]
    for each, where in zip(members, filters, strict=True):
        group.join(each, where)
    assert feed.subscribers == 3
    for left, (each, where) in enumerate(zip(members, filters, strict=True), 1):
        assert empty == [0]
        group.leave(each, where)
        assert feed.subscribers == 3 - left
    assert empty == [1]
