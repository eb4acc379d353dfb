"""Talking to a server's HTTP protocol byte by byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.types import Receive, Scope, Send

POST = b"POST / HTTP/1.1\r\nhost: x\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Says how long the body was."""
    size = 0
    while (message := await receive())["type"] == "http.request":
        size += len(message["body"])
        if not message["more_body"]:
            break
    body = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def send(port: int, *parts: bytes) -> tuple[int, bytes]:
    """Send parts, as far as they are taken; the status of the last answer, and what came with it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = asyncio.create_task(reader.read())
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(10):
            head, _, body = (await answer).rpartition(b"\r\n\r\n")
    finally:
        answer.cancel()
        writer.close()
    return int(head[head.rindex(b"HTTP/1.1 ") :].split()[1]), body


def code_in(body: bytes) -> Any:
    (error,) = json.loads(body)["errors"]
    return error["extensions"]["code"]


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """Nothing comes by itself."""

    resume_reading = pause_reading

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Whoever talks to it calls the protocol itself."""


class Raw:
    """A bare connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @asynccontextmanager
    async def to(cls, port: int, start: bytes = b"") -> AsyncIterator[Raw]:
        raw = cls(*await asyncio.open_connection("127.0.0.1", port))
        raw.writer.write(start)
        try:
            yield raw
        finally:
            raw.writer.close()
            with suppress(ConnectionError):
                await raw.writer.wait_closed()

    async def end(self) -> bytes:
        """What comes until the server hangs up."""
        async with asyncio.timeout(20):
            return await self.reader.read()

    async def answer(self) -> bytes:
        async with asyncio.timeout(20):
            return await self.reader.readuntil(b"\r\n\r\n")
