"""HTTP in parts: what one client sends in one go is little work at a time, and answered in its order."""

from __future__ import annotations

import asyncio
import re

import pytest

from app.server.http_protocol import HttpProtocol
from app.server.parted_protocol import MAX_PARSED, MAX_PART_BYTES, PART_BYTES
from tests.app.server.talking import POST, Wire
from tests.app.server.test_http_protocol import protocol_on

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


class Paused(Wire):
    """A transport that says whether it reads."""

    reads = True

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


@pytest.fixture
def wire() -> Paused:
    return Paused()


@pytest.fixture
async def protocol(wire: Paused) -> HttpProtocol:
    return protocol_on(wire, ws="none")


async def answers(wire: Wire, count: int) -> list[bytes]:
    """The bodies of so many answers."""
    for _ in range(100_000):
        found: list[bytes] = re.findall(rb"\r\n\r\n(\d+)", wire.sent)
        if len(found) >= count:
            return found
        await asyncio.sleep(0)
    raise AssertionError(f"{len(found)} answers")


async def test_requests_that_come_together_wait_unparsed_for_the_answer_before(
    wire: Paused, protocol: HttpProtocol
) -> None:
    """Each took 2 KB of memory: a client that sent 20 MB of them took 1 GB."""
    posts = [POST + b"content-length: %d\r\n\r\n%b" % (size % 7, b"x" * (size % 7)) for size in range(1_500)]
    protocol.data_received(b"".join(posts))
    most = 0
    while not wire.reads:
        most = max(most, len(protocol.pipeline))
        await asyncio.sleep(0)
    assert most <= PART_BYTES // len(posts[0]) + 1
    assert await answers(wire, len(posts)) == [b"%d" % (size % 7) for size in range(1_500)]


@pytest.mark.parametrize("long", [1, 22_000])
async def test_body_in_parts_of_nothing_is_parsed_in_turns(wire: Paused, protocol: HttpProtocol, long: int) -> None:
    """Also behind a long part."""
    body = b"%x\r\n%b\r\n" % (long, b"x" * long) + b"1\r\nx\r\n" * 40_000 + b"0\r\n\r\n"
    protocol.data_received(POST + b"transfer-encoding: chunked\r\n\r\n" + body + GET)
    assert len(protocol.cycle.body) <= long + MAX_PARSED + MAX_PART_BYTES // len(b"1\r\nx\r\n")
    assert not wire.reads
    assert await answers(wire, 2) == [b"%d" % (long + 40_000), b"0"]
    assert wire.reads


async def test_long_body_is_parsed_at_once(wire: Paused, protocol: HttpProtocol) -> None:
    protocol.data_received(POST + b"content-length: 200000\r\n\r\n" + b"x" * 200_000)
    assert len(protocol.cycle.body) == 200_000
    assert await answers(wire, 1) == [b"200000"]
