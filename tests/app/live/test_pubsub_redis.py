"""What Redis may do to the messages between processes, and what listeners and the log hear of it."""

from __future__ import annotations

import asyncio
import random
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise

import pytest
from redis.asyncio import Redis

from app.live import pubsub, pubsub_redis
from app.live.pubsub import CHANNEL, GAP, MAX_MAILBOX, MAX_MESSAGE_BYTES, Mailbox
from app.live.pubsub_redis import MARK
from specs.harness.counts import count
from specs.harness.servers.ports import free_port
from specs.harness.servers.valkey import ValkeyServer
from specs.harness.waiting import until
from tests.app.live.hearing import LONG, Hearing, Logs, connected, flows, kill_connections, make_hasty, ticking

SEEDS = count("sequences of faults of Redis", 2, 40)


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    with ValkeyServer(own=True) as started:
        yield started


@pytest.fixture
async def foreign(server: ValkeyServer) -> AsyncIterator[Redis]:
    """Another program at the same Redis."""
    async with Redis.from_url(server.url) as client:
        yield client


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    return Logs(monkeypatch)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    make_hasty(monkeypatch)


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
async def test_a_redis_that_is_down_at_first(logs: Logs) -> None:
    server = ValkeyServer(own=True)
    server.port = free_port()
    try:
        async with connected(f"redis://127.0.0.1:{server.port}/0") as channel:
            hearing = Hearing(channel.messages())
            channel.publish("lost")
            await until(lambda: logs.count("pubsub_publish_failed") == 1)
            await asyncio.sleep(0.5)
            assert hearing.heard == []
            server.start()
            await hearing.until(GAP)
            await flows(channel, hearing)
            assert "lost" not in hearing.heard
            for event in ("pubsub_lost", "pubsub_publish_failed", "pubsub_connected"):
                assert logs.count(event) == 1
    finally:
        server.stop()


@pytest.mark.usefixtures("hasty")
async def test_a_redis_that_is_killed_and_comes_back(server: ValkeyServer, logs: Logs) -> None:
    async with connected(server.url) as channel:
        hearings = [Hearing(channel.messages()) for _ in range(3)]
        for outage in (1, 2, 3):
            await flows(channel, hearings[0], f"before {outage}")
            hearings[0].forget()
            server.kill()
            channel.publish("lost")
            await until(lambda outage=outage: logs.count("pubsub_lost") == outage)  # type: ignore[misc]
            await until(lambda outage=outage: logs.count("pubsub_publish_failed") == outage)  # type: ignore[misc]
            server.start()
            await hearings[0].until(GAP)
            await flows(channel, hearings[0], f"after {outage}")
        for hearing in hearings[1:]:
            await hearing.until("after 3")
            assert "lost" not in hearing.heard
            for outage in (1, 2, 3):
                start, end = hearing.heard.index(f"before {outage}"), hearing.heard.index(f"after {outage}")
                assert GAP in hearing.heard[start:end]
        for event, times in {"pubsub_lost": 3, "pubsub_publish_failed": 3, "pubsub_connected": 4}.items():
            assert logs.count(event) == times


@pytest.mark.parametrize("kind", ["normal", "pubsub"])
async def test_killed_connections_are_made_anew(server: ValkeyServer, logs: Logs, kind: str) -> None:
    async with connected(server.url) as channel:
        hearing = Hearing(channel.messages())
        await flows(channel, hearing, "before")
        await kill_connections(server, kind)
        hearing.forget()
        if kind == "pubsub":
            await hearing.until(GAP)
        # The connection that publishes is looked at before it is used: nothing is lost, and there is nothing to tell.
        await flows(channel, hearing)
        assert logs.count("pubsub_publish_failed") == 0
        assert logs.count("pubsub_lost") == (kind == "pubsub")


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
async def test_a_redis_that_hangs_is_noticed_and_blocks_nobody(server: ValkeyServer, logs: Logs) -> None:
    async with connected(server.url) as channel:
        hearing = Hearing(channel.messages())
        await flows(channel, hearing, "before")
        server.pause()
        try:
            with ticking() as turns:
                for number in range(100):
                    before = turns()
                    for _ in range(100):
                        channel.publish(f"{number} " + "x" * 5000)
                    await asyncio.sleep(0.01)
                    assert turns() > before
                await until(lambda: logs.count("pubsub_lost") == 1)
            assert len(channel._unpublished) <= MAX_MAILBOX
            hearing.forget()
        finally:
            server.resume()
        await hearing.until(GAP)
        await flows(channel, hearing)
        assert logs.count("pubsub_lost") == 1
        assert logs.count("pubsub_publish_failed") == 1


@pytest.mark.slow
async def test_neither_silence_nor_a_busy_loop_is_a_dead_redis(
    server: ValkeyServer, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub_redis, "READ_SECONDS", 0.05)
    async with connected(server.url) as channel:
        hearing = Hearing(channel.messages())
        await asyncio.sleep(0.5)
        for _ in range(5):
            time.sleep(0.2)  # noqa: ASYNC251  # the busy loop
            await asyncio.sleep(0.01)
        await flows(channel, hearing)
        assert logs.count("pubsub_lost") == 0


