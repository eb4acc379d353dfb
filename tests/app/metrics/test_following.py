"""Who follows figures reads when something has changed, and once with all who follow the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from app import clock
from app.db import Database
from app.lifecycle import State
from app.metrics.following import MetricsFeed
from schema import schema
from tests.contexts import context_of
from tests.factories import execution_row, insert_engine, insert_executions, insert_workflow, record_statements

DOCUMENT = """
subscription { metricsChanged {
  from to total failed trend { total } byWorkflow { total workflow { name } } topErrors { count } } }
"""


@pytest.fixture
async def feed(database: Database) -> AsyncIterator[MetricsFeed]:
    feed = MetricsFeed(database, seconds=3600)  # it looks when a test says so
    yield feed
    await feed.close()


async def change(database: Database) -> None:
    """Somebody's commit."""
    await database.transaction(
        lambda transaction: transaction.execute_many("UPDATE revision_counter SET revision = revision + $1", [(1,)])
    )


async def store_run(database: Database, workflow: tuple[str, str], failed: bool) -> None:
    engine, id_ = workflow
    state = State.FAILED if failed else State.SUCCEEDED
    row = execution_row(
        engine_id=engine, workflow_id=id_, workflow_name="w", state=state, queued_at=clock.now_us() - clock.MINUTE
    )
    await insert_executions(database, row)


def waits(task: asyncio.Task[Any]) -> bool:
    return not task.done()


async def next_of(moments: AsyncGenerator[Any, None]) -> Any:
    async with asyncio.timeout(30):
        return await anext(moments)


async def test_moments_come_when_something_has_changed(database: Database, feed: MetricsFeed) -> None:
    async with aclosing(feed.moments()) as one, aclosing(feed.moments()) as other:
        first = await next_of(one)
        assert await next_of(other) - first <= clock.SECOND
        waiting = [asyncio.ensure_future(anext(each)) for each in (one, other)]
        await feed._look()
        await asyncio.sleep(0)
        assert all(map(waits, waiting)), "nothing has changed"
        await change(database)
        await feed._look()
        moments = await asyncio.gather(*waiting)
        assert moments[0] == moments[1] > first


async def test_what_changed_while_nobody_followed_is_in_the_first_read(database: Database, feed: MetricsFeed) -> None:
    async with aclosing(feed.moments()) as moments:
        await next_of(moments)
    await change(database)
    async with aclosing(feed.moments()) as moments:
        await next_of(moments)
        waiting = asyncio.ensure_future(anext(moments))
        await feed._look()
        await asyncio.sleep(0)
        assert waits(waiting)
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_moments_follow_a_clock_that_is_put_back(
    database: Database, feed: MetricsFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now_us()
    async with aclosing(feed.moments()) as moments:
        await next_of(moments)
        for at in (now + clock.HOUR, now):
            monkeypatch.setattr(clock, "now_us", lambda at=at: at)
            waiting = asyncio.ensure_future(anext(moments))
            await asyncio.sleep(0)
            await change(database)
            await feed._look()
            assert await waiting == at


async def test_nobody_is_no_read(database: Database, feed: MetricsFeed) -> None:
    statements = record_statements(database)
    await feed._look()
    assert not statements


async def test_reads_are_shared_until_the_next_look_unless_they_fail(feed: MetricsFeed) -> None:
    reads = 0

    async def read() -> int:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0)
        if reads == 1:
            raise OSError
        return reads

    failed = await asyncio.gather(*(feed.share("key", read) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in failed] == [OSError] * 3
    assert await asyncio.gather(*(feed.share("key", read) for _ in range(3))) == [2, 2, 2]
    leaving = asyncio.ensure_future(feed.share("other", read))
    staying = asyncio.ensure_future(feed.share("other", read))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == 3
    await feed._look()
    assert await feed.share("key", read) == 4


async def test_followers_of_the_same_cost_one_read(database: Database, feed: MetricsFeed) -> None:
    engine = await insert_engine(database, "engine")
    workflow = (engine, await insert_workflow(database, engine, "w"))
    await store_run(database, workflow, failed=False)

    async def follow() -> AsyncGenerator[Any, None]:
        context = context_of(database, metrics_feed=feed)
        results: Any = await schema.subscribe(DOCUMENT, context_value=context)
        async with aclosing(results):
            async for result in results:
                assert result.errors is None
                yield result.data["metricsChanged"]

    async def statements_of(number: int) -> int:
        """How many are read for an event of so many followers."""
        followers = [follow() for _ in range(number)]
        for each in followers:
            assert (await next_of(each))["total"] >= 1
        waiting = [asyncio.ensure_future(anext(each)) for each in followers]
        await store_run(database, workflow, failed=True)
        await change(database)
        statements = record_statements(database)
        await feed._look()
        async with asyncio.timeout(30):
            events = await asyncio.gather(*waiting)
        count = len(statements)
        assert all(event == events[0] for event in events)
        assert events[0]["failed"] >= 1
        for each in followers:
            await each.aclose()
        return count

    alone = await statements_of(1)
    # The names of workflows are looked up for each: they are no figures, and found by their key.
    assert await statements_of(10) <= alone + 9
