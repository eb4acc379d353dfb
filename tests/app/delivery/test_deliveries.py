"""All deliveries of a process start, are woken and close together, whichever of them fails."""

from __future__ import annotations

import asyncio

import pytest

from app.delivery.deliveries import Deliveries


class Part:
    """In place of a loop, or of connections: notes what it is told, and fails to close if it is to."""

    def __init__(self, name: str, log: list[str], error: BaseException | None = None, seconds: float = 0.0) -> None:
        self._name, self._log, self._error, self._seconds = name, log, error, seconds

    async def start(self) -> None:
        self._log.append(f"start {self._name}")

    def wake(self) -> None:
        self._log.append(f"wake {self._name}")

    async def close(self) -> None:
        await asyncio.sleep(self._seconds)
        self._log.append(f"close {self._name}")
        if self._error is not None:
            raise self._error


async def test_all_loops_are_started_and_woken() -> None:
    log: list[str] = []
    deliveries = Deliveries([Part("a", log), Part("b", log)], [])  # type: ignore[list-item]
    await deliveries.start()
    deliveries.wake()
    assert log == ["start a", "start b", "wake a", "wake b"]


async def test_loops_close_at_once_and_connections_after_the_last() -> None:
    log: list[str] = []
    loops = [Part("slow", log, seconds=0.1), Part("quick", log)]
    await Deliveries(loops, [Part("first", log), Part("second", log)]).close()  # type: ignore[arg-type]
    assert log == ["close quick", "close slow", "close second", "close first"]


@pytest.mark.parametrize("error", [OSError("gone"), asyncio.CancelledError()], ids=["error", "cancelled"])
async def test_a_loop_that_fails_to_close_keeps_nothing_else_open(error: BaseException) -> None:
    log: list[str] = []
    loops = [Part("broken", log, error), Part("slow", log, seconds=0.1)]
    with pytest.raises(type(error)):
        await Deliveries(loops, [Part("first", log), Part("second", log)]).close()  # type: ignore[arg-type]
    assert log == ["close broken", "close slow", "close second", "close first"]


async def test_connections_that_fail_to_close_keep_no_other_open() -> None:
    log: list[str] = []
    connections = [Part("first", log), Part("second", log, OSError("gone"))]
    with pytest.raises(OSError, match="gone"):
        await Deliveries([Part("loop", log)], connections).close()  # type: ignore[list-item]
    assert log == ["close loop", "close second", "close first"]
