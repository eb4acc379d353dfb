"""Thousands of subscribers in one process: they count what they get, and look at nothing of it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
import time
from typing import Any, cast

NEXT = b'"next"'
ACK = b"connection_ack"


class Crowd:
    """All the subscribers of a run."""

    def __init__(self) -> None:
        self.received = 0
        self.bytes = 0
        self.receipts: list[float] = []
        self._wanted = 0
        self._enough = asyncio.Event()

    def got(self, count: int, size: int) -> None:
        """Some messages came."""
        self.received += count
        self.bytes += size
        self.receipts.append(time.perf_counter())
        if self.received >= self._wanted:
            self._enough.set()

    async def until(self, received: int) -> None:
        """Wait until so many messages have come in all."""
        self._wanted = received
        self._enough.clear()
        if self.received < received:
            async with asyncio.timeout(300):
                await self._enough.wait()


class Subscriber(asyncio.Protocol):
    """A WebSocket client that subscribes and counts."""

    def __init__(self, crowd: Crowd, subscription: dict[str, Any]) -> None:
        self._crowd = crowd
        self._subscription = subscription
        self.transport: asyncio.Transport
        self._acknowledged = False
        self._rest = b""
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is of no such class
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
            b"Sec-WebSocket-Key: %b\r\n\r\n" % key.encode()
        )

    def data_received(self, data: bytes) -> None:
        """Count results, by whole frames."""
        if self._acknowledged:
            if self._rest:
                data = self._rest + data
            count = at = 0
            while (end := _end_of_frame(data, at)) is not None:
                count += data.find(NEXT, at, end) >= 0
                at = end
            self._rest = data[at:]
            if count:
                self._crowd.got(count, at)
        elif data.startswith(b"HTTP/1.1 101"):
            self.transport.write(_frame({"type": "connection_init"}))
        elif ACK in data:
            self._acknowledged = True
            self.transport.write(_frame({"type": "subscribe", "id": "1", "payload": self._subscription}))
            self.ready.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """The server has ended."""
        if not self.ready.done():
            self.ready.set_exception(error or ConnectionError("closed"))


async def connect(port: int, crowd: Crowd, subscription: dict[str, Any]) -> Subscriber:
    """One subscriber that has been acknowledged."""
    loop = asyncio.get_running_loop()
    _, subscriber = await loop.create_connection(lambda: Subscriber(crowd, subscription), "127.0.0.1", port)
    await subscriber.ready
    return subscriber


def _end_of_frame(data: bytes, at: int) -> int | None:
    """Where the frame at a place ends, if all of it is there; those of a server have no mask."""
    if len(data) < at + 4:
        return None
    size = data[at + 1]
    head = 2
    if size == 126:
        size, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
    end = at + head + size
    return end if end <= len(data) else None


def _frame(message: dict[str, Any]) -> bytes:
    data = json.dumps(message).encode()
    size = struct.pack("!BB", 0x81, 0x80 | len(data)) if len(data) < 126 else struct.pack("!BBH", 0x81, 0xFE, len(data))
    return size + b"\0\0\0\0" + data  # masked with zeros
