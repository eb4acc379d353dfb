"""Garbage collection of a server: what lives as long as the process is looked at once, the rest when there is time.

A full collection looks at every object, and at the start there are half a million: modules, the schema. It stopped
everything for 60 to 100 ms, some twice a second at full load; the worst percent of all reads took 15 times the median.
"""

from __future__ import annotations

import gc
from time import monotonic, process_time

from app.sweep import Sweep

# Objects made and kept before a young collection (700 by default), and young ones before one of the middle generation.
# Full ones come of themselves too, once a quarter as many objects as at the start have survived.
YOUNG, MIDDLE, FULL = 10_000, 20, 20
# Between two looks whether there is time, and the share of a core below which there is.
SECONDS = 10.0
IDLE = 0.1


class IdleCollection:
    """Collects in full while the process has little to do, so that the collection is not due when it has much."""

    def __init__(self) -> None:
        self._sweep = Sweep(self.look, "not_collected", seconds=SECONDS, delay=SECONDS)
        self._cpu = process_time()
        self._at = monotonic()

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
        """Collect if the process was idle since the last look and something has survived; whether it did."""
        cpu, at = process_time(), monotonic()
        share = (cpu - self._cpu) / max(at - self._at, 1e-9)
        self._cpu, self._at = cpu, at
        if share > IDLE or not any(gc.get_count()[1:]):
            return False
        gc.collect()
        return True
