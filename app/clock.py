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
    # Half the time of strftime, and answers have thousands.
    return f"{(_NAIVE_EPOCH + timedelta(microseconds=us)).isoformat(timespec='microseconds')}Z"
