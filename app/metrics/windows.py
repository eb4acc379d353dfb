"""How a window of time is answered: whole days and hours from rollups, what it cuts off from executions; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from app import clock
from app.errors import BadInput
from app.metrics.rollups import Grain

BUCKETS_MAX = 1_500
# Minutes are counted from the executions themselves.
MINUTES_WINDOW_MAX = 6 * clock.HOUR

Span = tuple[int, int]  # µs since the epoch: the first is inclusive, the second exclusive


class Bucket(Enum):
    """How long a point of a trend is."""

    MINUTE = clock.MINUTE
    HOUR = clock.HOUR
    DAY = clock.DAY

    @classmethod
    def fitting(cls, start: int, end: int) -> Bucket:
        """The one that gives a window some dozens to some hundreds of points."""
        if end - start <= 3 * clock.HOUR:
            return cls.MINUTE
        return cls.HOUR if end - start <= 14 * clock.DAY else cls.DAY

    def starts(self, start: int, end: int) -> range:
        """Where its buckets in a window begin, in µs since the epoch: at whole minutes, hours or days of UTC.

        The first may begin before the window. BadInput for too many, and for minutes of a long window.
        """
        if self is Bucket.MINUTE and end - start > MINUTES_WINDOW_MAX:
            raise BadInput(f"Minutes can be shown of at most {MINUTES_WINDOW_MAX // clock.HOUR} hours")
        starts = range(start - start % self.value, end, self.value)
        if len(starts) > BUCKETS_MAX:
            raise BadInput(f"A trend has at most {BUCKETS_MAX} buckets, not {len(starts)}")
        return starts


@dataclass(frozen=True, slots=True)
class Parts:
    """A window, taken apart: together the parts are the window, and none of them overlap."""

    days: tuple[Span, ...]  # from rows of days
    hours: tuple[Span, ...]  # from rows of hours
    cut: tuple[Span, ...]  # from the executions

    @property
    def rolled(self) -> tuple[tuple[Grain, Span], ...]:
        """What rollups answer."""
        return (*((Grain.DAY, span) for span in self.days), *((Grain.HOUR, span) for span in self.hours))

    @property
    def whole(self) -> Span | None:
        """The whole hours, those of whole days included."""
        spans = (*self.hours, *self.days)
        return (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else None


def take_apart(start: int, end: int, bucket: Bucket | None = None) -> Parts:
    """The parts of a window for points of a trend, or for one figure of all of it."""
    if bucket is Bucket.MINUTE:
        return Parts((), (), ((start, end),))
    before, whole, after = _whole(start, end, clock.HOUR)
    if whole is None:
        return Parts((), (), ((start, end),))
    cut = _filled(before, after)
    if bucket is Bucket.HOUR:
        return Parts((), (whole,), cut)
    before, days, after = _whole(*whole, clock.DAY)
    return Parts((), (whole,), cut) if days is None else Parts((days,), _filled(before, after), cut)


def _whole(start: int, end: int, width: int) -> tuple[Span, Span | None, Span]:
    """What is before the whole hours or days within, those, and what is after them."""
    first, last = start + -start % width, end - end % width
    return (start, first), ((first, last) if first < last else None), (last, end)


def _filled(*spans: Span) -> tuple[Span, ...]:
    return tuple(span for span in spans if span[0] < span[1])
