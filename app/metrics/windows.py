"""How to answer a window of time: whole days and hours from rollups, the cut-off rest from executions. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from app import clock
from app.errors import BadInput
from app.metrics.rollups import Grain

MAX_BUCKETS = 1_500
# A chart has no room for more.
MAX_FITTING = 120
# Minutes are counted from the executions themselves.
MAX_MINUTES_WINDOW = 6 * clock.HOUR

Span = tuple[int, int]  # µs since the epoch: the first is inclusive, the second exclusive


class Bucket(Enum):
    """The length of a bucket of a trend."""

    MINUTE = clock.MINUTE
    FIVE_MINUTES = 5 * clock.MINUTE
    HOUR = clock.HOUR
    THREE_HOURS = 3 * clock.HOUR
    SIX_HOURS = 6 * clock.HOUR
    TWELVE_HOURS = 12 * clock.HOUR
    DAY = clock.DAY
    TWO_DAYS = 2 * clock.DAY
    FOUR_DAYS = 4 * clock.DAY

    @classmethod
    def fitting(cls, start: int, end: int) -> Bucket:
        """The shortest that gives a window at most MAX_FITTING points; for a long window an hour at least."""
        short = end - start <= MAX_MINUTES_WINDOW
        return next(
            bucket
            for bucket in cls
            if (short or bucket.value >= clock.HOUR) and bucket.count(start, end) <= MAX_FITTING
        )

    def count(self, start: int, end: int) -> int:
        """How many of its buckets a window has, wholly or in part."""
        return len(range(start - start % self.value, end, self.value))

    def starts(self, start: int, end: int) -> range:
        """Where its buckets in a window begin, in µs since the epoch: at multiples of its length, so in UTC.

        The first may begin before the window. BadInput for too many, and for minutes of a long window.
        """
        if self.value < clock.HOUR and end - start > MAX_MINUTES_WINDOW:
            raise BadInput(f"bucket: MINUTE allows a window of at most {MAX_MINUTES_WINDOW // clock.HOUR} hours")
        starts = range(start - start % self.value, end, self.value)
        if len(starts) > MAX_BUCKETS:
            raise BadInput(f"bucket: at most {MAX_BUCKETS} buckets in a window, not {len(starts)}")
        return starts


@dataclass(frozen=True, slots=True)
class Parts:
    """A window in parts: together they are the window, and none overlap."""

    days: tuple[Span, ...]  # from rows of days
    hours: tuple[Span, ...]  # from rows of hours
    cut: tuple[Span, ...]  # from the executions

    @property
    def rolled(self) -> tuple[tuple[Grain, Span], ...]:
        """What rollups answer."""
        return (*((Grain.DAY, span) for span in self.days), *((Grain.HOUR, span) for span in self.hours))

    @property
    def whole(self) -> Span | None:
        """The whole hours, including those of whole days."""
        spans = (*self.hours, *self.days)
        return (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else None


def take_apart(start: int, end: int, bucket: Bucket | None = None) -> Parts:
    """The parts of a window for points of a trend, or for one figure of all of it."""
    if bucket is not None and bucket.value < clock.HOUR:
        return Parts((), (), ((start, end),))
    before, whole, after = _whole(start, end, clock.HOUR)
    if whole is None:
        return Parts((), (), ((start, end),))
    cut = _filled(before, after)
    if bucket is not None and bucket.value % clock.DAY:
        return Parts((), (whole,), cut)
    before, days, after = _whole(*whole, clock.DAY)
    return Parts((), (whole,), cut) if days is None else Parts((days,), _filled(before, after), cut)


def _whole(start: int, end: int, width: int) -> tuple[Span, Span | None, Span]:
    """What is before the whole hours or days within, those, and what is after them."""
    first, last = start + -start % width, end - end % width
    return (start, first), ((first, last) if first < last else None), (last, end)


def _filled(*spans: Span) -> tuple[Span, ...]:
    return tuple(span for span in spans if span[0] < span[1])
