"""Garbage collection of a server: what lives as long as the process is looked at once, the rest when there is time.

A collection stops everything for 0.5 µs for each object that it looks at. At the start there are half a million:
modules, the schema. Fifty subscriptions that execute have as many again: they had full collections of 0.1 to 0.5 s.
"""

from __future__ import annotations

import gc
from time import monotonic, process_time

from app.sweep import Sweep

# Objects made and kept before a young collection (700 by default), and young ones before one of the middle generation,
# which so looks at 60,000 at most: 30 ms. Of fewer, what a large batch of events makes would be looked at twice before
# it is dropped. Full ones do not come of themselves.
YOUNG, MIDDLE, FULL = 10_000, 5, 1_000_000
# Between two looks whether there is time, and the share of a core below which there is.
SECONDS = 10.0
IDLE = 0.1
# A process that is never idle collects in full after so many seconds all the same: what is in circles is memory. While
# more objects are alive than it looks at in 0.1 s, as those of operations in work are, it waits for longer.
BUSY_SECONDS, MANY, PATIENCE_SECONDS = 120.0, 200_000, 900.0


class IdleCollection:
    """Collects in full while the process has little to do, so that the collection is not due when it has much."""

    def __init__(self) -> None:
        self._sweep = Sweep(self.look, "not_collected", seconds=SECONDS, delay=SECONDS)
        self._cpu = process_time()
        self._at = self._collected_at = monotonic()

    async def start(self) -> None:
        """When the server serves: all that is there now stays, and is never looked at again."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG, MIDDLE, FULL)
        await self._sweep.start()

    async def close(self) -> None:
        """Stop, and leave the process as it was."""
        await self._sweep.close()
        gc.unfreeze()

    async def look(self) -> bool:
        """Collect if it is time and something has survived; whether it did."""
        cpu, at = process_time(), monotonic()
        share = (cpu - self._cpu) / max(at - self._at, 1e-9)
        self._cpu, self._at = cpu, at
        since = at - self._collected_at
        is_time = share <= IDLE or since >= PATIENCE_SECONDS or (since >= BUSY_SECONDS and _old_objects() <= MANY)
        if not is_time or not any(gc.get_count()[1:]):
            return False
        self._collected_at = at
        gc.collect()
        return True


def _old_objects() -> int:
    """How many a full collection would look at, but for young ones."""
    return len(gc.get_objects(generation=2))
