"""When a database is taken to be away: it is silent although this process had the time to hear it."""

from __future__ import annotations

import asyncio

import pytest

from app.db import watch
from app.db.watch import Watch
from tests.app.live.virtual import VirtualLoop, run


class Hanging:
    """A database that answers at last, and the watch of it."""

    def __init__(self) -> None:
        self.asked_at: float | None = None
        self.hung_at: float | None = None
        self.answer = asyncio.Event()
        self.watch = Watch(self._ask, self._hangs)

    async def _ask(self) -> None:
        self.asked_at = self.asked_at or asyncio.get_running_loop().time()
        await self.answer.wait()

    def _hangs(self) -> None:
        self.hung_at = asyncio.get_running_loop().time()
        self.answer.set()


async def hold_up(seconds: float, times: int) -> None:
    """Hold the loop up again and again: in virtual time, in which nobody waits."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    for _ in range(times):
        await asyncio.sleep(watch.SPAN_SECONDS / 2)
        loop.hold_up(seconds)


@pytest.mark.parametrize(
    ("held_up", "times", "least", "most"),
    [(0, 0, 3.5, 3.5), (0.1, 10, 3.5, 4.5), (1.0, 3, 6.5, 7.0), (3.0, 1, 6.5, 6.75), (1.0, 100, 20, 40)],
)
def test_silence_counts_while_the_loop_turns(held_up: float, times: int, least: float, most: float) -> None:
    """After 3.5 s without an answer; later if the process could not have received one, but not for ever."""

    async def work() -> None:
        hanging = Hanging()
        holding = asyncio.create_task(hold_up(held_up, times))
        hanging.watch.start()
        await hanging.answer.wait()
        assert hanging.hung_at is not None
        assert hanging.asked_at is not None
        assert least <= round(hanging.hung_at - hanging.asked_at, 6) <= most
        holding.cancel()
        await hanging.watch.close()

    run(work())


def test_answer_that_came_while_the_loop_was_held_up_is_one() -> None:
    async def work() -> None:
        hanging = Hanging()
        hanging.watch.start()
        await asyncio.sleep(0.1)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.call_soon(loop.hold_up, 60.0)
        loop.call_soon(hanging.answer.set)
        await asyncio.sleep(0.5)
        assert hanging.hung_at is None
        assert hanging.watch.reason is None
        await hanging.watch.close()

    run(work())
