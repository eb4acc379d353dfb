"""A head has a bound, and malformed HTTP gets a coded answer."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from app.server.http_protocol import MAX_HEAD_BYTES, Arriving, HttpProtocol
from app.server.websocket_protocol import WebSocketProtocol
from tests.app.server.talking import POST, Wire, code_in, echo, send

BIG = b"x" * 1_000


async def sent_in_vain(port: int, start: bytes, part: bytes) -> int:
    """Send a part over and over, until the server hangs up or 50 MB are sent; how many bytes it were."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    size = 0
    writer.write(start)
    try:
        while size < 50_000_000:
            writer.write(part)
            await writer.drain()
            size += len(part)
    except ConnectionError:
        pass
    finally:
        writer.close()
    return size


@pytest.mark.parametrize(
    ("start", "part"),
    [
        (POST, b"x: " + BIG * 10 + b"\r\n"),
        (POST + b"x: ", BIG * 10),
        (b"GET /", BIG * 10),
        (POST + b"transfer-encoding: chunked\r\n\r\n1;", BIG * 10),
        (POST + b"transfer-encoding: chunked\r\n\r\n0\r\n", b"x: " + BIG * 10 + b"\r\n"),
    ],
    ids=["headers", "header", "target", "chunk", "trailers"],
)
async def test_a_head_that_does_not_end_is_cut_off(port: int, start: bytes, part: bytes) -> None:
    # What the two systems hold on their way is some megabytes.
    assert await sent_in_vain(port, start, part) < 20_000_000


async def test_a_head_above_the_bound_is_refused(port: int) -> None:
    # One piece at a time: data on its way when the server hangs up would take its answer along.
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(POST)
    sent = 0
    while not reader.at_eof() and sent <= MAX_HEAD_BYTES:
        writer.write(b"x: " + BIG + b"\r\n")
        await writer.drain()
        sent += len(BIG) + 5
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert code_in(body) == "LIMIT_EXCEEDED"


def protocol_on(wire: Wire, **more: Any) -> HttpProtocol:
    """The protocol of a new connection."""
    config = uvicorn.Config(echo, lifespan="off", log_config=None, **more)
    config.load()
    protocol = HttpProtocol(config, ServerState(), {}, arriving=Arriving(10, 30))
    protocol.connection_made(wire)
    return protocol


UPGRADE = b"GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"


