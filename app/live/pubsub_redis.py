"""broadcaster's backend for Redis: a subscription that survives whatever Redis does, and a connection to publish on.

broadcaster 0.3.1's own delivers nothing with redis-py 8, ends silently with its connection, and dies of a payload that
is not UTF-8. redis-py's PubSub reconnects and subscribes again behind its caller's back even with no retries, so that
nobody learns of the gap. Here are bare connections, one for each of the two, thrown away at the first error.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Any, NoReturn
from urllib.parse import urlsplit

from broadcaster import BroadcastBackend, Event
from redis.asyncio import Connection
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from app import backoff
from app.errors import BadInput
from app.log import get_logger
from app.sweep import end_tasks

log = get_logger(__name__)

# From the start of an attempt to the confirmed subscription.
CONNECT_SECONDS = 2.0
# A subscription with nothing to read is pinged this often, and is lost after so many empty reads in a row. Counted in
# reads, because a loop that was busy for seconds has the answer waiting in its socket.
READ_SECONDS = 1.0
MAX_EMPTY_READS = 3
# For Redis to accept a message, a new connection included.
PUBLISH_SECONDS = 1.0
# Pause before a lost subscription is tried again: doubles up to the second number; up to half of it is random.
BACKOFF_SECONDS = (0.05, 5.0)
# A subscription that lasted this long was good: the next loss starts with the shortest pause again.
STEADY_SECONDS = 5.0
CLOSE_SECONDS = 1.0
# Messages that were read and wait for broadcaster's listener; then the socket waits. Distributing never blocks, so
# this only hands over to it in the midst of a flood.
MAX_HANDOVER = 256
# Precedes each message. Whatever another program, or another format of ours, publishes on the channel becomes a gap.
MARK = b"runwatch/1 "

# Goes through broadcaster as a string in position of a message: a gap.
NO_MESSAGE = ""

# What this file relies on, whatever the URL's query says. RESP 2, so that messages come as ordinary answers and nothing
# is negotiated; no time-outs of redis-py, because ours include everything.
_OPTIONS: dict[str, Any] = {
    "protocol": 2,
    "decode_responses": False,
    "driver_info": None,
    "health_check_interval": 0,
    "retry": Retry(NoBackoff(), 0),
    "retry_on_error": [],
    "retry_on_timeout": False,
    "socket_connect_timeout": None,
    "socket_timeout": None,
}


class LinkLost(Exception):
    """Redis does not answer, or answers something unexpected."""


class RedisBackend(BroadcastBackend):
    """One channel of one Redis, with messages of up to `message_bytes_max` bytes."""

    def __init__(self, url: str, message_bytes_max: int) -> None:
        self._connection_class, self._options = _options_of(url)
        self._bytes_max = message_bytes_max
        self._events: asyncio.Queue[Event] = asyncio.Queue(MAX_HANDOVER)
        self._listener: asyncio.Task[None] | None = None
        self._publishing: Connection | None = None
        # Whether the subscription was confirmed, or failed, at least once.
        self.attempted = asyncio.Event()

    async def connect(self) -> None:
        """Does nothing: connections are made where they are needed."""

    async def disconnect(self) -> None:
        """Close both connections, in bounded time."""
        self.attempted.set()
        await end_tasks(self._listener, within=CLOSE_SECONDS)
        await self._drop_publishing()

    async def subscribe(self, group: str) -> None:
        """Start listening. Returns at once: broadcaster throws away what arrives before this has returned."""
        self._listener = asyncio.create_task(self._listen(group))

    async def unsubscribe(self, group: str) -> None:
        """Does nothing: disconnect() follows."""

    async def next_published(self) -> Event:
        """The next message or gap. Never fails, which would end broadcaster's listener."""
        return await self._events.get()

    async def publish(self, channel: str, message: str) -> None:
        """Publish a message or gap within a second, or fail."""
        payload = MARK + message.encode()
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                if self._publishing is not None and await self._publishing.can_read():
                    await self._drop_publishing()  # nothing was asked, so Redis hung up
                if self._publishing is None:
                    self._publishing = self._new_connection()
                    await _connect(self._publishing)
                await self._publishing.send_command("PUBLISH", channel, payload)
                if not isinstance(await self._publishing.read_response(), int):
                    raise LinkLost("an unexpected answer to PUBLISH")
        except BaseException:
            # Also when cancelled: the next command would take this answer for its own.
            await self._drop_publishing()
            raise

    async def _listen(self, channel: str) -> None:
        """Hold the subscription, for ever."""
        loop = asyncio.get_running_loop()
        failures, lost = 0, False
        while True:
            connection = self._new_connection()
            since: float | None = None
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await _subscribe(connection, channel)
                log.info("pubsub_connected", redis=self._address)
                since, lost = loop.time(), False
                await self._events.put(Event(channel, NO_MESSAGE))
                self.attempted.set()
                await self._read(connection, channel)
            except Exception as error:
                if not lost:
                    log.warning("pubsub_lost", redis=self._address, reason=reason_of(error))
                lost = True
            finally:
                await _abort(connection)
                self.attempted.set()
            was_steady = since is not None and loop.time() - since > STEADY_SECONDS
            failures = 1 if was_steady else failures + 1
            await asyncio.sleep(backoff.pause(failures, *BACKOFF_SECONDS))

    async def _read(self, connection: Connection, channel: str) -> NoReturn:
        """Hand over what arrives, until the connection is lost."""
        empty = 0
        while True:
            answer = await connection.read_response(timeout=READ_SECONDS, disconnect_on_error=False)
            if answer is None:
                empty += 1
                if empty >= MAX_EMPTY_READS:
                    raise LinkLost("no sign of life")
                async with asyncio.timeout(READ_SECONDS):
                    await connection.send_command("PING", check_health=False)
                continue
            empty = 0
            match answer:
                case [b"message", _, bytes(payload)]:
                    await self._events.put(Event(channel, self._message_in(payload)))
                case [b"pong", *_]:
                    pass
                case _:
                    raise LinkLost("an unexpected answer")

    def _message_in(self, payload: bytes) -> str:
        """The message, or a gap for anything that is not ours."""
        body = payload.removeprefix(MARK)
        if len(body) == len(payload) or len(body) > self._bytes_max:
            return NO_MESSAGE
        try:
            return body.decode()
        except UnicodeDecodeError:
            return NO_MESSAGE

    def _new_connection(self) -> Connection:
        return self._connection_class(**self._options)

    @property
    def _address(self) -> str:
        return f"{self._options.get('host', 'localhost')}:{self._options.get('port', 6379)}"

    async def _drop_publishing(self) -> None:
        connection, self._publishing = self._publishing, None
        if connection is not None:
            await _abort(connection)


