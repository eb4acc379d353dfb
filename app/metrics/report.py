"""Figures and trend of one window as of one moment."""

from __future__ import annotations

from dataclasses import dataclass

from app.db import Database
from app.metrics.figures import Figures, Point, summary, summary_and_trend
from app.metrics.filters import MetricsFilter
from app.metrics.windows import Bucket


@dataclass(frozen=True, slots=True)
class MetricsReport:
    """The figures of a window. `points` is empty unless asked for."""

    where: MetricsFilter
    figures: Figures
    points: list[Point]


async def report(
    database: Database, where: MetricsFilter, bucket: Bucket | None, *, points: bool, histograms: bool
) -> MetricsReport:
    """The figures of a window; with `points` its trend too.

    The bucket defaults to the one that fits. Raises BadInput for too many buckets, even when no points are asked for,
    and LimitExceeded when the window has too much in it.
    """
    width = bucket or Bucket.fitting(where.start, where.end)
    width.starts(where.start, where.end)
    if not points:
        return MetricsReport(where, await summary(database, where, histograms=histograms), [])
    return MetricsReport(where, *await summary_and_trend(database, where, width, histograms=histograms))
