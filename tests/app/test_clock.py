"""The text of times, whatever the time."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from app import clock


def test_texts_are_those_of_datetimes() -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    choice = random.Random(1)
    last = clock.to_us(datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
    border = [-1, 0, 1, 999_999, 1_000_000, 1_000_001, -clock.DAY, clock.to_us(datetime.min.replace(tzinfo=UTC)), last]
    # More seconds than are kept.
    for us in (*border, *(choice.randrange(last) for _ in range(clock.MAX_SECONDS + 100)), *border):
        text = clock.to_rfc3339(us)
        assert text == (epoch + timedelta(microseconds=us)).isoformat(timespec="microseconds")[:-6] + "Z"
        assert clock.to_us(datetime.fromisoformat(text)) == us
