"""A head has a bound, and malformed HTTP gets a coded answer."""

from __future__ import annotations

import asyncio
import json
import re
import resource
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest
import structlog
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from app.asgi import arrivals
from app.asgi.arrivals import Arrivals
from app.server import admission as admission_module
from app.server import descriptors
from app.server.admission import MAX_BYTES, Admission, Admitted
from app.server.http_protocol import MAX_HEAD_BYTES, Arriving, HttpProtocol
from app.settings import Settings
from specs.harness.waiting import until
from tests.app.http.gates import serving

BIG = b"x" * 1_000
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


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving(echo, partial(HttpProtocol, arriving=Arriving(10, 30))) as opened:
        yield opened


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


@pytest.mark.parametrize(
    "fields", [b"x: " + BIG * 65 + b"\r\n", b"x: " + BIG + b"\r\n"], ids=["one header", "many headers"]
)
async def test_a_head_above_the_bound_that_comes_in_one_piece_is_refused(fields: bytes) -> None:
    """As a system may hand it over. Over a socket it comes as the system likes."""
    config = uvicorn.Config(echo, lifespan="off", log_config=None)
    config.load()
    protocol, wire = HttpProtocol(config, ServerState(), {}, arriving=Arriving(10, 30)), Wire()
    protocol.connection_made(wire)
    protocol.data_received(POST + fields * (1 + MAX_HEAD_BYTES // len(fields)) + b"content-length: 0\r\n\r\n")
    head, _, body = wire.sent.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert code_in(body) == "LIMIT_EXCEEDED"
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
    config = uvicorn.Config(echo, lifespan="off", log_config=None, ws="none")
    config.load()
    protocol, wire = HttpProtocol(config, ServerState(), {}, arriving=Arriving(10, 30)), Wire()
    protocol.connection_made(wire)
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


def code_in(body: bytes) -> Any:
    (error,) = json.loads(body)["errors"]
    return error["extensions"]["code"]


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


EVENT = b"POST /api/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\ncontent-length: 3\r\n\r\nabc"


class Held:
    """An application that answers nobody until it is let."""

    def __init__(self) -> None:
        self.began = 0
        self.may_end = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.began += 1
        await self.may_end.wait()
        await echo(scope, receive, send)


async def answer_on(reader: asyncio.StreamReader) -> tuple[int, str]:
    """The next answer on a connection: its status and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    if b" 503 " in head:
        assert b"retry-after: 1\r\n" in head
    return int(head.split()[1]), (await reader.readexactly(size)).decode()


async def test_bodies_beyond_the_bound_are_refused_by_their_heads() -> None:
    """Half of the places are one token's; what was refused goes on, on the same connection, when there is a place."""
    held, admission = Held(), Admission(4)
    protocol = partial(HttpProtocol, arriving=Arriving(10, 30, events=admission))
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(serving(Admitted(held), protocol))

        async def post(token: bytes, request: bytes = EVENT) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            writer.write(request % token)
            return reader, writer

        first = [await post(b"one") for _ in range(2)]
        await until(lambda: held.began == 2, "both")
        reader, writer = await post(b"one")
        status, body = await answer_on(reader)
        assert (status, json.loads(body)["errors"][0]["extensions"]["code"]) == (503, "RATE_LIMITED")
        others = [await post(token) for token in (b"two", b"three")]
        await until(lambda: held.began == 4, "those of others")
        assert (await answer_on((await post(b"four"))[0]))[0] == 503
        # Whoever declares a body and waits for leave to send it is told at once, and hung up on.
        asks = EVENT.replace(b"\r\n\r\nabc", b"\r\nexpect: 100-continue\r\n\r\n")
        asking, _ = await post(b"five", asks)
        assert (await answer_on(asking))[0] == 503
        assert await asking.read() == b""
        first[0][1].transport.abort()  # its work goes on, and keeps its place
        writer.write(EVENT % b"one")
        assert (await answer_on(reader))[0] == 503
        held.may_end.set()
        for waiting, _ in (first[1], *others):
            assert await answer_on(waiting) == (200, "3")
        writer.write(EVENT % b"one")
        assert await answer_on(reader) == (200, "3")
        await until(lambda: not admission._total, "the end of the one whose client had gone")
        assert not admission._in_work


async def test_bodies_count_by_what_they_declare_and_who_waits_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    half = str(MAX_BYTES // 4).encode()
    places = Admission(1_000)
    large = [places.enter([(b"authorization", b"one"), (b"content-length", half)]) for _ in range(3)]
    assert [ticket is not None for ticket in large] == [True, True, False]
    assert places.enter([(b"authorization", b"two")])
    few = Admission(1_000)
    tickets = [few.enter([(b"authorization", b"one")]) for _ in range(16)]
    assert tickets[0] is not None
    tickets[0].is_whole()
    assert few.enter([(b"authorization", b"one")])
    monkeypatch.setattr(admission_module, "WAIT_SECONDS", 0.0)
    assert few.enter([(b"authorization", b"one")]) is None
    assert few.enter([(b"authorization", b"two")])


async def test_the_last_descriptors_are_not_for_clients(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are closed, the log says so once, and the next ones are served."""
    with structlog.testing.capture_logs() as lines, monkeypatch.context() as patch:
        patch.setattr(descriptors, "_next_line", 0.0)
        patch.setattr(descriptors, "SPARE", 10**9)
        patch.setattr(descriptors, "PART", 1)
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            writer.close()
    assert [line["event"] for line in lines] == ["descriptors_used_up"]
    assert (await send(port, POST + b"content-length: 0\r\nconnection: close\r\n\r\n"))[0] == 200


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[0], before[1] - 1, 1_000), before[1]))
    try:
        with structlog.testing.capture_logs() as lines:
            descriptors.raise_limit(Settings(max_subscriptions=10**9))
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
        assert [line["event"] for line in lines] == ["few_descriptors"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
