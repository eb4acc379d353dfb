"""Figures and trend of one window as of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from app.db import Database
from app.metrics.figures import Figures, Point, divided, summary, summary_and_trend
from app.metrics.filters import MetricsFilter
from app.metrics.windows import Bucket
from app.metrics.zones import Division


@dataclass(frozen=True, slots=True)
class MetricsReport:
    """The figures of a window. `points` is empty unless asked for."""

    where: MetricsFilter
    figures: Figures
    points: list[Point]
    bucket: Bucket | None = None  # of the trend, as it was asked for
    zone: ZoneInfo | None = None
    cut_hours: bool = False  # whether buckets begin within hours of UTC


async def report(
    database: Database,
    where: MetricsFilter,
    bucket: Bucket | None,
    zone: ZoneInfo | None = None,
    *,
    points: bool,
    histograms: bool,
) -> MetricsReport:
    """The figures of a window; with `points` its trend too.

    The bucket defaults to the one that fits. Raises BadInput for too many buckets, even when no points are asked for,
    and LimitExceeded when the window has too much in it.
    """
    division = Division.of(zone, bucket, where.start, where.end)
    if division is None:
        (width := bucket or Bucket.fitting(where.start, where.end)).starts(where.start, where.end)
    found: list[Point] = []
    if not points:
        together = await summary(database, where, histograms=histograms)
    elif division is None:
        together, found = await summary_and_trend(database, where, width, histograms=histograms)
    else:
        found = await divided(database, where, division, histograms=histograms)
        together = Figures.together(point.figures for point in found)
    return MetricsReport(where, together, found, bucket, zone, division is not None and bool(division.cuts))
