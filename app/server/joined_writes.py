"""A transport that sends the head of an answer together with the body that follows.

uvicorn writes them one by one: two system calls and two packets, for which the client wakes twice.
"""

from __future__ import annotations

import asyncio
from typing import Any

_HEAD = b"HTTP/1.1 "
# Longer bodies go by themselves: to copy them costs what a system call does.
MAX_JOINED = 128 * 1024


class JoinedWrites:
    """Keeps what begins like a head until the next write, or for one turn of the loop."""

    __slots__ = ("_head", "_loop", "get_write_buffer_size", "is_closing", "transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.transport = transport
        self._loop = loop
        self._head = b""
        # What is asked for at each answer.
        self.is_closing = transport.is_closing
        self.get_write_buffer_size = transport.get_write_buffer_size

    def write(self, data: bytes) -> None:
        """Send data, in order."""
        head = self._head
        if head:
            self._head = b""
            if len(data) <= MAX_JOINED:
                self.transport.write(head + data)
                return
            self.transport.write(head)
        elif data.startswith(_HEAD):
            self._head = data
            self._loop.call_soon(self._flush)
            return
        self.transport.write(data)

    def write_whole(self, answer: bytes) -> None:
        """Send a head with its body, in order: nothing follows that it would have to wait for."""
        self._flush()
        self.transport.write(answer)

    def close(self) -> None:
        """Close it once all is sent."""
        self._flush()
        self.transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def _flush(self) -> None:
        head, self._head = self._head, b""
        if head:
            self.transport.write(head)
