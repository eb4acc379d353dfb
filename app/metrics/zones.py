"""Buckets of a trend in a time zone: days of 23 and 25 hours, and zones of half hours. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from app import clock
from app.errors import BadInput
from app.metrics.windows import MAX_BUCKETS, MAX_FITTING, Bucket

_FIRST_DAY = date(1970, 1, 1).toordinal()
_LAST_DAY = date(9999, 12, 30).toordinal()


@dataclass(frozen=True, slots=True)
class Division:
    """A window in buckets of a zone. `starts` are in µs since the epoch; the first may be before the window."""

    starts: Sequence[int]
    start: int
    end: int

    @classmethod
    def of(cls, zone: ZoneInfo | None, bucket: Bucket | None, start: int, end: int) -> Division | None:
        """With buckets of a length, or those that fit; None where they are those of UTC. BadInput for too many."""
        # Zones differ by whole minutes, and by five of them.
        if zone is None or (bucket or Bucket.fitting(start, end)).value < clock.HOUR:
            return None
        if bucket is None:
            for fitting in (each for each in Bucket if each.value >= Bucket.fitting(start, end).value):
                bucket = fitting
                starts = _starts(zone, fitting, start, end)
                if len(starts) <= MAX_FITTING:
                    break
        else:
            bucket.starts(start, end)  # of its length, and as many, within one
            starts = _starts(zone, bucket, start, end)
        if len(starts) > MAX_BUCKETS:
            raise BadInput(f"bucket: at most {MAX_BUCKETS} buckets in a window, not {len(starts)}")
        return cls(starts, start, end)

    @property
    def cuts(self) -> tuple[tuple[int, int, int], ...]:
        """The rest of each hour of UTC within which a bucket begins, and where the part before it begins."""
        return tuple(
            (edge, min(_hour_of(edge) + clock.HOUR, self.end), max(before, _hour_of(edge)))
            for before, edge in pairwise(self.starts)
            if edge % clock.HOUR
        )

    def place(self, at: int) -> int:
        """The number of the bucket that has a moment."""
        return max(bisect_right(self.starts, at) - 1, 0)


def _hour_of(at: int) -> int:
    return at - at % clock.HOUR


def _starts(zone: ZoneInfo, bucket: Bucket, start: int, end: int) -> list[int]:
    days = max(bucket.value // clock.DAY, 1)
    first = _day_of(zone, start) - 1  # clocks are set back over midnight too
    first -= (first - _FIRST_DAY) % days
    found = {start_ for day in range(first, _day_of(zone, end) + 2, days) for start_ in _of_day(zone, bucket, day)}
    inside = sorted(found)
    return inside[max(bisect_right(inside, start) - 1, 0) : bisect_right(inside, end - 1)]


def _day_of(zone: ZoneInfo, at: int) -> int:
    moment = datetime.fromtimestamp(at // clock.SECOND, zone)
    return min(moment.toordinal(), _LAST_DAY)


def _of_day(zone: ZoneInfo, bucket: Bucket, day: int) -> Iterator[int]:
    """Where buckets begin on a day of the zone: at its midnight, and at hours of its clock."""
    midnight = datetime.combine(date.fromordinal(max(min(day, _LAST_DAY), 1)), datetime.min.time(), zone)
    hours = bucket.value // clock.HOUR
    for hour in range(0, 24, hours):
        local = midnight + timedelta(hours=hour)  # by its clock
        # An hour that a clock skips begins where it is set forward.
        yield clock.to_us(local.astimezone(UTC))
        if hours == 1:
            again = local.replace(fold=1).astimezone(UTC)  # an hour that it has twice
            if again.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                yield clock.to_us(again)
