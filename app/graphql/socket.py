"""GraphQL over WebSockets: one socket, its sign-in, its operations and its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic

from starlette.types import Receive, Scope, Send

from app.asgi.arrivals import descriptors
from app.asgi.extensions import CLOSER, FRAMES
from app.errors import AppError, LimitExceeded, RateLimited, Unauthenticated, Unavailable, masked, shown
from app.graphql import messages
from app.graphql.messages import Close, Closing, Complete, Init, Message, Operation, Ping, Pong, Subscribe
from app.graphql.newcomers import Newcomer
from app.graphql.operation_log import Logged, from_of
from app.graphql.operations import OperationFailed, Pushed, Result, Sink
from app.graphql.send_queue import SendQueue
from app.graphql.signed_in import ViewerT
from app.graphql.sinks import FrameSender, FrameSink, QueueSink
from app.log import get_logger

log = get_logger(__name__)

# How long a stopped operation may take to clean up: a database read is cut off after 5 s.
CLEANUP_SECONDS = 6.0
# How long a client that does not read may take to resume reading, and to receive the close, under a server without
# CLOSER.
CLOSE_SECONDS = 3.0
# How long a new operation waits for stopped ones when they fill all places of the socket.
TURN_SECONDS = 0.1
# Messages to read before other tasks get a turn; parsing one takes some 5 µs.
MAX_BATCH_MESSAGES = 100


# Each socket takes a descriptor. Thirty people on one token have 180, with six tabs each.
PART_OF_A_VIEWER = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """What one socket may do."""

    operations: int = 50  # a dashboard has some five
    operations_of_viewer: int = 5_000  # of all sockets of this process
    operations_of_all: int = 20_000
    # Of the different documents of these operations: those of the page have 27,000 together.
    characters_of_viewer: int = 1024 * 1024
    characters_of_all: int = 4 * 1024 * 1024
    # That have signed in, of all sockets of this process.
    sockets_of_viewer: int = field(default_factory=lambda: descriptors() // PART_OF_A_VIEWER)
    init_seconds: float = 10.0
    # More than a page of results, less than what thousands of stopped clients would need to fill the memory.
    queued_bytes: int = 256 * 1024
    stall_seconds: float = 5.0


class Socket(Generic[ViewerT]):
    """One of a site, the GraphQLSockets that imports this. `viewer` is who has signed in."""

    def __init__(self, site: Any, scope: Scope, receive: Receive, send: Send) -> None:
        self._site = site
        self._scope = scope
        self._receive = receive
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._end: asyncio.Future[Closing | None] = self._loop.create_future()  # None: the client is gone
        limits = site.limits
        frames = scope.get("extensions", {}).get(FRAMES)
        self._frames: FrameSender | None = None if frames is None else frames["sender"]
        self._queue = SendQueue(
            self._send_text,
            self._on_stall,
            self._stop,
            limits.queued_bytes,
            limits.stall_seconds,
            (lambda: 0) if self._frames is None else self._frames.unsent_bytes,
        )
        self._signing_in: asyncio.Task[None] | None = None
        self.viewer: ViewerT | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._started = 0

    async def run(self) -> None:
        """From the handshake to the end, which it reports to the server."""
        began = self._loop.time()
        self._site.open.add(self)
        self._newcomer = Newcomer(self._site.arrivals, self._scope, self._stop)
        late = Closing(Close.INIT_TIMEOUT, "No connection_init within the time limit")
        self._timer = self._loop.call_later(self._site.limits.init_seconds, self._stop, late)
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._queue.write())]
        closing: Closing | None = None
        try:
            closing = await self._end
        finally:
            self._site.open.discard(self)
            if self.viewer is not None:
                self._site.leave(self.viewer)
            self._newcomer.done()
            self._timer.cancel()
            self._queue.close()
            tasks += [self._signing_in] if self._signing_in else []
            for task in tasks:
                task.cancel()
            for id_ in list(self._running):
                self._cancel(id_)
            await asyncio.wait(tasks)
            if closing is not None:
                await close(self._scope, self._send, closing)
            if self._ending:
                await asyncio.wait(self._ending, timeout=CLEANUP_SECONDS)
            seconds = round(self._loop.time() - began, 1)
            who = {} if self.viewer is None else self.viewer.line
            ended = {"code": closing and int(closing.code), "operations": self._started, "seconds": seconds}
            log.info("socket", **ended, **from_of(self._scope), **who)

    def expire(self) -> None:
        """The sign-in has ended: clients come back with fresh credentials, or give up."""
        self._stop(Closing(Close.EXPIRED, "The sign-in has ended"))

    def _stop(self, closing: Closing | None = None) -> None:
        if not self._end.done():
            self._end.set_result(closing)

    def _on_stall(self) -> None:
        self._stop(Closing(Close.TOO_SLOW, "The client does not read its results"))

    async def _send_text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def _reply(self, message: bytes) -> None:
        await self._queue.room(reply=True)
        self._queue.add(message)

    async def _read(self) -> None:
        closing = None
        count = 0
        try:
            while (event := await self._receive())["type"] != "websocket.disconnect":
                await self._handle(messages.parse(event.get("text")))
                count += 1
                if count % MAX_BATCH_MESSAGES == 0:
                    await asyncio.sleep(0)  # a message that has already arrived is received without a turn for others
        except Closing as given:
            closing = given
        except Exception as error:
            closing = Closing(Close.INTERNAL, masked(error)["extensions"]["errorId"])
        self._stop(closing)

    async def _handle(self, message: Message) -> None:
        match message:
            case Init():
                if self._signing_in is not None:
                    raise Closing(Close.SECOND_INIT, "Second connection_init")
                self._timer.cancel()
                # Not awaited: operations that arrive meanwhile are too early, and must not wait until they are not.
                self._signing_in = asyncio.create_task(self._sign_in(message.payload))
            case Ping():
                await self._reply(messages.pong(message.payload))
            case Pong():
                pass
            case Subscribe():
                await self._subscribe(message)
            case Complete():
                self._cancel(message.id)

    async def _sign_in(self, payload: dict[str, Any]) -> None:
        try:
            viewer = await self._site.sign_in(self._scope, payload)
        except Unauthenticated as error:
            self._stop(Closing(Close.UNAUTHORIZED, error.message))
        except RateLimited as error:
            self._stop(Closing(Close.TRY_AGAIN, error.message))
        except Exception as error:  # of the database: it says nothing of the credentials
            self._stop(Closing(Close.TRY_AGAIN, masked(error)["extensions"]["errorId"]))
        else:
            if not self._site.enter(viewer):
                most = self._site.limits.sockets_of_viewer
                self._stop(Closing(Close.TRY_AGAIN, f"At most {most} WebSockets for one token; close one"))
                return
            if viewer.expires_at is not None and viewer.session is None:
                expired = Closing(Close.EXPIRED, "The sign-in has expired")
                self._timer = self._loop.call_later(viewer.expires_at / 1e6 - time.time(), self._stop, expired)
            self.viewer = viewer
            self._newcomer.done()
            await self._reply(messages.ACK)

    async def _subscribe(self, message: Subscribe) -> None:
        if self.viewer is None:
            raise Closing(Close.UNAUTHORIZED, "Operation before connection_ack")
        if message.id in self._running:
            raise Closing(Close.DUPLICATE_ID, f"Operation {message.id!r} exists already")
        limit = self._site.limits.operations
        credential = self.viewer.credential
        # Operations that clean up count too: otherwise a client that keeps starting and stopping would have any number
        # of them. But most end as soon as they get a turn.
        if len(self._ending) >= limit:
            await asyncio.wait(self._ending, timeout=TURN_SECONDS)
        try:
            if len(self._running) >= limit or len(self._ending) >= limit:
                raise LimitExceeded(f"At most {limit} operations on one socket: complete one, or open another socket")
            operation = self._site.resolve(message.operation)
            self._site.running.begin(credential, operation.query)
        except AppError as error:
            with Logged(self.viewer.line, self._scope, None) as line:
                await self._reply(line.failed(message.id, [shown(error)]))
            return
        self._started += 1
        task = asyncio.create_task(self._run(message.id, operation, self.viewer))
        task.add_done_callback(lambda _: self._site.running.end(credential, operation.query))
        self._running[message.id] = task

    def _cancel(self, id_: str) -> None:
        task = self._running.pop(id_, None)
        if task is None:
            return  # it ended before the client heard of it
        task.cancel()
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        self._loop.call_later(CLEANUP_SECONDS, _hurry, task)

    async def _run(self, id_: str, operation: Operation, viewer: ViewerT) -> None:
        context = self._site.make_context(viewer)
        with Logged(viewer.line, self._scope, context) as line:
            last = await self._last(id_, operation, viewer, context, line)
        if last is None or self._running.get(id_) is not asyncio.current_task():
            return  # it was stopped, and another may have the id by now
        await self._queue.room()
        # In one go: as soon as the client reads this, it may use the id again.
        self._running.pop(id_, None)
        self._queue.add(last)

    async def _last(self, id_: str, operation: Operation, viewer: ViewerT, context: Any, line: Logged) -> bytes | None:
        """Execute an operation and send its results; its last message, None if the socket is closed."""
        try:
            if await self._site.ended([viewer]):
                self.expire()
                return None
            results = await self._site.operations.start(context, operation)
            if isinstance(results, Pushed):
                await results.push(self._sink(id_))
            else:
                await self._send_each(id_, results)
        except Unavailable as error:
            # A client that receives a failure would not ask again, and miss what follows. A closed one returns and asks
            # again.
            self._stop(Closing(Close.TRY_AGAIN, masked(error)["extensions"]["errorId"]))
            return None
        except OperationFailed as failure:
            return line.failed(id_, failure.errors)
        except Exception as error:
            return line.failed(id_, [shown(error)])
        line.ended = "completed"
        return messages.complete(id_)

    async def _send_each(self, id_: str, results: AsyncIterator[Result]) -> None:
        try:
            async for result in results:
                await self._queue.room()
                self._queue.add(messages.next_(id_, result))
        finally:
            aclose = getattr(results, "aclose", None)
            if aclose is not None:
                await aclose()

    def _sink(self, id_: str) -> Sink:
        if self._frames is None:
            return QueueSink(id_, self._queue)
        return FrameSink(id_, self._frames, self._on_stall, self._site.limits.stall_seconds)


def _hurry(task: asyncio.Task[None]) -> None:
    if not task.done():
        log.warning("operation_not_cleaned_up", task=task.get_name())
        task.cancel()


async def close(scope: Scope, send: Send, closing: Closing) -> None:
    """Close a socket that was accepted."""
    closer = scope.get("extensions", {}).get(CLOSER)
    if closer is not None:
        closer["close"](int(closing.code), closing.reason)
        return
    with suppress(Exception):  # the client is gone, or does not read
        async with asyncio.timeout(CLOSE_SECONDS):
            await send({"type": "websocket.close", "code": int(closing.code), "reason": closing.reason})
