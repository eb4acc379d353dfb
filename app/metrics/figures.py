"""Figures of a window: how many executions ended how, and how long they took, in total and as a trend.

They agree with the list of executions for the same window of queuedAt, as of one moment. Pruned executions whose
figures are kept (docs/operating.md) count on in whole hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from app import clock
from app.db import Database
from app.lifecycle import Status
from app.metrics import sources
from app.metrics.filters import MetricsFilter
from app.metrics.histograms import Histogram
from app.metrics.sources import By, Group, Sampled, Sums
from app.metrics.windows import Bucket
from app.metrics.zones import Division

_NO_DURATIONS = Histogram()


# Structs, not dataclasses, since a trend makes thousands of these three: 0.1 µs each, a fifth of the time.
class Outcome(msgspec.Struct, gc=False, eq=False):
    """The executions of one status."""

    count: int = 0
    timed: int = 0  # those with a duration
    duration_sum: int = 0  # µs, exact
    histogram: Histogram = _NO_DURATIONS  # of durations; empty if not asked for

    def __eq__(self, other: object) -> bool:
        """Whether counts and sums are the same, whether or not histograms were asked for."""
        if not isinstance(other, Outcome):
            return NotImplemented
        return (self.count, self.timed, self.duration_sum) == (other.count, other.timed, other.duration_sum)

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


class Figures(msgspec.Struct, gc=False):
    """Executions by status."""

    pending: int = 0
    succeeded: Outcome = msgspec.field(default_factory=lambda: _NOTHING)
    failed: Outcome = msgspec.field(default_factory=lambda: _NOTHING)
    cancelled: Outcome = msgspec.field(default_factory=lambda: _NOTHING)

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


class Point(msgspec.Struct, gc=False):
    """A bucket of a trend, as far as it is in the window."""

    start: int  # µs since the epoch, inclusive
    end: int  # µs since the epoch, exclusive
    figures: Figures


async def summary(database: Database, where: MetricsFilter, *, histograms: bool = True) -> Figures:
    """The figures of a window, in one statement. Raises LimitExceeded when the window has too much in it."""
    return (await read(database, where, None, histograms=histograms)).get(0, Figures())


async def trend(database: Database, where: MetricsFilter, bucket: Bucket, *, histograms: bool = True) -> list[Point]:
    """Every bucket of a window, empty ones too, oldest first; in one statement.

    The first and the last are cut off where the window begins and ends. Without `histograms` there are only counts and
    sums, for a third of the time. Raises BadInput for too many buckets, LimitExceeded as `summary` does.
    """
    starts = bucket.starts(where.start, where.end)
    return _points(where, starts, await read(database, where, bucket, histograms=histograms))


async def divided(
    database: Database, where: MetricsFilter, division: Division, *, histograms: bool = True
) -> list[Point]:
    """As `trend`, with the buckets of a time zone.

    Figures of pruned executions, of which only the hour is known, are in the bucket in which it begins.
    """
    found: dict[int, Figures]
    if histograms:
        found = of_sampled(await sources.read_sampled(database, where, Bucket.HOUR, division))
    else:
        found = of_sums(await sources.read(database, where, Bucket.HOUR, division))
    return gathered(division, found)


def gathered(division: Division, found: dict[int, Figures]) -> list[Point]:
    """The points of a division, of figures by where their parts begin."""
    parts: list[list[Figures]] = [[] for _ in division.starts]
    for at, figures in found.items():
        parts[division.place(at)].append(figures)
    edges = [division.start, *division.starts[1:], division.end]
    return [
        Point(begin, end, Figures.together(given) if given else Figures())
        for begin, end, given in zip(edges, edges[1:], parts, strict=False)
    ]


async def trends(
    database: Database,
    where: MetricsFilter,
    bucket: Bucket,
    division: Division | None,
    workflow_ids: Sequence[str],
    *,
    histograms: bool,
) -> dict[str, list[Point]]:
    """The trends of some workflows, by their ids, in one statement; raises what `trend` does."""
    starts = bucket.starts(where.start, where.end) if division is None else ()
    width = bucket if division is None else Bucket.HOUR
    ours = where.of_workflows(workflow_ids)
    found: dict[str, Figures]
    if histograms:
        found = of_sampled(await sources.read_sampled(database, ours, width, division, each_workflow=True))
    else:
        found = of_sums(await sources.read(database, ours, width, division, each_workflow=True))
    by_workflow: dict[str, dict[int, Figures]] = {id_: {} for id_ in workflow_ids}
    for group, figures in found.items():
        id_, start = group.split()
        by_workflow[id_][int(start)] = figures
    return {
        id_: _points(where, starts, given) if division is None else gathered(division, given)
        for id_, given in by_workflow.items()
    }


async def summary_and_trend(
    database: Database, where: MetricsFilter, bucket: Bucket, *, histograms: bool = True
) -> tuple[Figures, list[Point]]:
    """The results of `summary` and `trend`, as of one moment; raises what `trend` does."""
    starts = bucket.starts(where.start, where.end)
    found = await read(database, where, bucket, histograms=histograms)
    return Figures.together(found.values()), _points(where, starts, found)


def _points(where: MetricsFilter, starts: Sequence[int], found: dict[Any, Figures]) -> list[Point]:
    edges = [where.start, *starts[1:], where.end]
    figures_of, nothing = found.get, Figures()
    return [
        Point(begin, end, figures_of(start, nothing))
        for start, begin, end in zip(starts, edges, edges[1:], strict=False)  # there is one more edge
    ]


async def read(database: Database, where: MetricsFilter, by: By, *, histograms: bool) -> dict[Any, Figures]:
    """The figures of each group of a window. Raises LimitExceeded when the window has too much in it."""
    if histograms:
        return of_sampled(await sources.read_sampled(database, where, by))
    return of_sums(await sources.read(database, where, by))


def of_sums(rows: Iterable[Sums]) -> dict[Any, Figures]:
    """The figures of each group, without histograms."""
    found: dict[Group, list[Outcome]] = {}
    for group, status, executions, timed, seconds, micros in rows:
        outcomes = found.get(group)
        if outcomes is None:
            outcomes = found[group] = [_NOTHING] * 4
        known = outcomes[status]
        if known is _NOTHING:
            outcomes[status] = Outcome(executions, timed, seconds * clock.SECOND + micros)
        else:
            known.count += executions
            known.timed += timed
            known.duration_sum += seconds * clock.SECOND + micros
    return {group: _figures(outcomes) for group, outcomes in found.items()}


def of_sampled(rows: Iterable[Sampled]) -> dict[Any, Figures]:
    """The figures of each group, with histograms."""
    found: dict[Group, tuple[list[Outcome], ...]] = {}
    for group, status, executions, timed, seconds, micros, stored, bucket in rows:
        outcomes = found.get(group)
        if outcomes is None:
            outcomes = found[group] = ([], [], [], [])
        if stored is not None:
            histogram = Histogram((stored,) if isinstance(stored, bytes) else stored)
        else:
            histogram = _NO_DURATIONS if bucket is None else Histogram((), ((bucket, executions),))
        outcomes[status].append(Outcome(executions, timed, seconds * clock.SECOND + micros, histogram))
    return {
        group: _figures([each[0] if len(each) == 1 else Outcome.together(each) for each in outcomes])
        for group, outcomes in found.items()
    }


def _figures(outcomes: Sequence[Outcome]) -> Figures:
    pending, succeeded, failed, cancelled = outcomes
    return Figures(pending.count, succeeded, failed, cancelled)
