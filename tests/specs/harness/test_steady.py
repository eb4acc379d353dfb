"""The clock of the tests' loops goes on, but not while the machine stands still."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable

import pytest

from specs.harness.steady import GRACE_SECONDS, SteadyLoop

STOP_SECONDS = 0.8


async def stop_while_it_computes(_: pytest.MonkeyPatch) -> None:
    time.sleep(STOP_SECONDS)  # noqa: ASYNC251


async def stop_while_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    select, stops = selectors.DefaultSelector.select, [STOP_SECONDS]

    def late(self: selectors.DefaultSelector, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = select(self, timeout)
        if timeout and stops:
            time.sleep(stops.pop())
        return found

    monkeypatch.setattr(selectors.DefaultSelector, "select", late)


@pytest.mark.slow
@pytest.mark.parametrize("stop", [stop_while_it_computes, stop_while_it_waits])
async def test_a_stop_ends_no_timeout(monkeypatch: pytest.MonkeyPatch, stop: Callable[..., asyncio.Task[None]]) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SteadyLoop)
    began, began_there = loop.time(), time.monotonic()
    async with asyncio.timeout(STOP_SECONDS):
        await stop(monkeypatch)
        await asyncio.sleep(0.1)
    assert time.monotonic() - began_there >= STOP_SECONDS
    assert 0.1 <= loop.time() - began < 0.1 + 2 * GRACE_SECONDS


async def test_a_wait_of_several_pieces_takes_its_time() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.4):
            await asyncio.Event().wait()
    assert time.monotonic() - began >= 0.39  # of the clock's own grain
