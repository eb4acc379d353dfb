"""Whether this process stood still: what ran into a time-out of the server's meanwhile may not have taken that long.

asyncpg has a new statement parsed, and sends its parameters once it has the answer. Postgres counts the time between
the two as the statement's: a read of one row was cut off after 5 s on a machine that had too much to do.
"""

from __future__ import annotations

import asyncio
from time import monotonic

# A timer every so often, and how late it is when the process stood still.
EVERY_SECONDS = 0.5
LATE_SECONDS = 1.0


class Pulse:
    """A timer that says when it was late."""

    def __init__(self) -> None:
        self._due = self._late_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, in a running loop."""
        self._due = monotonic() + EVERY_SECONDS
        self._timer = asyncio.get_running_loop().call_later(EVERY_SECONDS, self._beat)

    def was_late_since(self, began: float) -> bool:
        """Whether the process has stood still since a time of `monotonic`, as far as is known by now."""
        return self._late_at > began

    def close(self) -> None:
        """End it. Again does nothing."""
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        now = monotonic()
        if now - self._due > LATE_SECONDS:
            self._late_at = now
        self.start()
