"""The trend of any list of executions: from rollups where they know enough, else by counting rows, up to a bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from app import clock
from app.db import Database
from app.executions.filters import EVERYTHING, ExecutionFilter
from app.executions.resolved_filters import resolve
from app.executions.scans import BY_QUEUED_AT, page
from app.lifecycle import Status
from app.metrics import sources
from app.metrics.figures import Figures, Outcome, Point, divided, gathered, of_sampled, of_sums, trend
from app.metrics.filters import DEFAULT_WINDOW, MAX_WINDOW, MetricsFilter, check_window
from app.metrics.windows import Bucket
from app.metrics.zones import Division
from app.paging.keyset import Segment

# The windows that fit: the least that has so many of the newest executions, or all of them.
FITTING_ROWS = 1_000
FITTING = (
    *(hours * clock.HOUR for hours in (1, 6, 24)),
    *(days * clock.DAY for days in (7, 30, 90)),
    MAX_WINDOW,
)
# Counting goes from the newest execution back, and stops here.
MAX_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Trend:
    """Every bucket of a window. If not `exact`, counting stopped before older executions."""

    points: list[Point]
    exact: bool
    cut_hours: bool = False  # whether buckets begin within hours of UTC


async def trend_of(
    database: Database,
    where: ExecutionFilter,
    bucket: Bucket | None,
    zone: ZoneInfo | None = None,
    *,
    histograms: bool,
    fit: bool = False,
) -> Trend:
    """The trend of the executions that match a filter.

    queuedTo defaults to now, queuedFrom to 24 hours before, or with `fit` to where a window begins that has what the
    list begins with; the bucket to the one that fits. Raises BadInput for an
    invalid window or bucket, LimitExceeded when reading takes too long.
    """
    end = clock.now_us() if where.queued_to is None else where.queued_to
    if where.queued_from is not None:
        start = where.queued_from
    else:
        start = await _fitting(database, where, end) if fit else end - DEFAULT_WINDOW
    check_window(start, end, "filter.queuedFrom", "filter.queuedTo")
    zoned, width = Division.of(zone, bucket, start, end), bucket or Bucket.fitting(start, end)
    division = zoned or Division(width.starts(start, end), start, end)
    cut = zoned is not None and bool(zoned.cuts)
    part = width.value if zoned is None else clock.MINUTE if cut else clock.HOUR
    where = replace(where, queued_from=start, queued_to=end)
    if _is_in_rollups(where):
        statuses = frozenset(Status if where.statuses is None else where.statuses)
        asked = MetricsFilter(replace(where, statuses=None), start, end)
        if zoned is None:
            points = await trend(database, asked, width, histograms=histograms)
        else:
            points = await divided(database, asked, zoned, histograms=histograms)
        shown = [Point(point.start, point.end, _only(point.figures, statuses)) for point in points]
        return Trend(shown, exact=True, cut_hours=cut)
    return await _count(database, where, division, part, histograms=histograms)


async def _fitting(database: Database, where: ExecutionFilter, end: int) -> int:
    """Where the least window that fits begins; 24 hours before the end if nothing matches."""
    resolved = await resolve(database, replace(where, queued_to=end)) if end > 0 else None
    if resolved is None:
        return end - DEFAULT_WINDOW
    newest = Segment(BY_QUEUED_AT, False, None, None, False, FITTING_ROWS)
    rows = page(database.dialect, resolved, newest, "e.queued_at")
    ((oldest,),) = await database.fetch_long(f"SELECT min(x.queued_at) FROM ({rows.text}) x", *rows.params)
    length = DEFAULT_WINDOW if oldest is None else next((each for each in FITTING if end - each <= oldest), MAX_WINDOW)
    return max(end - length, 0)


def _is_in_rollups(where: ExecutionFilter) -> bool:
    """Whether rollups know everything that the filter asks for."""
    known = replace(
        where,
        statuses=None,
        workflow_ids=None,
        workflow_names=None,
        exclude_workflow_names=None,
        engines=None,
        trigger_kinds=None,
        queued_from=None,
        queued_to=None,
        exclude_trigger_kinds=where.exclude_trigger_kinds or None,
        search=where.search or None,
    )
    return known == EVERYTHING


def _only(figures: Figures, statuses: frozenset[Status]) -> Figures:
    nothing = Outcome()
    succeeded, failed, cancelled = (
        figures.of(status) if status in statuses else nothing
        for status in (Status.SUCCESS, Status.FAILURE, Status.CANCELLED)
    )
    return Figures(figures.pending if Status.PENDING in statuses else 0, succeeded, failed, cancelled)


async def _count(
    database: Database, where: ExecutionFilter, division: Division, part: int, *, histograms: bool
) -> Trend:
    scope = await resolve(database, where)
    found: dict[int, Figures] = {}
    if scope is not None:
        newest = page(
            database.dialect,
            scope,
            Segment(BY_QUEUED_AT, False, None, None, False, MAX_ROWS + 1),
            "e.queued_at, e.status, e.duration",
        )
        samples = (
            f"SELECT x.queued_at - x.queued_at % {part} AS part, x.status, x.duration, 1 AS sign FROM ({newest.text}) x"
        )
        statement = sources.summed(database.dialect, samples, histograms=histograms)
        if histograms:
            found = of_sampled(await sources.fetch_sampled(database, statement, newest.params))
        else:
            found = of_sums(await sources.fetch(database, statement, newest.params))
    points = gathered(division, found)
    return Trend(points, exact=sum(point.figures.total for point in points) <= MAX_ROWS)
