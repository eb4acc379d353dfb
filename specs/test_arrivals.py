"""What does not arrive, or is too much at a time, keeps nobody else out."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx

from specs.harness.driver import Runwatch, unique
from specs.harness.narrow import PLACES, SECONDS


async def test_rate_006_requests_that_do_not_arrive_keep_nobody_out(narrow: Runwatch) -> None:
    """Half-sent heads and bodies MUST be 408 after their time; hundreds of them MUST NOT keep others out."""
    port, token = urlsplit(narrow.url).port, narrow.token("runner", unique("slow"))
    events = (
        f"POST /api/events HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        "content-type: application/cloudevents-batch+json\r\ncontent-length: 9\r\n\r\n["
    ).encode()
    session = b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
    async with AsyncExitStack() as stack:

        async def send(start: bytes) -> asyncio.StreamReader:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            writer.write(start)
            return reader

        readers = [await send(start) for start in [b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: "] * 600]
        readers += [await send(start) for start in (events, session)]
        assert httpx.get(f"{narrow.url}/health").status_code == 200
        assert narrow.ask("{ viewer { name } }")["data"]
        async with asyncio.timeout(60):
            answers = [await reader.read() for reader in (*readers[:10], *readers[-12:])]
    assert {answer.partition(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 408 Request Timeout"}
    assert all(b'"code":"LIMIT_EXCEEDED"' in answer for answer in answers)
    assert f"The body did not arrive within {SECONDS} s".encode() in answers[-2]


async def test_sick_007_what_is_too_much_is_refused_by_its_head(narrow: Runwatch) -> None:
    """Bodies of events beyond the bound MUST be 503 with Retry-After, before they are sent; others MUST be served."""
    port, token, other = urlsplit(narrow.url).port, narrow.token("runner", "e"), narrow.token("runner", "e")

    async def head(stack: AsyncExitStack) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        stack.callback(writer.close)
        writer.write(
            f"POST /api/events HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
            "content-type: application/cloudevents-batch+json\r\ncontent-length: 2\r\n\r\n".encode()
        )
        return reader, writer

    async def answer(reader: asyncio.StreamReader) -> tuple[bytes, Any]:
        said = await reader.readuntil(b"\r\n\r\n")
        length = int(said.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return said, json.loads(await reader.readexactly(length))

    async with AsyncExitStack() as stack, asyncio.timeout(30):
        held = [await head(stack) for _ in range(PLACES)]
        one_more, writer = await head(stack)
        said, body = await answer(one_more)
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in said
        extensions = body["errors"][0]["extensions"]
        assert extensions.pop("retryAfter") == 1
        assert extensions == {"code": "RATE_LIMITED", "limit": "RUNWATCH_MAX_EVENT_BODIES", "value": 2 * PLACES}
        assert narrow.post_events([], token=other).status_code == 202
        for reader, waiting in held:
            waiting.write(b"[]")
            assert (await answer(reader))[0].startswith(b"HTTP/1.1 202 ")
        # On the connection that was kept: what is left of the refused body, and a request.
        writer.write(b"[]POST /api/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n")
        assert (await answer(one_more))[0].startswith(b"HTTP/1.1 401 ")
