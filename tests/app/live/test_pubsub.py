"""What holds for messages between processes, on every backend."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import pairwise

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import LogCapture

from app.errors import BadInput
from app.live import pubsub
from app.live.pubsub import GAP, MAX_MAILBOX, MAX_MESSAGE_BYTES, Mailbox, PubSub
from specs.harness.servers.valkey import ValkeyServer
from specs.harness.waiting import until
from tests.app.live.hearing import Hearing


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        return "memory://"
    server: ValkeyServer = request.getfixturevalue("valkey")
    return server.url


@pytest.fixture
async def channel(url: str) -> AsyncIterator[PubSub]:
    opened = PubSub(url)
    await opened.connect()
    yield opened
    await opened.close()


@pytest.mark.slow
async def test_everything_arrives_in_order(channel: PubSub) -> None:
    hearings = [Hearing(channel.messages()) for _ in range(3)]
    sent = [f'{{"revision": {number}, "id": "é"}}' for number in range(4000)]
    for start in range(0, len(sent), 500):
        for message in sent[start : start + 500]:
            channel.publish(message)
        await hearings[0].until(sent[start + 499])
    for hearing in hearings:
        await hearing.until(sent[-1])
        assert hearing.messages == sent
        assert GAP not in hearing.heard[1:]  # the first may be from connecting


async def test_a_listener_hears_from_the_call_on_though_it_reads_later(channel: PubSub) -> None:
    early = channel.messages()
    channel.publish("one")
    await Hearing(channel.messages()).until("one")
    late = channel.messages()
    channel.publish("two")
    assert [message async for message in _to("two", early) if message is not GAP] == ["one", "two"]
    assert [message async for message in _to("two", late)] == ["two"]


async def test_publishing_needs_no_listener(channel: PubSub) -> None:
    for number in range(10):
        channel.publish(f"unheard {number}")
    await until(lambda: not len(channel._unpublished))
    hearing = Hearing(channel.messages())
    channel.publish("heard")
    await hearing.until("heard")


async def test_messages_published_before_connect_are_sent_by_it(url: str) -> None:
    early = PubSub(url)
    hearing = Hearing(early.messages())
    early.publish("early")
    await early.connect()
    await early.connect()  # changes nothing
    await hearing.until("early")
    await early.close()
    assert hearing.messages == ["early"]


async def test_slow_reader_finds_a_gap_in_place_of_the_rest(channel: PubSub) -> None:
    slow, quick = channel.messages(), Hearing(channel.messages())
    sent = [str(number) for number in range(MAX_MAILBOX * 2 + 100)]
    for start in range(0, len(sent), 100):
        for message in sent[start : start + 100]:
            channel.publish(message)
        await quick.until(sent[min(start + 99, len(sent) - 1)])
    assert quick.messages == sent
    assert isinstance(slow, Mailbox)
    assert len(slow) <= MAX_MAILBOX
    first, *rest = [message async for message in _to(sent[-1], slow)]
    assert first is GAP
    assert rest == sent[-len(rest) :]


async def test_more_at_once_than_can_wait_is_a_gap_to_everyone(channel: PubSub) -> None:
    hearing = Hearing(channel.messages())
    channel.publish("before")
    await hearing.until("before")
    hearing.forget()
    for number in range(MAX_MAILBOX + 10):
        channel.publish(str(number))
    assert len(channel._unpublished) == 10
    channel.publish("after")
    await hearing.until("after")
    assert hearing.heard == [GAP, *map(str, range(MAX_MAILBOX + 1, MAX_MAILBOX + 10)), "after"]


async def test_invalid_messages_become_a_gap(channel: PubSub, monkeypatch: pytest.MonkeyPatch) -> None:
    capture = LogCapture()
    monkeypatch.setattr(pubsub, "log", structlog.wrap_logger(None, processors=[capture]))
    hearing = Hearing(channel.messages())
    for unfit in ("x" * (MAX_MESSAGE_BYTES + 1), "é" * (MAX_MESSAGE_BYTES // 2 + 1), "", "\ud800"):
        hearing.forget()
        channel.publish("before")
        channel.publish(unfit)
        channel.publish("after")
        await hearing.until("after")
        assert hearing.heard[-3:] == ["before", GAP, "after"]
    channel.publish("x" * MAX_MESSAGE_BYTES)
    await hearing.until("x" * MAX_MESSAGE_BYTES)
    assert [entry["event"] for entry in capture.entries] == ["pubsub_message_unfit"]


async def test_a_reader_that_is_cancelled_takes_nothing_with_it(channel: PubSub) -> None:
    messages = channel.messages()
    for _ in range(20):
        with suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                while await anext(messages) is GAP:
                    pass
                raise AssertionError("nothing was published")
    channel.publish("kept")
    assert [message async for message in _to("kept", messages)][-1] == "kept"


async def test_reader_that_stops_is_forgotten(channel: PubSub) -> None:
    messages = channel.messages()
    assert len(channel._inboxes) == 1
    channel.publish("one")
    async for message in messages:
        if message is not GAP:
            break
    del messages
    gc.collect()
    assert len(channel._inboxes) == 0


async def test_close_ends_iterators_and_leaves_nothing(url: str) -> None:
    before = asyncio.all_tasks()
    closing = PubSub(url)
    await closing.connect()
    await closing.close()
    assert asyncio.all_tasks() == before
    closing = PubSub(url)
    await closing.connect()
    hearings = [Hearing(closing.messages()) for _ in range(3)]
    unread = closing.messages()
    closing.publish("last")
    await hearings[0].until("last")
    await asyncio.gather(closing.close(), closing.close())
    await closing.close()
    await asyncio.gather(*(hearing.task for hearing in hearings))
    assert [message async for message in unread][-1] == "last"
    assert [message async for message in closing.messages()] == []
    closing.publish("never")
    with pytest.raises(RuntimeError, match="closed"):
        await closing.connect()
    assert asyncio.all_tasks() == before


async def test_close_without_connect_ends_iterators(url: str) -> None:
    closing = PubSub(url)
    hearing = Hearing(closing.messages())
    await closing.close()
    await closing.close()
    await hearing.task


async def test_close_is_complete_though_it_is_cancelled(url: str) -> None:
    before = asyncio.all_tasks()
    for turns in range(8):
        closing = PubSub(url)
        await closing.connect()
        hearing = Hearing(closing.messages())
        task = asyncio.create_task(closing.close())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        await closing.close()
        await hearing.task
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "redis",
        "kafka://host",
        "redis-stream://host",
        "postgres://user:sekrit@host/db",
        "redis://:sekrit@host:port/0",
        "redis://:sekrit@host:99999/0",
        "redis://:sekrit@host/name",
        "redis://:sekrit@host/0/1",
        "redis://:sekrit@host/0?unknown=1",
        "redis://:sekrit@host/0?db=x",
        "redis://:sekrit@[host/0",
        "rediss://:sekrit@host/0?ssl_cert_reqs=sekrit",
    ],
)
def test_another_url_is_refused_without_repeating_it(bad: str) -> None:
    with pytest.raises(BadInput, match="RUNWATCH_REDIS_URL") as caught:
        PubSub(bad)
    assert "sekrit" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(st.lists(st.one_of(st.none(), st.just("take"), st.integers(1, MAX_MAILBOX)), max_size=30))
def test_a_mailbox_shows_each_loss(steps: list[int | str | None]) -> None:
    """Whatever is put and taken, two numbers follow each other or have a gap between them."""

    async def run() -> None:
        mailbox, number, taken = Mailbox(), 0, []
        for step in steps:
            if step is None:
                mailbox.put(GAP)
            elif isinstance(step, int):
                for _ in range(step):
                    number += 1
                    mailbox.put(str(number))
            elif len(mailbox):
                taken.append(await anext(mailbox))
            assert len(mailbox) <= MAX_MAILBOX
        mailbox.close()
        taken += [message async for message in mailbox]
        for one, other in pairwise(taken):
            assert one is GAP or other is GAP or int(other) == int(one) + 1
        assert not number or taken[-1] in (GAP, str(number))

    asyncio.run(run())


async def _to(last: str, messages: AsyncIterator[str | None]) -> AsyncIterator[str | None]:
    """What comes up to `last`, gaps included."""
    async with asyncio.timeout(10):
        async for message in messages:
            yield message
            if message == last:
                return
