"""Figures of a window: how many executions ended how, and how long they took, in total and as a trend.

They agree with the list of executions for the same window of queuedAt, as of one moment. Pruned executions whose
figures are kept (docs/operating.md) count on in whole hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app import clock
from app.db import Database
from app.lifecycle import Status
from app.metrics import sources
from app.metrics.filters import MetricsFilter
from app.metrics.histograms import Histogram
from app.metrics.sources import Sums
from app.metrics.windows import Bucket

_NO_DURATIONS = Histogram()


# Not frozen, as other values are: a trend makes thousands of these three, and frozen ones take twice the time.
@dataclass(slots=True, unsafe_hash=True)
class Outcome:
    """The executions of one status."""

    count: int = 0
    timed: int = 0  # those with a duration
    duration_sum: int = 0  # µs, exact
    histogram: Histogram = field(default=_NO_DURATIONS, compare=False)  # of durations; empty if not asked for

    @property
    def average(self) -> float | None:
        """The mean duration in µs; None if there is none."""
        return self.duration_sum / self.timed if self.timed else None

    @classmethod
    def together(cls, outcomes: Iterable[Outcome]) -> Outcome:
        """Several as one."""
        given = list(outcomes)
        return cls(
            sum(each.count for each in given),
            sum(each.timed for each in given),
            sum(each.duration_sum for each in given),
            Histogram.merged(each.histogram for each in given),
        )


_NOTHING = Outcome()


@dataclass(slots=True, unsafe_hash=True)
class Figures:
    """Executions by status."""

    pending: int = 0
    succeeded: Outcome = _NOTHING
    failed: Outcome = _NOTHING
    cancelled: Outcome = _NOTHING

    @property
    def total(self) -> int:
        """All, whatever their status."""
        return self.pending + self.succeeded.count + self.failed.count + self.cancelled.count

    @property
    def success_rate(self) -> float | None:
        """succeeded / (succeeded + failed); None if both are 0."""
        both = self.succeeded.count + self.failed.count
        return self.succeeded.count / both if both else None

    @property
    def ran(self) -> Outcome:
        """Those that succeeded or failed: only their durations are comparable."""
        one, other = self.succeeded, self.failed
        return Outcome(
            one.count + other.count,
            one.timed + other.timed,
            one.duration_sum + other.duration_sum,
            Histogram.merged((one.histogram, other.histogram)),
        )

    @property
    def finished(self) -> Outcome:
        """All that are not pending."""
        return Outcome.together((self.succeeded, self.failed, self.cancelled))

    def of(self, status: Status) -> Outcome:
        """Those with one status. Pending ones have no durations."""
        return (Outcome(self.pending), self.succeeded, self.failed, self.cancelled)[status]

    @classmethod
    def together(cls, figures: Iterable[Figures]) -> Figures:
        """Several as one."""
        given = list(figures)
        outcomes = (Outcome.together(each.of(status) for each in given) for status in Status if status)
        return cls(sum(each.pending for each in given), *outcomes)


@dataclass(slots=True, unsafe_hash=True)
class Point:
    """A bucket of a trend, as far as it is in the window."""

    start: int  # µs since the epoch, inclusive
    end: int  # µs since the epoch, exclusive
    figures: Figures


async def summary(database: Database, where: MetricsFilter, *, histograms: bool = True) -> Figures:
    """The figures of a window, in one statement. Raises LimitExceeded when the window has too much in it."""
    return by_group(await sources.read(database, where, None, histograms=histograms)).get(0, Figures())


async def trend(database: Database, where: MetricsFilter, bucket: Bucket, *, histograms: bool = True) -> list[Point]:
    """Every bucket of a window, empty ones too, oldest first; in one statement.

    The first and the last are cut off where the window begins and ends. Without `histograms` there are only counts and
    sums, for a third of the time. Raises BadInput for too many buckets, LimitExceeded as `summary` does.
    """
    starts = bucket.starts(where.start, where.end)
    return _points(where, starts, by_group(await sources.read(database, where, bucket, histograms=histograms)))


async def summary_and_trend(
    database: Database, where: MetricsFilter, bucket: Bucket, *, histograms: bool = True
) -> tuple[Figures, list[Point]]:
    """The results of `summary` and `trend`, as of one moment; raises what `trend` does."""
    starts = bucket.starts(where.start, where.end)
    found = by_group(await sources.read(database, where, bucket, histograms=histograms))
    return Figures.together(found.values()), _points(where, starts, found)


def _points(where: MetricsFilter, starts: Sequence[int], found: dict[Any, Figures]) -> list[Point]:
    edges = [where.start, *starts[1:], where.end]
    figures_of, nothing = found.get, Figures()
    return [
        Point(begin, end, figures_of(start, nothing))
        for start, begin, end in zip(starts, edges, edges[1:], strict=False)  # there is one more edge
    ]


def by_group(rows: Sequence[Sums]) -> dict[Any, Figures]:
    """The figures of each group of `sources.read`."""
    # By the index of the status: nothing, a row (the usual case), or a list of rows.
    sums: dict[int | str, list[Any]] = {}
    for row in rows:
        found = sums.get(row.group)
        if found is None:
            found = sums[row.group] = [None, None, None, None]
        known = found[row.status]
        if known is None:
            found[row.status] = row
        elif isinstance(known, list):
            known.append(row)
        else:
            found[row.status] = [known, row]
    return {
        group: Figures(_sum(pending).count, _sum(succeeded), _sum(failed), _sum(cancelled))
        for group, (pending, succeeded, failed, cancelled) in sums.items()
    }


def _sum(found: Sums | list[Sums] | None) -> Outcome:
    if found is None:
        return _NOTHING
    if not isinstance(found, list):
        return Outcome(found.executions, found.timed, found.seconds * clock.SECOND + found.micros, _histogram(found))
    samples = [(row.bucket, row.executions) for row in found if row.bucket is not None]
    return Outcome(
        sum(row.executions for row in found),
        sum(row.timed for row in found),
        sum(row.seconds for row in found) * clock.SECOND + sum(row.micros for row in found),
        Histogram([each for row in found for each in _stored(row.histograms)], samples),
    )


def _histogram(row: Sums) -> Histogram:
    if row.histograms is not None:
        return Histogram(_stored(row.histograms))
    return _NO_DURATIONS if row.bucket is None else Histogram((), ((row.bucket, row.executions),))


def _stored(histograms: bytes | Sequence[bytes] | None) -> Sequence[bytes]:
    if histograms is None:
        return ()
    return (histograms,) if isinstance(histograms, bytes) else histograms
