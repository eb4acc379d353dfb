"""A client that costs next to nothing, so that the server has the machine: ready requests on kept connections."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def request(path: str, body: bytes, content_type: str, token: str) -> bytes:
    """A whole request as it is sent."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send_all(port: int, streams: Sequence[Sequence[bytes]], answer: bytes) -> float:
    """Send each stream over a connection of its own, all at once; the seconds until the last answer.

    Every answer must be 202 with exactly the body `answer`: a benchmark of refusals is none.
    """
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in streams]

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: Sequence[bytes]) -> None:
        for each in requests:
            writer.write(each)
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            assert length is not None, head
            body = await reader.readexactly(int(length[1]))
            assert head.startswith(b"HTTP/1.1 202"), head + body
            assert body == answer, body

    started = time.perf_counter()
    await asyncio.gather(
        *(send(reader, writer, stream) for (reader, writer), stream in zip(connections, streams, strict=True))
    )
    seconds = time.perf_counter() - started
    for _, writer in connections:
        writer.close()
        await writer.wait_closed()
    return seconds


async def ask_again(
    port: int, asked: bytes, answer: bytes | None, times: int, connections: int
) -> tuple[bytes, list[float]]:
    """Send one request over and over on each connection; the body of its answer, and the seconds of each.

    Every answer must be 200 with exactly the body `answer`, or with that of the first.
    """
    took: list[float] = []
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, expected: bytes | None) -> bytes:
        for _ in range(times):
            started = time.perf_counter()
            writer.write(asked)
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            assert length is not None, head
            body = await reader.readexactly(int(length[1]))
            took.append(time.perf_counter() - started)
            assert head.startswith(b"HTTP/1.1 200"), head + body
            expected = expected or body
            assert body == expected, (body[:2000], expected[:2000])
        assert expected is not None
        return expected

    bodies = await asyncio.gather(*(ask(reader, writer, answer) for reader, writer in opened))
    for _, writer in opened:
        writer.close()
        await writer.wait_closed()
    return bodies[0], took
