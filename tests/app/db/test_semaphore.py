"""Semaphores: who comes first goes first, and no place is lost."""

from __future__ import annotations

import asyncio

from app.db.semaphore import Semaphore


async def test_places_go_to_those_who_wait_in_their_order() -> None:
    semaphore = Semaphore(2)
    assert semaphore.take()
    assert semaphore.take()
    assert not semaphore.take()
    waiting = [asyncio.create_task(semaphore.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    semaphore.leave()
    assert not semaphore.take(), "the place is the first one's, who does not know yet"
    await asyncio.sleep(0)
    assert [each.done() for each in waiting] == [True, False, False]
    for _ in range(4):
        semaphore.leave()
    await asyncio.gather(*waiting)
    assert [semaphore.take() for _ in range(3)] == [True, True, False]


async def test_place_of_one_who_is_cancelled_goes_to_the_next() -> None:
    semaphore = Semaphore(1)
    assert semaphore.take()
    early, late, last = (asyncio.create_task(semaphore.wait()) for _ in range(3))
    await asyncio.sleep(0)
    early.cancel()  # it waits
    await asyncio.sleep(0)
    semaphore.leave()
    late.cancel()  # its place has come, and it does not know yet
    await asyncio.wait([early, late, last])
    assert [each.cancelled() for each in (early, late, last)] == [True, True, False]
    semaphore.leave()
    assert semaphore.take()
