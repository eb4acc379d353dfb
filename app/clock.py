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
    # Answers have thousands, within few minutes: a third of the time that a datetime takes.
    minute, rest = divmod(us, MINUTE)
    start = _minutes.get(minute)
    if start is None:
        if len(_minutes) >= MAX_MINUTES:
            _minutes.clear()
        start = _minutes[minute] = (_NAIVE_EPOCH + timedelta(minutes=minute)).isoformat()[:17]
    second, micros = divmod(rest, SECOND)
    return f"{start}{second:02d}.{micros:06d}Z"


# The beginnings of texts, up to the seconds. A week has 10,080; they take 1.5 MB.
MAX_MINUTES = 10_000
_minutes: dict[int, str] = {}
