"""Fields that wait: how many of an operation go on within a turn of the loop."""

from __future__ import annotations

import asyncio

import pytest

from app.graphql import lanes
from app.graphql.lanes import Lane


@pytest.mark.parametrize("cost", [0, 4])
async def test_some_go_on_in_each_turn_and_all_in_the_end(cost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer of those that take longer."""
    monkeypatch.setattr(lanes, "TOGETHER", 10)
    turns, running, most = 0, 0, 0

    async def turn() -> None:
        nonlocal turns
        turns += 1
        await asyncio.sleep(0)

    lane = Lane(turn)

    async def field() -> None:
        nonlocal running, most
        await lane.enter()
        lane.take(cost)
        running += 1
        most = max(most, running)
        asyncio.get_running_loop().call_soon(ended)

    def ended() -> None:
        nonlocal running
        running -= 1

    await asyncio.gather(*(field() for _ in range(100)))
    assert most == 10 // (cost + 1)
    assert 100 // most - 1 <= turns <= 100 // most
    await asyncio.sleep(0)
    await asyncio.gather(*(field() for _ in range(most)))  # as many as that need no turn
    assert turns <= 100 // most


async def test_those_who_are_gone_hold_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "TOGETHER", 1)
    lane = Lane(lambda: asyncio.sleep(0))
    fields = [asyncio.create_task(lane.enter()) for _ in range(5)]
    await asyncio.sleep(0)
    for each in fields[1:4]:
        each.cancel()
    await fields[4]
