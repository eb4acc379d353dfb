"""Garbage collection of a server: what is there at the start stays out of it, and full collections wait for time."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from app.server import garbage
from app.server.garbage import IdleCollection


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


async def test_what_is_there_at_the_start_is_frozen_until_the_end() -> None:
    collection = IdleCollection()
    frozen = gc.get_freeze_count()
    kept: list[list[object]] = [[] for _ in range(20_000)]  # a process of tests has frozen what was there before
    await collection.start()
    try:
        assert gc.get_freeze_count() >= frozen + len(kept)
        assert gc.get_threshold() == (garbage.YOUNG, garbage.MIDDLE, garbage.FULL)
    finally:
        await collection.close()
    assert gc.get_freeze_count() == 0


async def test_full_collection_comes_only_when_the_process_was_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, at = 0.0, 0.0
    monkeypatch.setattr(garbage, "process_time", lambda: cpu)
    monkeypatch.setattr(garbage, "monotonic", lambda: at)
    collection = IdleCollection()
    kept: list[list[object]] = [[] for _ in range(10)]
    for busy in (True, False):
        gc.collect(1)  # something has survived the young generation
        gc.collect(0)
        assert any(gc.get_count()[1:])
        cpu, at = cpu + (9.0 if busy else 0.1), at + 10.0
        assert await collection.look() is not busy
    gc.collect()
    at += 10.0
    assert await collection.look() is False, "nothing has survived since"
    assert len(kept) == 10


@pytest.mark.parametrize(("alive", "seconds"), [(garbage.MANY, 120), (garbage.MANY + 1, 900)])
async def test_a_process_that_is_never_idle_collects_in_full_now_and_then(
    monkeypatch: pytest.MonkeyPatch, alive: int, seconds: int
) -> None:
    """Seldom while many objects are alive, since everybody waits for as long as it looks at them."""
    at, collected = 0.0, list[float]()
    monkeypatch.setattr(garbage, "process_time", lambda: at)
    monkeypatch.setattr(garbage, "monotonic", lambda: at)
    monkeypatch.setattr(garbage, "_old_objects", lambda: alive)
    monkeypatch.setattr(gc, "get_count", lambda: (0, 1, 0))
    monkeypatch.setattr(gc, "collect", lambda: collected.append(at))
    collection = IdleCollection()
    while at < 2 * seconds:
        at += garbage.SECONDS
        assert await collection.look() is (at in collected)
    assert collected == [seconds, 2 * seconds]


def test_objects_of_long_standing_are_counted() -> None:
    gc.collect()
    before = garbage._old_objects()
    kept: list[list[object]] = [[] for _ in range(1_000)]
    gc.collect()
    assert garbage._old_objects() >= before + len(kept)


async def test_a_collection_that_comes_of_itself_looks_at_a_bounded_number_of_objects() -> None:
    """However many live: the oldest generation, with all of them, is left to the time that is free."""
    collection, generations = IdleCollection(), list[int]()

    def note(phase: str, info: dict[str, int]) -> None:
        generations.append(info["generation"])

    await collection.start()
    gc.callbacks.append(note)
    try:
        kept: list[list[object]] = [[] for _ in range(garbage.YOUNG * garbage.MIDDLE * 20)]
    finally:
        gc.callbacks.remove(note)
        await collection.close()
    assert len(kept) > 0
    assert {*generations} == {0, 1}