def reason_of(error: Exception) -> str:
    """An error, fit for an operator to read."""
    if isinstance(error, ResponseError | AuthenticationError):
        # Not its text: a Redis that does not know AUTH answers with the password.
        return " ".join([type(error).__name__, *filter(None, [getattr(error, "status_code", None)])])
    return f"{type(error).__name__} {error}".strip()


async def ping(url: str) -> str:
    """The address of a Redis that answers; an error for any other. BadInput for a malformed URL."""
    connection_class, options = _options_of(url)
    connection = connection_class(**options)
    try:
        await _connect(connection)
        await connection.send_command("PING", check_health=False)
        if await connection.read_response() != b"PONG":
            raise LinkLost("an unexpected answer to PING")
        return f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
    finally:
        await _abort(connection)


async def _connect(connection: Connection) -> None:
    await connection.connect()  # type: ignore[no-untyped-call]


async def _subscribe(connection: Connection, channel: str) -> None:
    await _connect(connection)
    await connection.send_command("SUBSCRIBE", channel)
    match await connection.read_response():
        case [b"subscribe", *_]:
            return
    raise LinkLost("an unexpected answer to SUBSCRIBE")


async def _abort(connection: Connection) -> None:
    """Close at once: an orderly close waits until a hung peer has read what was written, or said goodbye in TLS."""
    writer = connection._writer
    if writer is not None:
        writer.transport.abort()
    with suppress(RedisError, OSError):
        await connection.disconnect(nowait=True)


def _options_of(url: str) -> tuple[type[Connection], dict[str, Any]]:
    """How to make a connection; BadInput if the URL does not say it."""
    try:
        options: dict[str, Any] = {**parse_url(url), **_OPTIONS}
        connection_class: type[Connection] = options.pop("connection_class", Connection)
        connection_class(**options)
        # redis-py takes any other path for database 0.
        if not re.fullmatch(r"/?\d*", urlsplit(url).path, re.ASCII):
            raise ValueError("not the number of a database")
    except (TypeError, ValueError, RedisError):
        # Without the original error: its text may contain parts of the URL, and thus a password.
        form = "redis://user:password@host:port/0 with redis-py's options"
        raise BadInput(f"RUNWATCH_REDIS_URL: malformed; it must be {form}") from None
    return connection_class, options
