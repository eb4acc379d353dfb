"""Requests that arrive slowly end, and make room for others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

import pytest
import uvicorn
from uvicorn.server import ServerState

from app.asgi import arrivals
from app.asgi.arrivals import Arrivals
from app.server.http_protocol import Arriving, HttpProtocol
from specs.harness.waiting import until
from tests.app.http.gates import serving
from tests.app.server.talking import POST, Raw, code_in, echo, send


@asynccontextmanager
async def narrow(head: float, body: float, most: int = 100) -> AsyncIterator[tuple[int, Arriving]]:
    arriving = Arriving(head, body, Arrivals(most), Arrivals(most))
    async with serving(echo, partial(HttpProtocol, arriving=arriving)) as port:
        yield port, arriving


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (b"", None),
        (b"GET / HT", "The request line and headers did not arrive within 0.3 s"),
        (POST + b"content-length: 3\r\n\r\nab", "The body did not arrive within 0.3 s, and one for each 4096 bytes"),
        (POST + b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", "The body did not arrive within 0.3 s"),
    ],
    ids=["nothing", "half a head", "half a body", "half the trailers"],
)
async def test_what_is_not_sent_to_its_end_times_out(
    start: bytes, reason: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "SWEEP_SECONDS", 0.05)
    async with narrow(0.3, 0.3) as (port, arriving):
        async with Raw.to(port, start) as raw:
            said = await raw.end()
        assert arriving.heads.total == arriving.bodies.total == 0
    if reason is None:
        assert said == b""
        return
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert code_in(body) == "LIMIT_EXCEEDED"
    assert reason in body.decode()


async def test_what_trickles_after_an_answer_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line break, or the body of a request that its head had refused, would switch uvicorn's own time-out off."""
    monkeypatch.setattr(arrivals, "SWEEP_SECONDS", 0.05)
    start = POST + b"content-length: 0\r\n\r\n"
    async with narrow(0.3, 30) as (port, _), Raw.to(port, start) as raw, asyncio.timeout(20):
        await raw.answer()
        with suppress(ConnectionError):
            while not raw.reader.at_eof() and not raw.writer.is_closing():
                raw.writer.write(b"\r\n")
                await raw.writer.drain()
                await asyncio.sleep(0.05)


async def test_request_whose_parts_take_their_time_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part has its own time, a body that flows has more, and an answer may take any."""
    monkeypatch.setattr(arrivals, "SWEEP_SECONDS", 0.05)
    async with narrow(3, 3) as (port, arriving):
        async with Raw.to(port, POST) as raw:
            await until(lambda: arriving.heads.total == 1)
            raw.writer.write(b"content-length: 6\r\n\r\nabc")
            await until(lambda: arriving.bodies.total == 1)
            assert arriving.heads.total == 0
            raw.writer.write(b"def")
            assert (await raw.answer()).startswith(b"HTTP/1.1 200 ")
            assert arriving.bodies.total == 0
        protocol = HttpProtocol(uvicorn.Config(echo), ServerState(), {}, arriving=arriving)
        protocol._waits_in, protocol._since = arriving.bodies, 100
        assert [protocol.is_late(now) for now in (102.9, 103.1)] == [False, True]
        protocol._received = 40_960
        assert [protocol.is_late(now) for now in (112.9, 113.1)] == [False, True]


async def test_hundreds_of_half_sent_requests_keep_nobody_out() -> None:
    """The oldest of the address with the most make room, and each of them is answered."""
    async with narrow(60, 60, most=20) as (port, arriving), AsyncExitStack() as stack:
        starts = [b"x: y"] * 60 + [b"content-length: 9\r\n\r\n"] * 60
        raw = [await stack.enter_async_context(Raw.to(port, POST + start)) for start in starts]
        half, bodies = raw[:60], raw[60:]
        for each in (*half[:50], *bodies[:50]):
            assert (await each.end()).startswith(b"HTTP/1.1 408 ")
        # A body begins with a head, which may have taken the place of one more.
        assert max(arriving.heads.total, arriving.bodies.total) <= 10
        assert await send(port, POST + b"connection: close\r\ncontent-length: 3\r\n\r\nabc") == (200, b"3")
