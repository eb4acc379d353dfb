"""Answers that nobody takes end, and connections that are idle make room."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from app.asgi import arrivals
from app.asgi.arrivals import Arrivals
from app.server.http_protocol import Arriving, HttpProtocol
from specs.harness.waiting import until
from tests.app.http.gates import serving
from tests.app.server.talking import POST, Raw, echo

GET = b"GET /%b HTTP/1.1\r\nhost: x\r\n\r\n"
PIECE = b"x" * 4_000_000


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    """24 MB at once, or in pieces."""
    await receive()
    pieces = [PIECE] * 6 if scope["path"] == "/pieces" else [PIECE * 6]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"24000000")]})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def size_of_rest(client: socket.socket) -> int:
    size = 0
    with suppress(ConnectionResetError):
        while part := await asyncio.get_running_loop().sock_recv(client, 1_000_000):
            size += len(part)
    return size


@asynccontextmanager
async def narrow(app: Any, idle: int = 100) -> AsyncIterator[tuple[int, Arriving]]:
    arriving = Arriving(60, 0.3, idle=Arrivals(idle))
    async with serving(app, partial(HttpProtocol, arriving=arriving)) as port:
        yield port, arriving


@pytest.mark.parametrize("path", [b"", b"pieces"])
async def test_answer_that_nobody_takes_ends(path: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is written; whoever takes a part of it has its time for that."""
    monkeypatch.setattr(arrivals, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr("app.server.http_protocol.BYTES_A_SECOND", 1e9)
    async with narrow(large) as (port, arriving):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
            client.send(GET % path)
            await until(lambda: arriving.answers.total == 1)
            await until(lambda: arriving.answers.total == arriving.idle.total == 0)
            assert await size_of_rest(client) < 24_000_000, "what the systems hold"


async def test_answer_that_is_taken_is_left_alone() -> None:
    async with narrow(large) as (port, arriving), Raw.to(port) as raw:
        for path in (b"", b"pieces"):
            raw.writer.write(GET % path)
            await raw.answer()
            async with asyncio.timeout(20):
                assert len(await raw.reader.readexactly(24_000_000)) == 24_000_000
            await until(lambda: (arriving.answers.total, arriving.idle.total) == (0, 1))


async def test_time_to_take_an_answer_grows_with_what_was_taken() -> None:
    class Wire(asyncio.Transport):
        unsent = 0

        def get_write_buffer_size(self) -> int:
            return self.unsent

    arriving, wire = Arriving(10, 30), Wire()
    protocol = HttpProtocol(uvicorn.Config(echo), ServerState(), {}, arriving=arriving)
    protocol.transport = wire
    for waits_in in (arriving.answers, arriving.idle):
        protocol._waits_in, protocol._since, protocol._unsent = waits_in, 100, 1_000_000
        wire.unsent = 1_000_000
        assert [protocol.is_late(now) for now in (129.9, 130.1)] == [False, True]
        wire.unsent = 1_000_000 - 40_960
        assert [protocol.is_late(now) for now in (139.9, 140.1)] == [False, True]
        wire.unsent = 0
        assert not protocol.is_late(1e9)


async def test_hundreds_of_idle_connections_keep_nobody_out() -> None:
    """The oldest end, without a word; the newest may ask again."""
    ask = POST + b"content-length: 0\r\n\r\n"
    async with narrow(echo, idle=20) as (port, arriving), AsyncExitStack() as stack:
        raw = []
        for _ in range(60):
            raw.append(await stack.enter_async_context(Raw.to(port, ask)))
            assert (await raw[-1].answer()).startswith(b"HTTP/1.1 200 ")
        for each in raw[:50]:
            assert await each.end() == b"0"
        assert arriving.idle.total == 10
        for each in raw[-10:]:
            assert await each.reader.readexactly(1) == b"0"
            each.writer.write(ask)
            assert (await each.answer()).startswith(b"HTTP/1.1 200 ")
            await until(lambda: arriving.idle.total == 10)
