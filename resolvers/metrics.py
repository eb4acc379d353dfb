"""Reads of figures."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from zoneinfo import ZoneInfo

from app.auth import Permission
from app.error_groups import counts
from app.executions.filters import ExecutionFilter
from app.metrics import of_executions, report, trigger_kinds, workflows
from app.metrics.filters import MetricsFilter
from app.metrics.of_executions import Trend
from app.metrics.report import MetricsReport
from app.metrics.windows import Bucket
from app.metrics.workflows import Order, Parts, WorkflowFigures
from app.paging import Count, PageRequest
from app.time_zones import zone_of
from resolvers.arguments import Argument
from resolvers.context import Context
from resolvers.lists import CountedList, read_list


async def measure(
    context: Context,
    where: Argument[MetricsFilter],
    bucket: Bucket | None,
    time_zone: str,
    *,
    points: bool,
    histograms: bool,
) -> MetricsReport:
    """The figures of a window, with its trend if `points` are asked for. The bucket defaults to the one that fits."""
    context.require(Permission.READ)
    window, zone = where(), zone_of(time_zone)
    _take_report(context, window, bucket, points=points)
    return await report.report(context.database, window, bucket, zone, points=points, histograms=histograms)


async def _report(
    context: Context,
    window: MetricsFilter,
    bucket: Bucket | None,
    zone: ZoneInfo | None,
    points: bool,
    histograms: bool,
) -> MetricsReport:
    return await report.report(context.database, window, bucket, zone, points=points, histograms=histograms)


def _take_report(context: Context, window: MetricsFilter, bucket: Bucket | None, *, points: bool) -> None:
    context.budget.take_figures()
    if points:
        width = bucket or Bucket.fitting(window.start, window.end)
        context.budget.take_trend(len(width.starts(window.start, window.end)))


async def follow(
    context: Context,
    where: Callable[[int], MetricsFilter],
    bucket: Bucket | None,
    time_zone: str,
    *,
    points: bool,
    histograms: bool,
) -> AsyncGenerator[MetricsReport, None]:
    """The figures of a window, and again whenever executions have changed; `where` has the window of a moment."""
    context.require(Permission.READ)
    zone = zone_of(time_zone)
    context.shares = context.metrics_feed.share
    async with aclosing(context.metrics_feed.moments()) as moments:
        async for now in moments:
            window = where(now)
            _take_report(context, window, bucket, points=points)
            key = ("report", window, bucket, time_zone, points, histograms)
            read = partial(report.report, context.database, window, bucket, zone, points=points, histograms=histograms)
            yield await context.shares(key, read)


async def measure_executions(
    context: Context,
    where: Argument[ExecutionFilter],
    bucket: Bucket | None,
    time_zone: str,
    *,
    fit: bool,
    histograms: bool,
) -> Trend:
    """The trend of the executions that match a filter; with `fit`, of what its list begins with."""
    context.require(Permission.READ)
    filter_, zone = where(), zone_of(time_zone)
    context.budget.take_figures()
    trend = await of_executions.trend_of(context.database, filter_, bucket, zone, histograms=histograms, fit=fit)
    context.budget.take_trend(len(trend.points))
    return trend


async def measure_workflows(
    context: Context, window: MetricsFilter, order: Order, first: Argument[int], parts: Parts
) -> list[WorkflowFigures]:
    """The figures of the workflows to look at first in a window."""
    context.require(Permission.READ)
    size = first()
    _take(context, window, parts, size)
    key = ("workflows", window, order, size, parts)
    return await context.shares(key, lambda: workflows.by_workflow(context.database, window, order, size, parts))


async def list_workflows(
    context: Context,
    where: Argument[MetricsFilter],
    order: Order,
    search: str | None,
    request: Argument[PageRequest],
    time_zone: str,
    parts: Callable[[ZoneInfo | None], Parts],
    *,
    follows: bool = True,
) -> CountedList[WorkflowFigures]:
    """A page of all workflows, with their figures in a window."""
    context.require(Permission.READ)
    database, window, given, wanted = context.database, where(), request(), parts(zone_of(time_zone))
    _take(context, window, wanted, given.size)

    async def count() -> Count:
        return Count(len(await workflows.matching(database, window, search)), exact=True)

    return await read_list(
        context,
        given,
        lambda: workflows.list_page(database, window, order, search, given, wanted),
        count,
        follows=follows,
    )


def _take(context: Context, window: MetricsFilter, parts: Parts, size: int) -> None:
    for _ in range(1 + parts.points + parts.before):
        context.budget.take_figures()
    if parts.points:
        width = parts.bucket or Bucket.fitting(window.start, window.end)
        context.budget.take_trend(size * len(width.starts(window.start, window.end)))


async def top_errors(context: Context, window: MetricsFilter, first: Argument[int]) -> list[tuple[str, int]]:
    """The ids of the error groups with the most failures in a window, and their numbers."""
    context.require(Permission.READ)
    size = first()
    context.budget.take_figures()
    return await context.shares(("errors", window, size), lambda: counts.top(context.database, window, size))


async def list_trigger_kinds(context: Context) -> list[str]:
    """The kinds of triggers that exist."""
    context.require(Permission.READ)
    return await trigger_kinds.trigger_kinds(context.database)