async def test_unsent_messages_are_a_gap_to_listeners_who_lost_nothing_else(
    server: ValkeyServer, foreign: Redis, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub, "RETRY_SECONDS", 0.05)
    async with connected(server.url) as channel:
        hearing = Hearing(channel.messages())
        await flows(channel, hearing, "before")
        await foreign.acl_setuser("default", enabled=True, commands=["-publish"])
        channel.publish("refused")
        await until(lambda: logs.count("pubsub_publish_failed") == 1)
        channel.publish("may wait")
        await asyncio.sleep(0.2)
        assert hearing.heard[-1] == "before"
        await foreign.acl_setuser("default", enabled=True, commands=["+publish"])
        await flows(channel, hearing)
        heard = hearing.heard[hearing.heard.index("before") :]
        assert heard in (["before", GAP, "flows again"], ["before", GAP, "may wait", "flows again"])
        assert (logs.count("pubsub_publish_failed"), logs.count("pubsub_lost")) == (1, 0)


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
async def test_a_hung_redis_holds_up_neither_connect_nor_close(server: ValkeyServer) -> None:
    before = asyncio.all_tasks()
    async with connected(server.url) as channel:
        hearing = Hearing(channel.messages())
        await flows(channel, hearing, "before")
        server.pause()
        try:
            async with asyncio.timeout(LONG), connected(server.url) as other:
                other.publish("lost")
                channel.publish("lost")
                await asyncio.gather(channel.close(), other.close())
            await hearing.task
            assert asyncio.all_tasks() == before
        finally:
            server.resume()


async def test_foreign_messages_are_a_gap(server: ValkeyServer, foreign: Redis, logs: Logs) -> None:
    async with connected(server.url) as channel:
        hearing = Hearing(channel.messages())
        await flows(channel, hearing, "before")
        for payload in (b"\xff\xfe", MARK + b"\xff\xfe", b"", MARK, b"{}", MARK + b"x" * (MAX_MESSAGE_BYTES + 1)):
            hearing.forget()
            assert await foreign.publish(CHANNEL, payload) == 1
            await hearing.until(GAP)
            await flows(channel, hearing)
            assert hearing.heard == [GAP, "flows again"]
        hearing.forget()
        await foreign.publish(CHANNEL + "2", b"elsewhere")
        await foreign.publish(CHANNEL, MARK + "é".encode())
        await hearing.until("é")
        assert hearing.heard == ["é"]
        assert logs.count("pubsub_lost") == 0


@pytest.mark.slow
async def test_a_flood_takes_bounded_memory(server: ValkeyServer, foreign: Redis) -> None:
    async with connected(server.url) as channel:
        unread, quick = channel.messages(), Hearing(channel.messages())
        await flows(channel, quick, "before")
        burst = [f"{number:05} " + "x" * 1000 for number in range(1000)]
        tracemalloc.start()
        try:
            for number in range(10):
                async with foreign.pipeline(transaction=False) as pipeline:
                    for message in burst:
                        pipeline.publish(CHANNEL, MARK + message.encode())
                    await pipeline.execute()
                await flows(channel, quick, f"{number} bursts")
                quick.forget()
            # Measured 4.5 MB: the burst, its copy on the way out, a mailbox. Without bounds: 10 MB more.
            assert tracemalloc.get_traced_memory()[1] < 7_000_000
        finally:
            tracemalloc.stop()
        assert isinstance(unread, Mailbox)
        assert len(unread) <= MAX_MAILBOX
        assert await anext(unread) is GAP
        assert await anext(unread) in burst


async def test_redis_keeps_nothing(server: ValkeyServer, foreign: Redis) -> None:
    before = asyncio.all_tasks()
    for _ in range(5):
        async with connected(server.url) as channel:
            hearing = Hearing(channel.messages())
            await flows(channel, hearing)
            assert len(await foreign.client_list()) == 3
        await hearing.task
    assert asyncio.all_tasks() == before
    async with asyncio.timeout(LONG):
        while len(await foreign.client_list()) > 1:  # noqa: ASYNC110  # Redis does not tell
            await asyncio.sleep(0.01)


async def test_messages_published_before_close_still_go_out(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub_redis, "PUBLISH_SECONDS", LONG)  # beside others, a connection may take a second
    monkeypatch.setattr(pubsub, "CLOSE_SECONDS", LONG)
    async with connected(server.url) as channel:
        hearing = Hearing(channel.messages())
        async with connected(server.url) as other:
            for number in range(500):
                other.publish(str(number))
        await hearing.until("499")
        assert hearing.messages == [str(number) for number in range(500)]


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_loss_always_shows_as_a_gap(server: ValkeyServer, seed: int) -> None:
    """Numbers that were published arrive in order, and between two that do not follow each other there is a gap."""
    chance = random.Random(seed)
    async with connected(server.url) as listening, connected(server.url) as publishing:
        hearings = [Hearing(channel.messages()) for channel in (listening, publishing)]
        number = 0
        for _ in range(8):
            for _ in range(chance.randrange(60)):
                number += 1
                publishing.publish(str(number))
                await asyncio.sleep(chance.choice((0, 0, 0.002)))
            fault = chance.choice(("normal", "pubsub", "restart", "pause", "junk"))
            if fault == "restart":
                server.kill()
                await asyncio.sleep(chance.random() * 0.1)
                server.start()
            elif fault == "pause":
                server.pause()
                await asyncio.sleep(chance.random() * 0.9)
                server.resume()
            elif fault == "junk":
                async with Redis.from_url(server.url) as foreign:
                    await foreign.publish(CHANNEL, b"\xff")
            else:
                await kill_connections(server, fault)
        for hearing in hearings:
            while not hearing.messages or hearing.messages[-1] != str(number):
                number += 1
                publishing.publish(str(number))
                await asyncio.sleep(0.05)
            for one, other in pairwise(hearing.heard):
                assert one is GAP or other is GAP or int(other) == int(one) + 1
            heard = [int(message) for message in hearing.messages]
            assert heard == sorted(set(heard))
