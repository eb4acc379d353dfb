"""What comes one by one, and is done together: turns of the event loop, and wake-ups of clients, are then fewer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Gathering:
    """Calls what it is given together: so many seconds after the first of it, or at once when there is enough."""

    def __init__(self, seconds: float, enough: int) -> None:
        self._seconds = seconds
        self._enough = enough
        self._waiting: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, call: Callable[[], None]) -> None:
        """Call it with the others."""
        self._waiting.append(call)
        if len(self._waiting) == self._enough:
            self._call()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._call)

    def _call(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call()
