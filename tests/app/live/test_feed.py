# ruff: noqa: ASYNC110  # tests poll for what has no event to wait for
"""The feed misses nothing, repeats nothing and keeps its order, whatever is late, restarted or slow."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

import pytest

from app.changes import revisions
from app.changes.commits import Announcements
from app.db import Database, Transaction
from app.error_groups import merging
from app.errors import BadInput
from app.executions.filters import ExecutionFilter
from app.ingestion import Ingestion
from app.lifecycle import State, Status
from app.live import feed as live_feed
from app.live import queue
from app.live.feed import Feed
from app.live.updates import Change, Update
from tests.app.reports import events, line, report, row_of
from tests.sealing import SEALER

EVERYTHING = ExecutionFilter()
FAILED = ExecutionFilter(statuses=(Status.FAILURE,))


@pytest.fixture
async def feed(database: Database) -> AsyncIterator[Feed]:
    """A running feed that is notified by nobody: tests do it, or wait for its sweep."""
    feed = Feed(database)
    await feed.start()
    yield feed
    await feed.close()


@pytest.fixture
def ingestion(database: Database, feed: Feed) -> Ingestion:
    return Ingestion(database, SEALER, Announcements([lambda _: feed.notify()]))


async def cursor(database: Database) -> str:
    return revisions.updates_cursor(*await revisions.revision_of(database))


def said(updates: list[Update]) -> list[tuple[str, str | None, bool]]:
    return [(u.change.value, None if u.execution is None else u.execution.external_id, u.matches) for u in updates]


class Listening:
    """A subscriber that gathers updates in the background, from before the next line of the test."""

    def __init__(self, feed: Feed, where: ExecutionFilter = EVERYTHING, after: str | None = None) -> None:
        self.updates: list[Update] = []
        self._stream = feed.watch(where, after)
        self._task = asyncio.create_task(self._gather())

    async def _gather(self) -> None:
        async with aclosing(self._stream) as stream:
            async for update in stream:
                self.updates.append(update)

    async def until(self, count: int) -> list[Update]:
        async with asyncio.timeout(20):
            while len(self.updates) < count:
                await asyncio.sleep(0.005)
        return self.updates

    async def close(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


async def listening(feed: Feed, where: ExecutionFilter = EVERYTHING, after: str | None = None) -> Listening:
    started = Listening(feed, where, after)
    before = feed.subscribers
    while feed.subscribers == before:
        await asyncio.sleep(0)
    return started


async def test_a_life_is_told_as_it_goes(feed: Feed, ingestion: Ingestion) -> None:
    listener = await listening(feed)
    for number, one in enumerate(
        [
            report("execution.queued", workflow="w"),
            report("execution.started", at=1),
            report("execution.finished", at=2, state="FAILED", error={"message": "m"}),
            report("execution.finished", at=3, state="SUCCEEDED"),
        ],
        1,
    ):
        await ingestion.record(events([one]))
        await listener.until(number)
    assert [(update.change, update.execution.state) for update in listener.updates if update.execution] == [
        (Change.CREATED, State.QUEUED),
        (Change.UPDATED, State.RUNNING),
        (Change.FINISHED, State.FAILED),
        (Change.FINISHED, State.SUCCEEDED),
    ]
    await ingestion.record(events([line("a log line is no change", at=4)]))
    await ingestion.record(events([report("execution.queued")], "other"))
    await listener.until(5)
    assert said(listener.updates[4:]) == [("CREATED", "other", True)]
    await listener.close()
    assert feed.subscribers == 0


@pytest.mark.slow
async def test_the_sweep_finds_what_nobody_hinted_at(database: Database, feed: Feed) -> None:
    listener = await listening(feed)
    await Ingestion(database, SEALER).record(events([report("execution.queued")]))
    assert said(await listener.until(1)) == [("CREATED", "run", True)]
    await listener.close()


async def test_leaving_a_filter_is_news_and_never_having_matched_is_not(feed: Feed, ingestion: Ingestion) -> None:
    failed, pending = await listening(feed, FAILED), await listening(feed, ExecutionFilter(statuses=(Status.PENDING,)))
    await ingestion.record(events([report("execution.queued")]))
    await pending.until(1)
    await ingestion.record(events([report("execution.finished", at=2, state="FAILED")]))
    await failed.until(1)
    await pending.until(2)
    await ingestion.record(events([report("execution.finished", at=3, state="SUCCEEDED")]))
    await failed.until(2)
    await ingestion.record(events([report("execution.finished", at=3, state="FAILED")], "other"))
    await failed.until(3)
    assert said(failed.updates) == [("FINISHED", "run", True), ("FINISHED", "run", False), ("FINISHED", "other", True)]
    assert said(pending.updates) == [("CREATED", "run", True), ("FINISHED", "run", False)]
    await failed.close()
    await pending.close()


async def test_a_run_of_another_engine_is_no_news_though_its_past_is_unknown(
    database: Database, ingestion: Ingestion
) -> None:
    await ingestion.record(events([report("execution.queued")], "a"))
    start = await cursor(database)
    late = Feed(database)  # as after a restart: it has not seen the run before
    await late.start()
    others = await listening(late, ExecutionFilter(engines=("another",), statuses=(Status.FAILURE,)))
    failed, after = await listening(late, FAILED), await listening(late, ExecutionFilter(engines=("another",)), start)
    await ingestion.record(events([report("execution.started", at=1)], "a"))
    late.notify()
    assert said(await failed.until(1)) == [("UPDATED", "a", False)]  # it may have failed before
    assert others.updates == after.updates == []
    for each in (others, failed, after):
        await each.close()
    await late.close()


async def test_a_cursor_goes_on_without_a_gap(database: Database, feed: Feed, ingestion: Ingestion) -> None:
    await ingestion.record(events([report("execution.queued")], "before"))
    after = await cursor(database)
    await ingestion.record(events([report("execution.queued")], "a"))
    await ingestion.record(events([report("execution.queued"), report("execution.started", at=1)], "b"))
    await ingestion.record(events([report("execution.finished", at=5, state="SUCCEEDED")], "before"))
    listener = await listening(feed, EVERYTHING, after)
    await listener.until(3)
    await ingestion.record(events([report("execution.started", at=1)], "a"))
    await listener.until(4)
    assert said(listener.updates) == [
        ("CREATED", "a", True),
        ("CREATED", "b", True),
        ("FINISHED", "before", True),
        ("UPDATED", "a", True),
    ]
    again = await listening(feed, EVERYTHING, listener.updates[1].cursor)
    await again.until(2)
    assert said(again.updates) == [("FINISHED", "before", True), ("UPDATED", "a", True)]
    filtered = await listening(feed, FAILED, after)
    await filtered.until(2)
    # b has never been anything else; what the others were in between may have been seen.
    assert said(filtered.updates) == [("FINISHED", "before", False), ("CREATED", "a", False)]
    for each in (listener, again, filtered):
        await each.close()


async def test_a_position_that_nobody_knows_is_told_to_list_again(
    database: Database, feed: Feed, ingestion: Ingestion, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ingestion.record(events([report("execution.queued")]))
    epoch, revision = await revisions.revision_of(database)
    while feed.position_of(None).revision < revision:
        await asyncio.sleep(0.005)
    # Of another life; not there yet; too far back.
    positions = [(("0" * 32, 0), 5_000), (("0" * 32, revision), 5_000), ((epoch, revision + 1), 5_000)]
    for position, limit in [*positions, ((epoch, revision - 1), 0)]:
        monkeypatch.setattr(live_feed, "MAX_CATCH_UP", limit)
        listener = await listening(feed, EVERYTHING, revisions.updates_cursor(*position))
        (update,) = await listener.until(1)
        assert said([update]) == [("RESYNC", None, False)]
        assert update.cursor == await cursor(database)
        await listener.close()
    for garbage in ("", "garbage", "é", "a" * 500):
        with pytest.raises(BadInput):
            await anext(feed.watch(EVERYTHING, garbage))
    assert feed.subscribers == 0


@pytest.mark.slow
async def test_a_restored_database_makes_everybody_list_again(
    database: Database, feed: Feed, ingestion: Ingestion
) -> None:
    listener = await listening(feed)
    await ingestion.record(events([report("execution.queued")]))
    await listener.until(1)

    async def restore(transaction: Transaction) -> None:
        await transaction.fetch("UPDATE revision_counter SET epoch = 'abc', revision = 0")
        await transaction.fetch("DELETE FROM execution_revisions")

    await database.transaction(restore)
    await listener.until(2)
    await ingestion.record(events([report("execution.queued")], "new"))
    await listener.until(3)
    assert said(listener.updates[1:]) == [("RESYNC", None, False), ("CREATED", "new", True)]
    await listener.close()


@pytest.mark.slow
async def test_a_deletion_goes_to_everybody(database: Database, feed: Feed, ingestion: Ingestion) -> None:
    listener = await listening(feed, FAILED)
    await ingestion.record(events([report("execution.queued")]))
    id_ = (await row_of(database))["id"]

    async def delete(transaction: Transaction) -> None:
        await transaction.fetch("DELETE FROM executions WHERE id = $1", id_)
        await transaction.fetch("UPDATE revision_counter SET revision = revision + 1")
        await transaction.fetch("UPDATE execution_revisions SET deleted = TRUE, revision = revision + 1")

    await database.transaction(delete)
    (update,) = await listener.until(1)
    assert (update.change, update.execution_id, update.execution, update.matches) == (Change.DELETED, id_, None, False)
    await listener.close()


async def test_one_that_does_not_listen_loses_nothing_and_keeps_little(
    database: Database, feed: Feed, ingestion: Ingestion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MAX_WAITING", 5)
    after = await cursor(database)
    stream = feed.watch(EVERYTHING, after)
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    await ingestion.record(events([report("execution.queued")], "first"))
    update = await first
    for number in range(3):
        await ingestion.record(events([report("execution.heartbeat", at=number), report("execution.queued")], "same"))
    for number in range(7):
        await ingestion.record(events([report("execution.queued")], f"run-{number}"))
    await ingestion.record(events([report("execution.queued")], "last"))
    newest = await cursor(database)
    updates = [update]
    async with asyncio.timeout(20):
        while updates[-1].cursor != newest:
            updates.append(await anext(stream))
    await stream.aclose()
    names = [name for _, name, _ in said(updates)]
    assert names == ["first", "same", *(f"run-{number}" for number in range(7)), "last"]
    assert feed.subscribers == 0


async def test_many_writers_and_flapping_listeners_see_each_change_once_in_order(
    database: Database, feed: Feed, databases: list[Database]
) -> None:
    """Every listener ends with the last revision of every execution, having seen revisions rise and none twice."""
    writers = [
        Ingestion(one, SEALER, Announcements([lambda _: feed.notify()] if number % 2 else []))
        for number, one in enumerate(databases * 2)
    ]
    start = await cursor(database)
    steady = [await listening(feed, EVERYTHING, start) for _ in range(3)]
    seen: list[str] = []
    stop = asyncio.Event()

    async def write(number: int) -> None:
        choice = random.Random(number)
        for at in range(40):
            subject = f"run-{choice.randrange(12)}"
            kind = choice.choice(["started", "waiting"])
            await writers[number % len(writers)].record(
                events([report(f"execution.{kind}", at=at, id_=f"{number}/{at}")], subject)
            )

    async def flap() -> None:
        after = start
        while not (stop.is_set() and after == await cursor(database)):
            listener = await listening(feed, EVERYTHING, after)
            await asyncio.sleep(random.Random(len(seen)).uniform(0, 0.05))
            await listener.close()
            seen.extend(update.cursor for update in listener.updates)
            after = seen[-1] if listener.updates else after

    flapping = asyncio.create_task(flap())
    await asyncio.gather(*(write(number) for number in range(4)))
    stop.set()
    async with asyncio.timeout(30):
        await flapping
        newest = (await revisions.revision_of(database))[1]
        for listener in steady:
            while not listener.updates or _revision(listener.updates[-1].cursor) < newest:
                await asyncio.sleep(0.005)
    stored = {row[0] for row in await database.fetch("SELECT revision FROM execution_revisions")}
    for cursors in (seen, *([update.cursor for update in listener.updates] for listener in steady)):
        numbers = [_revision(each) for each in cursors]
        assert numbers == sorted(set(numbers))
        assert stored <= set(numbers)
    for listener in steady:
        await listener.close()


def _revision(text: str) -> int:
    parsed = revisions.parse_updates_cursor(text)
    assert parsed is not None
    return parsed[1]


async def test_a_filter_by_error_group_follows_merges_and_aliases(
    database: Database, feed: Feed, ingestion: Ingestion
) -> None:
    async def fail(subject: str, message: str, at: int) -> str:
        error = {"type": "E", "message": message}
        await ingestion.record(events([report("execution.finished", at=at, state="FAILED", error=error)], subject))
        return str((await row_of(database, subject))["error_group_id"])

    one, other = await fail("one", "it broke", 0), await fail("other", "it is broken", 1)
    gone = "0" * 32  # the id that the other group had before

    async def alias(transaction: Transaction) -> None:
        await transaction.insert("error_group_aliases", ("alias", "error_group_id"), [(gone, other)])

    await database.transaction(alias)
    after = await cursor(database)
    old = await listening(feed, ExecutionFilter(error_group_ids=(gone,)), after)  # its head may be older
    await fail("2", "it is broken", 2)
    await old.until(1)
    late = await listening(feed, ExecutionFilter(error_group_ids=(one,)))
    await merging.merge(database, "ada", [other], into=one)  # while both listen
    await fail("3", "it is broken", 3)
    await late.until(1)
    await fail("4", "it broke", 4)
    new = await listening(feed, ExecutionFilter(error_group_ids=(other,)), after)
    for listener, expected in ((late, "34"), (old, "234"), (new, "234")):
        found = await listener.until(len(expected))
        assert [update.execution.external_id for update in found if update.execution] == [*expected]
        await listener.close()
    assert feed._names.fingerprints == {}
