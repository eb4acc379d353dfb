"""Messages between processes of Runwatch, best effort. Whoever must not miss anything reads the database on GAP.

broadcaster carries them, on its own memory backend or on ours for Redis. This module subscribes once per process,
because broadcaster's concurrent first subscribers overwrite each other and its queues have no bound. A Mailbox holds
what waits for a slow reader.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from broadcaster import Broadcast, Event

from app import backoff
from app.errors import BadInput
from app.log import get_logger
from app.sweep import end_tasks

if TYPE_CHECKING:
    from app.live.pubsub_redis import RedisBackend

log = get_logger(__name__)

GAP: Final = None  # among the messages: something may be missing
CHANNEL = "runwatch"
MAX_MESSAGE_BYTES = 8191
# Messages that wait in one mailbox. With the largest ones that is 8 MiB, with notifications of 100 bytes 0.2.
MAX_MAILBOX = 1024
# How long close() waits for what was published before it.
CLOSE_SECONDS = 1.0
# Pause between attempts to publish during an outage; at least half of it, so that processes do not return in step.
RETRY_SECONDS = 1.0


def _redis_backend(url: str) -> RedisBackend:
    # Here and not above: most processes have no Redis, and redis takes a tenth of a second of CPU to import.
    from app.live.pubsub_redis import RedisBackend

    return RedisBackend(url, MAX_MESSAGE_BYTES)


class Mailbox(AsyncIterator[str | None]):
    """Messages that wait for one reader, in order. When one too many arrives, a single GAP replaces all of them."""

    def __init__(self) -> None:
        self._messages: deque[str | None] = deque()
        self._news = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: str | None) -> None:
        """Add a message or GAP; does nothing after close()."""
        if self._closed or (message is GAP and self._messages and self._messages[-1] is GAP):
            return
        if len(self._messages) >= MAX_MAILBOX:
            self._messages.clear()
            message = GAP
        self._messages.append(message)
        self._news.set()

    def collapse(self) -> None:
        """Drop what waits, and leave a GAP."""
        self._messages.clear()
        self._messages.append(GAP)
        self._news.set()

    def close(self) -> None:
        """Accept nothing more. The reader gets what waits, and then the end."""
        self._closed = True
        self._news.set()

    async def __anext__(self) -> str | None:
        while not self._messages:
            if self._closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._messages.popleft()


class PubSub:
    """One channel that every process publishes to and receives, itself included. All of it is for one event loop."""

    def __init__(self, url: str) -> None:
        """`url` is memory://, or redis:// or rediss:// as redis-py reads them; BadInput for any other."""
        scheme = url.partition("://")[0].lower()
        if scheme not in ("memory", "redis", "rediss"):
            # Not the URL itself: it may contain a password.
            raise BadInput("RUNWATCH_REDIS_URL: must be memory://, redis://host:port/0 or rediss://host:port/0")
        self._redis = None if scheme == "memory" else _redis_backend(url)
        self._broadcast = Broadcast("memory://") if self._redis is None else Broadcast(backend=self._redis)
        # Weak: a reader that stops only lets go of the iterator.
        self._inboxes: WeakSet[Mailbox] = WeakSet()
        self._unpublished = Mailbox()
        self._publisher: asyncio.Task[None] | None = None
        self._ending = AsyncExitStack()
        self._lock = asyncio.Lock()
        self._closed = False
        self._told_unfit = False

    async def connect(self) -> None:
        """Start. Returns when Redis has confirmed the subscription or has failed to once, after 2 s at the latest."""
        async with self._lock:
            if self._closed:
                raise RuntimeError("this PubSub was closed")
            if self._publisher is None:
                await self._broadcast.connect()
                self._ending.push_async_callback(self._disconnect)
                subscriber = await self._ending.enter_async_context(self._broadcast.subscribe(CHANNEL))
                distributor = asyncio.create_task(self._distribute(subscriber.get))
                self._publisher = asyncio.create_task(self._publish())
                self._ending.push_async_callback(end_tasks, distributor, self._publisher, within=CLOSE_SECONDS)
        if self._redis is not None:
            await self._redis.attempted.wait()

    async def close(self) -> None:
        """End every iterator and connection, whatever Redis does. What was published goes out first, within 1 s."""
        self._closed = True
        self._unpublished.close()
        async with self._lock:
            try:
                if self._publisher is not None:
                    await asyncio.wait({self._publisher}, timeout=CLOSE_SECONDS)
            finally:
                for inbox in self._inboxes:
                    inbox.close()
                await self._ending.aclose()

    def publish(self, message: str) -> None:
        """Send the message if possible. A message of more than 8191 bytes, or an invalid one, becomes a GAP."""
        self._unpublished.put(message if self._is_fit(message) else GAP)

    def messages(self) -> AsyncIterator[str | None]:
        """What is published from this call on, and GAPs. Ends when this PubSub is closed."""
        inbox = Mailbox()
        if self._closed:
            inbox.close()
        self._inboxes.add(inbox)
        return inbox

    def _is_fit(self, message: str) -> bool:
        try:
            size = len(message.encode())
        except UnicodeEncodeError:  # half a surrogate pair
            size = 0
        fit = 0 < size <= MAX_MESSAGE_BYTES
        if not fit and not self._told_unfit:
            self._told_unfit = True
            log.error("pubsub_message_unfit", size=size)
        return fit

    async def _distribute(self, next_event: Callable[[], Awaitable[Event]]) -> None:
        while True:
            self._deliver((await next_event()).message or GAP)

    def _deliver(self, message: str | None) -> None:
        # Apart from _distribute(), whose variables would keep the last inbox alive while it waits.
        for inbox in self._inboxes:
            inbox.put(message)

    async def _publish(self) -> None:
        """Send what waits. What cannot be sent becomes a GAP, which is sent until it arrives."""
        failing = False
        async for message in self._unpublished:
            try:
                await self._broadcast.publish(CHANNEL, message or "")  # NO_MESSAGE
            except Exception as error:
                if not failing:
                    from app.live.pubsub_redis import reason_of

                    log.warning("pubsub_publish_failed", reason=reason_of(error))
                if self._closed:
                    return
                self._unpublished.collapse()
                # The first failure may be of this connection only: Redis closes idle ones.
                if failing:
                    await asyncio.sleep(backoff.pause(1, RETRY_SECONDS, RETRY_SECONDS))
                failing = True
            else:
                failing = False

    async def _disconnect(self) -> None:
        await self._broadcast.disconnect()
        await asyncio.sleep(0)  # it has cancelled its listener, without waiting for it