@pytest.mark.parametrize("start", [POST, UPGRADE], ids=["request", "handshake of a WebSocket"])
@pytest.mark.parametrize(
    "fields",
    [b"x: " + BIG * 65 + b"\r\n", b"x: " + BIG + b"\r\n", b"x:\r\n"],
    ids=["one header", "many headers", "many that are empty"],
)
@pytest.mark.parametrize("size", [10**9, 1_000, 37])
async def test_a_head_above_the_bound_is_refused_however_it_comes(start: bytes, fields: bytes, size: int) -> None:
    """In one piece, as a system may hand it over, or in many. Over a socket it comes as the system likes."""
    wire = Wire()
    protocol = protocol_on(wire)
    head = start + fields * (1 + MAX_HEAD_BYTES // len(fields)) + b"content-length: 0\r\n\r\n"
    for at in range(0, len(head), size):
        if not wire.closed:
            protocol.data_received(head[at : at + size])
    head, _, body = wire.sent.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert code_in(body) == "LIMIT_EXCEEDED"
    assert wire.closed


async def test_a_head_above_the_bound_behind_another_request_ends_the_connection() -> None:
    """In one piece with it: each request has the bound, and what is refused takes no other one's answer."""
    wire = Wire()
    first = POST + (b"x: " + BIG + b"\r\n") * 50 + b"content-length: 0\r\n\r\n"
    second = POST + (b"x: " + BIG + b"\r\n") * 66 + b"content-length: 0\r\n\r\n"
    protocol_on(wire).data_received(first * 3 + second)
    for _ in range(100):
        await asyncio.sleep(0)
    assert wire.closed
    assert set(re.findall(rb"HTTP/1\.1 (\d+)", wire.sent)) <= {b"200"}


KEY = b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n"


@pytest.mark.parametrize(
    ("handshake", "status", "code"),
    [
        (UPGRADE + KEY + b"cookie: " + BIG * 9 + b"\r\n\r\n", 431, "LIMIT_EXCEEDED"),
        (UPGRADE + KEY + b"x: x\r\n" * 130 + b"\r\n", 431, "LIMIT_EXCEEDED"),
        (UPGRADE.replace(b"/graphql", b"/graphql?" + BIG * 9) + KEY + b"\r\n", 431, "LIMIT_EXCEEDED"),
        (UPGRADE + KEY + b"content-length: 2\r\n\r\n{}", 400, "BAD_USER_INPUT"),
        (UPGRADE.replace(b"GET", b"POST") + b"content-length: 2\r\n\r\n{}", 400, "BAD_USER_INPUT"),
        (UPGRADE + KEY + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400, "BAD_USER_INPUT"),
    ],
    ids=["long header", "many headers", "long target", "body", "POST with a body", "chunks"],
)
async def test_handshake_that_cannot_be_read_is_refused_by_code(handshake: bytes, status: int, code: str) -> None:
    """It had no answer, and its connection no end: anybody could take all descriptors so."""
    wire = Wire()
    protocol_on(wire, ws=WebSocketProtocol).data_received(handshake)
    head, _, body = wire.sent.partition(b"\r\n\r\n")
    assert (int(head.split()[1]), code_in(body)) == (status, code)
    assert wire.closed


async def test_head_below_the_bound_is_accepted(port: int) -> None:
    close = b"connection: close\r\n"
    headers = (b"x: " + BIG + b"\r\n") * 50
    one = POST + headers + b"content-length: 3\r\n\r\nabc"
    assert await send(port, *[one] * 10, POST + close + b"content-length: 4\r\n\r\nabcd") == (200, b"4")
    chunks = [b"1;" + BIG + b"\r\nx\r\n"] * 300
    assert await send(port, POST + close + b"transfer-encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n") == (
        200,
        b"300",
    )
    body = BIG * 1_000
    assert await send(port, POST + close + b"content-length: %d\r\n\r\n" % len(body), body) == (200, b"1000000")


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
        b"BREW / HTTP/1.1\r\n\r\n",
        POST + b"transfer-encoding: chunked\r\n\r\nno number\r\n",
    ],
)
async def test_malformed_http(port: int, junk: bytes) -> None:
    status, body = await send(port, junk)
    assert (status, code_in(body)) == (400, "BAD_USER_INPUT")


PARTS = st.binary(max_size=30) | st.sampled_from(
    [
        *(
            b"GET / HTTP/1.1\r\n",
            POST,
            b"\r\n",
            b"\r\n\r\n",
            b"host: x\r\n",
            b"connection: close\r\n",
            b"expect: 100-continue\r\n",
        ),
        *(b"content-length: 3\r\n\r\nabc", b"content-length: -1\r\n", b"content-length: 99999999999999999999\r\n"),
        *(
            b"transfer-encoding: chunked\r\n\r\n",
            b"3\r\nabc\r\n",
            b"0\r\n\r\n",
            b"upgrade: websocket\r\nconnection: upgrade\r\n",
        ),
        *(
            b"GET http://[::1 HTTP/1.1\r\n\r\n",
            b"GET /%ff%00 HTTP/1.0\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\n",
            b"CONNECT x:1 HTTP/1.1\r\n",
        ),
    ]
)


@given(parts=st.lists(PARTS, max_size=8))
async def test_random_bytes_are_refused_by_code_or_answered(parts: list[bytes]) -> None:
    """And those that are not complete wait for the rest."""
    wire = Wire()
    protocol = protocol_on(wire, ws="none")
    for part in parts:
        if not wire.closed:
            protocol.data_received(part)
            for _ in range(5):
                await asyncio.sleep(0)
    protocol.connection_lost(None)
    for line in re.findall(rb"HTTP/1\.1 (\d+)[^\r]*\r\n", wire.sent):
        assert int(line) < 500
    if b"HTTP/1.1 4" in wire.sent:
        assert code_in(wire.sent[wire.sent.rindex(b"\r\n\r\n") + 4 :]) in ("BAD_USER_INPUT", "LIMIT_EXCEEDED")
