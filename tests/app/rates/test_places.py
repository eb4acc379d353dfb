"""How many run at a time, and who waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.errors import RateLimited
from app.rates import places as module
from app.rates.places import Places


def places(most: int = 2, seconds: float = 30.0) -> Places:
    return Places(most, "RUNWATCH_SOMETHING", "Too many at a time", seconds)


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Ran:
    """Who got in, in order; each stays until it is told to leave."""

    def __init__(self, all_: Places) -> None:
        self.all = all_
        self.inside: list[str] = []
        self.most = 0
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.doors: dict[str, asyncio.Event] = {}

    def begin(self, name: str, key: str = "k") -> None:
        self.doors[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._run(name, key))

    async def end(self, name: str) -> None:
        self.doors[name].set()
        await self.tasks[name]
        await turns()

    async def _run(self, name: str, key: str) -> None:
        await self.all.enter(key)
        self.inside.append(name)
        self.most = max(self.most, len(self.inside))
        try:
            await self.doors[name].wait()
        finally:
            self.inside.remove(name)
            self.all.leave(key)


@asynccontextmanager
async def running(all_: Places) -> AsyncIterator[Ran]:
    ran = Ran(all_)
    yield ran
    for task in ran.tasks.values():
        task.cancel()
    await asyncio.gather(*ran.tasks.values(), return_exceptions=True)


async def test_those_who_wait_come_in_order() -> None:
    async with running(places()) as ran:
        for name in "abcd":
            ran.begin(name)
        ran.begin("other", key="another")
        await turns()
        assert ran.inside == ["a", "b", "other"]
        await ran.end("b")
        assert ran.inside == ["a", "other", "c"]
        await ran.end("a")
        assert ran.inside == ["other", "c", "d"]


async def test_the_place_of_one_who_gave_up_goes_to_the_next() -> None:
    """Whether it gave up in the queue, or just when its turn had come."""
    async with running(places(1)) as ran:
        for name in "abcd":
            ran.begin(name)
        await turns()
        ran.tasks["b"].cancel()
        await turns()
        ran.doors["a"].set()
        while ran.inside != []:  # noqa: ASYNC110  # c has its turn, and does not know yet
            await asyncio.sleep(0)
        ran.tasks["c"].cancel()
        await turns()
        assert ran.inside == ["d"]
        await ran.end("d")
        ran.begin("e")
        await turns()
        assert ran.inside == ["e"]


async def test_the_queue_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 1)
    all_ = places(1)
    async with running(all_) as ran:
        ran.begin("a")
        ran.begin("b")
        await turns()
        with pytest.raises(RateLimited) as raised:
            await all_.enter("k")
        assert raised.value.extensions == {
            "code": "RATE_LIMITED", "limit": "RUNWATCH_SOMETHING", "value": 1, "retryAfter": 1
        }  # fmt: skip


async def test_nobody_waits_for_ever() -> None:
    all_ = places(1, seconds=0.01)
    async with running(all_) as ran:
        ran.begin("a")
        await turns()
        with pytest.raises(RateLimited):
            await all_.enter("k")
        await ran.end("a")
        ran.begin("b")
        await turns()
        assert ran.inside == ["b"]
