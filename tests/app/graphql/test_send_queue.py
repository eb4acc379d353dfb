"""The queue in front of a socket: whose client takes nothing is let go, and whoever takes a little is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.graphql.send_queue import OVERHEAD, SendQueue

BOUND, STALL = 1_000, 0.1
# Where a client takes something in time: a busy machine may hold the test up for some of it.
LONG_STALL = 0.6


class Line:
    """A connection that accepts data or holds it, and reports how much its system has yet to send."""

    def __init__(self, stall: float) -> None:
        self._permits = asyncio.Semaphore(0)
        self.took: list[str] = []
        self.unsent = 0
        self.stalled: list[float] = []
        self.gone = 0
        self.breaks = False
        self.queue = SendQueue(
            self._send, lambda: self.stalled.append(self._now()), self._go, BOUND, stall, lambda: self.unsent
        )

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _go(self) -> None:
        self.gone += 1

    async def _send(self, message: str) -> None:
        if self.breaks:
            raise ConnectionError
        self.took.append(message)
        await self._permits.acquire()

    def take(self, messages: int) -> None:
        """Let so many messages go."""
        for _ in range(messages):
            self._permits.release()


@pytest.fixture
async def line(request: pytest.FixtureRequest) -> AsyncIterator[Line]:
    """A line that stalls after STALL, or after what the test says."""
    line = Line(getattr(request, "param", STALL))
    writing = asyncio.create_task(line.queue.write())
    yield line
    line.queue.close()
    writing.cancel()
    await asyncio.wait([writing])


def fill(line: Line, messages: int = 2, size: int = 600) -> None:
    for _ in range(messages):
        line.queue.add(b"x" * size)


async def test_a_client_that_takes_nothing_is_let_go_once(line: Line) -> None:
    line.unsent = 5_000
    fill(line)
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(STALL * 5)
    assert len(line.stalled) == 1
    assert line.stalled[0] - began >= STALL * 0.99  # of the clock's own grain


@pytest.mark.parametrize("line", [LONG_STALL], indirect=True)
async def test_a_client_whose_system_sends_a_little_is_waited_for(line: Line) -> None:
    """What it was sent is not taken at once, and yet it moves."""
    line.unsent = 5_000
    fill(line)
    for _ in range(25):  # it is looked at twice meanwhile
        await asyncio.sleep(LONG_STALL / 10)
        line.unsent -= 1
    assert line.stalled == []
    await asyncio.sleep(LONG_STALL * 2.5)
    assert len(line.stalled) == 1


@pytest.mark.parametrize("line", [LONG_STALL], indirect=True)
async def test_a_client_that_takes_one_message_a_while_is_waited_for(line: Line) -> None:
    fill(line, 20)
    for _ in range(15):
        await asyncio.sleep(LONG_STALL / 10)
        line.take(1)
        line.unsent += 600  # its system holds what it accepted, and sends nothing
    assert line.stalled == []
    await asyncio.sleep(LONG_STALL * 2.5)
    assert len(line.stalled) == 1


async def test_messages_within_the_bound_may_wait_for_ever(line: Line) -> None:
    fill(line, 1, BOUND - OVERHEAD)
    assert (line.queue.bytes, line.queue.has_room) == (BOUND, True)
    await asyncio.wait_for(line.queue.room(), 5)
    await asyncio.sleep(STALL * 3)
    assert line.stalled == []
    line.queue.add(b"")
    assert not line.queue.has_room
    await asyncio.sleep(STALL * 3)
    assert len(line.stalled) == 1


async def test_stall_counts_from_when_the_bound_was_exceeded(line: Line) -> None:
    fill(line, 1, BOUND - OVERHEAD)
    await asyncio.sleep(STALL * 0.8)
    exceeded = asyncio.get_running_loop().time()
    line.queue.add(b"")
    await asyncio.sleep(STALL * 4)
    assert len(line.stalled) == 1
    assert line.stalled[0] - exceeded >= STALL * 0.99  # of the clock's own grain


async def test_a_queue_that_falls_to_its_bound_is_not_watched(line: Line) -> None:
    fill(line, 1)
    fill(line, 1, BOUND - OVERHEAD)
    line.take(1)
    await asyncio.sleep(STALL * 4)
    assert (line.stalled, line.queue.bytes) == ([], BOUND)


@pytest.mark.parametrize("line", [LONG_STALL], indirect=True)
async def test_a_client_that_took_something_is_looked_at_when_its_time_is_over(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Since then, and not since somebody looked."""
    loop, delays = asyncio.get_running_loop(), list[float]()
    call_later = loop.call_later

    def noted(delay: float, callback: Any, *given: Any) -> asyncio.TimerHandle:
        if callback == line.queue._check:
            delays.append(delay)
        return call_later(delay, callback, *given)

    monkeypatch.setattr(loop, "call_later", noted)
    fill(line, 10)
    await asyncio.sleep(LONG_STALL / 2)
    line.take(1)
    await asyncio.sleep(LONG_STALL * 3)
    assert len(line.stalled) == 1
    assert delays[0] == LONG_STALL
    assert 0 < delays[1] < LONG_STALL * 0.99


async def test_room_is_waited_for_again_after_something_left(line: Line) -> None:
    fill(line, 1)
    line.take(1)
    await asyncio.sleep(0.01)
    assert line.queue.bytes == 0
    fill(line)
    waiting = asyncio.create_task(line.queue.room())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    line.take(1)
    await asyncio.wait_for(waiting, 5)


async def test_a_queue_that_falls_below_its_bound_is_not_watched(line: Line) -> None:
    fill(line)
    await asyncio.sleep(0)
    line.take(2)
    await asyncio.sleep(STALL * 4)
    assert (line.stalled, line.queue.bytes, len(line.took)) == ([], 0, 2)
    fill(line)  # and is watched anew when it is over it again
    await asyncio.sleep(STALL * 3)
    assert len(line.stalled) == 1


async def test_replies_have_a_bound_of_their_own(line: Line) -> None:
    fill(line, 1, BOUND - OVERHEAD + 1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(line.queue.room(), STALL / 5)
    await asyncio.wait_for(line.queue.room(reply=True), STALL / 5)
    fill(line, 1, BOUND - OVERHEAD)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(line.queue.room(reply=True), STALL / 5)
    waiting = asyncio.gather(line.queue.room(), line.queue.room(reply=True))
    line.take(2)
    await asyncio.wait_for(waiting, 5)


async def test_a_connection_that_breaks_is_gone(line: Line) -> None:
    line.breaks = True
    fill(line)
    await asyncio.sleep(0.01)
    assert line.gone == 1


async def test_a_closed_queue_lets_nobody_go(line: Line) -> None:
    fill(line)
    line.queue.close()
    await asyncio.sleep(STALL * 3)
    assert line.stalled == []
