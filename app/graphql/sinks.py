"""Where results that come by themselves go: straight to the connection, or to the send queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from app.graphql.payload import Payload, head_of
from app.graphql.send_queue import SendQueue


class FrameSender(Protocol):
    """A connection that accepts text frames as bytes."""

    writable: asyncio.Event  # not set while the peer does not take what it was sent

    def send_frames(self, frames: bytes) -> None:
        """Send frames after earlier ones. A closing connection drops them."""
        ...

    def unsent_bytes(self) -> int:
        """What waits for the peer."""
        ...


class FrameSink:
    """Sends frames that all sockets share. Nothing waits here: without room, nothing is sent."""

    __slots__ = ("_head", "_on_stall", "_sender", "_stall_seconds", "_writable")

    def __init__(self, id_: str, sender: FrameSender, on_stall: Callable[[], None], stall_seconds: float) -> None:
        self._head = head_of(id_)
        self._sender = sender
        self._writable = sender.writable
        self._on_stall = on_stall
        self._stall_seconds = stall_seconds

    @property
    def has_room(self) -> bool:
        """Whether the peer has taken enough of what it was sent."""
        return self._writable.is_set()

    async def room(self) -> None:
        """Wait for the peer. Calls `on_stall` when it takes nothing at all for `stall_seconds`."""
        while not self._writable.is_set():
            unsent = self._sender.unsent_bytes()
            try:
                async with asyncio.timeout(self._stall_seconds):
                    await self._writable.wait()
            except TimeoutError:
                if self._sender.unsent_bytes() >= unsent:
                    self._on_stall()

    def send(self, payload: Payload) -> None:
        """Send results."""
        self._sender.send_frames(payload.frames(self._head))


class QueueSink:
    """Sends through the socket's queue, on servers that do not accept frames."""

    __slots__ = ("_head", "_queue")

    def __init__(self, id_: str, queue: SendQueue) -> None:
        self._head = head_of(id_)
        self._queue = queue

    @property
    def has_room(self) -> bool:
        """Whether the queue is below its bound."""
        return self._queue.has_room

    async def room(self) -> None:
        """Wait for the queue, which deals with clients that do not read."""
        await self._queue.room()

    def send(self, payload: Payload) -> None:
        """Send results."""
        for message in payload.messages(self._head):
            self._queue.add(message)
