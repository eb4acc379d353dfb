"""An event loop whose clock jumps to the next timer: minutes of waiting take no time, and one seed gives one run."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class Stuck(Exception):
    """Everything waits, and nothing will ever come."""


class _Jumping(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck
        self.now += max(timeout, 0.0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds since its start, none of which have passed elsewhere."""
        return self._jumping.now

    def hold_up(self, seconds: float) -> None:
        """Let time pass in which nothing else can happen."""
        self._jumping.now += seconds


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run it to its end on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(work)
