"""What one operation has spent: it ends when told to, wherever it waits."""

from __future__ import annotations

import asyncio

import pytest

from app.graphql.bounds import Bounds, ClientGone, OverBudget, Spending
from app.graphql.writing import measured
from app.rates import FREE
from app.turns import Turns


async def test_stop_after_the_end_does_nothing() -> None:
    spending = Spending(Bounds(), Turns(), "one", FREE)
    with spending.within():
        pass
    spending.stop(ClientGone())
    await asyncio.sleep(0)
    with pytest.raises(ClientGone), spending.within():
        pass


async def test_cancellation_from_outside_stays_one() -> None:
    spending = Spending(Bounds(), Turns(), "one", FREE)

    async def run() -> None:
        with spending.within():
            await asyncio.Event().wait()

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_stop_soon_ends_at_the_next_wait() -> None:
    spending = Spending(Bounds(), Turns(), "one", FREE)
    after = False

    async def run() -> None:
        nonlocal after
        with spending.within():
            for _ in range(3):
                spending.stop_soon(OverBudget("too much"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            after = True

    with pytest.raises(OverBudget):
        await run()
    assert not after


def test_measure() -> None:
    assert measured({"a": ["xx", {"b": "ää"}, None, 1]}) == 2 + 6 + 10 * 7
