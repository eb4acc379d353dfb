"""What comes one by one is done together."""

from __future__ import annotations

from app.server.gathering import Gathering
from specs.harness.waiting import until


async def test_calls_come_together_after_a_while_or_once_there_are_enough() -> None:
    called: list[int] = []
    gathering = Gathering(0.02, 3)
    gathering.add(lambda: called.append(1))
    assert called == []
    await until(lambda: called == [1], "the end of the while")
    for number in (2, 3, 4, 5):
        gathering.add(lambda number=number: called.append(number))  # type: ignore[misc]
    assert called == [1, 2, 3, 4]
    await until(lambda: called == [1, 2, 3, 4, 5], "the rest")
