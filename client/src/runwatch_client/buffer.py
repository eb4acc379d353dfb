"""Events that wait to be sent, bounded in number and bytes. A full buffer drops events and counts them."""

from __future__ import annotations

import threading
from collections import deque

# The server accepts 10,000 events and 8 MiB in one body by default. Far below that, a repetition costs little.
MAX_BATCH_EVENTS = 500
MAX_BATCH_BYTES = 1024 * 1024

# An hour of a worker that runs one task a second, at 4 events a task, with the server away.
MAX_EVENTS = 15_000
MAX_BYTES = 16 * 1024 * 1024


class Buffer:
    """Two queues. Minor events (log lines and heartbeats) are dropped first; each queue drops its oldest first."""

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        # Reentrant: a signal handler that logs may interrupt add() in its own thread.
        self._lock = threading.RLock()
        self._major: deque[bytes] = deque()
        self._minor: deque[bytes] = deque()
        self._bytes = 0
        self.added = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._major) + len(self._minor)

    def add(self, event: bytes, minor: bool) -> int:
        """Add an event; returns how many there are now."""
        with self._lock:
            self.added += 1
            (self._minor if minor else self._major).append(event)
            self._bytes += len(event)
            count = len(self._major) + len(self._minor)
            while count > self._max_events or self._bytes > self._max_bytes:
                self._bytes -= len((self._minor or self._major).popleft())
                self.dropped += 1
                count -= 1
            return count

    def refuse(self) -> None:
        """Count an event that arrived too late."""
        with self._lock:
            self.added += 1
            self.dropped += 1

    def take(self, limit: int = MAX_BATCH_EVENTS) -> list[bytes]:
        """The next events, at most a batch, major ones first."""
        batch: list[bytes] = []
        size = 0
        with self._lock:
            for queue in (self._major, self._minor):
                while queue and len(batch) < limit and (not batch or size + len(queue[0]) < MAX_BATCH_BYTES):
                    event = queue.popleft()
                    size += len(event) + 1
                    batch.append(event)
            self._bytes -= size - len(batch)
        return batch
