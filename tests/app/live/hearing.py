"""A PubSub under test: a listener, its log, and the waiting for both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
import structlog
from redis.asyncio import Redis
from structlog.testing import LogCapture

from app.live import pubsub, pubsub_redis
from app.live.pubsub import GAP, PubSub
from specs.harness.servers.valkey import ValkeyServer
from specs.harness.waiting import until

# A guard against hanging, not a measure: messages arrive within milliseconds.
LONG = 15.0


class Hearing:
    """Reads messages as they arrive. `heard` has all of them, gaps included."""

    def __init__(self, messages: AsyncIterator[str | None]) -> None:
        self.heard: list[str | None] = []
        self.task = asyncio.create_task(self._read(messages))

    @property
    def messages(self) -> list[str]:
        return [message for message in self.heard if message is not GAP]

    @property
    def gaps(self) -> int:
        return self.heard.count(GAP)

    async def until(self, message: str | None) -> None:
        """Wait until this message arrives."""
        await until(lambda: message in self.heard)

    def forget(self) -> None:
        self.heard.clear()

    async def _read(self, messages: AsyncIterator[str | None]) -> None:
        async for message in messages:
            self.heard.append(message)


@contextmanager
def ticking() -> Iterator[Callable[[], int]]:
    """Count the turns of the loop, as any other task would get them."""
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    task = asyncio.create_task(tick())
    yield lambda: turns
    task.cancel()


class Logs:
    """What the modules under test log."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._capture = LogCapture()
        for module in (pubsub, pubsub_redis):
            monkeypatch.setattr(module, "log", structlog.wrap_logger(None, processors=[self._capture]))

    @property
    def lines(self) -> list[str]:
        return [" ".join(map(str, entry.values())) for entry in self._capture.entries]

    def count(self, event: str) -> int:
        return sum(entry["event"] == event for entry in self._capture.entries)


def make_hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the time-outs, roughly in the proportions of the real ones."""
    monkeypatch.setattr(pubsub_redis, "CONNECT_SECONDS", 0.6)
    monkeypatch.setattr(pubsub_redis, "READ_SECONDS", 0.2)
    monkeypatch.setattr(pubsub_redis, "PUBLISH_SECONDS", 0.4)
    monkeypatch.setattr(pubsub_redis, "BACKOFF_SECONDS", (0.01, 0.2))
    monkeypatch.setattr(pubsub, "RETRY_SECONDS", 0.1)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[PubSub]:
    opened = PubSub(url)
    try:
        await opened.connect()
        yield opened
    finally:
        await opened.close()


async def flows(channel: PubSub, hearing: Hearing, message: str = "flows again") -> None:
    """Publish, and wait until it arrives."""
    channel.publish(message)
    await hearing.until(message)


async def kill_connections(server: ValkeyServer, kind: str) -> None:
    """Have Redis hang up on every connection of a kind, normal or pubsub, but on the one that asks for it."""
    async with Redis.from_url(server.url) as client:
        await client.client_kill_filter(_type=kind, skipme=True)
