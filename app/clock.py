"""Time as one number: microseconds since 1970-01-01T00:00:00Z, in the tables, in cursors and in Python.

An integer compares and subtracts alike on every database, keeps all six digits, and sorts in an index (docs/adr/0005).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
# By how much the clocks of two servers may differ.
MAX_SKEW = MINUTE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_MICROSECOND = timedelta(microseconds=1)


def now_us() -> int:
    """The time now, in microseconds since the epoch."""
    return time.time_ns() // 1000


def to_us(moment: datetime) -> int:
    """Microseconds since the epoch of an aware datetime; exact, where float seconds would round."""
    return (moment - _EPOCH) // _MICROSECOND


def to_rfc3339(us: int) -> str:
    """The one format of every answer: UTC, six digits, "Z"."""
    if us < SECOND:  # fewer than seven digits
        return (_NAIVE_EPOCH + timedelta(microseconds=us)).isoformat(timespec="microseconds") + "Z"
    # Answers have thousands, of few seconds, and are asked for again: a fifth of the time that a datetime takes.
    return f"{_seconds[us // SECOND]}{str(us)[-6:]}Z"


# Beginnings of texts that are kept, up to the fraction; they take 2 MB.
MAX_SECONDS = 10_000


class _Seconds(dict[int, str]):
    def __missing__(self, second: int) -> str:
        if len(self) >= MAX_SECONDS:
            self.clear()
        text = self[second] = f"{(_NAIVE_EPOCH + timedelta(seconds=second)).isoformat()}."
        return text


_seconds = _Seconds()
