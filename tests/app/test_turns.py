"""Turns: by credential, one in each turn of the loop."""

from __future__ import annotations

import asyncio

import pytest

from app import turns
from app.turns import Turns


async def test_turn_is_over_after_its_time_and_the_next_one_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(turns, "monotonic", lambda: now)
    each = Turns()
    assert not each.is_over()
    now = turns.SECONDS / 2
    assert not each.is_over()
    now = turns.SECONDS
    assert each.is_over()
    await asyncio.sleep(0)
    assert not each.is_over()


async def test_credentials_take_turns() -> None:
    each, order = Turns(), list[str]()

    async def work(credential: str, times: int) -> None:
        for _ in range(times):
            await each.wait(credential)
            order.append(credential)

    heavy = [asyncio.create_task(work("heavy", 3)) for _ in range(10)]
    await asyncio.sleep(0)
    light = asyncio.create_task(work("light", 2))
    await asyncio.gather(*heavy, light)
    assert len(order) == 32
    first = order.index("light")
    assert first <= 2
    assert "light" in order[first + 1 : first + 4]


async def test_one_of_those_who_wait_goes_on_in_a_turn_of_the_loop() -> None:
    each, running, most = Turns(), 0, 0

    async def work() -> None:
        nonlocal running, most
        await each.wait("one")
        running += 1
        await asyncio.sleep(0)  # until the turn of the loop is over
        most = max(most, running)
        running -= 1

    await asyncio.gather(*(work() for _ in range(20)))
    assert most <= 2


async def test_those_who_are_gone_take_no_turn() -> None:
    each = Turns()
    gone = [asyncio.create_task(each.wait("one")) for _ in range(100)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    async with asyncio.timeout(30):
        await each.wait("two")
    assert not each._waiting


async def test_what_a_credential_does_alone_is_its_own() -> None:
    each = Turns()
    lock = each.alone("one")
    async with lock:
        assert each.alone("one").locked()
        assert not each.alone("another").locked()
    del lock
    assert len(each._alone) == 0


async def test_pause_waits_only_at_the_end_of_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    now, others = 0.0, 0
    monkeypatch.setattr(turns, "monotonic", lambda: now)
    each = Turns()

    async def beside() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(beside())
    for _ in range(3):
        await each.pause("one")
    assert others == 0
    now = turns.SECONDS
    await each.pause("one")
    task.cancel()
    assert others > 0


@pytest.mark.parametrize(("number", "sizes"), [(0, []), (1, [1]), (3, [3]), (7, [3, 3, 1])])
def test_pieces_are_of_a_size_and_in_order(number: int, sizes: list[int]) -> None:
    found = list(turns.pieces(iter(range(number)), 3))
    assert [len(piece) for piece in found] == sizes
    assert [each for piece in found for each in piece] == list(range(number))
