"""Reads of figures."""

from __future__ import annotations

from app.auth import Permission
from app.error_groups import counts
from app.executions.filters import ExecutionFilter
from app.metrics import of_executions, report, trigger_kinds, workflows
from app.metrics.filters import MetricsFilter
from app.metrics.of_executions import Trend
from app.metrics.report import Report
from app.metrics.windows import Bucket
from app.metrics.workflows import Order, WorkflowFigures
from resolvers.context import Context


def _take(context: Context) -> None:
    context.require(Permission.READ)
    context.budget.take_figures()


async def measure(
    context: Context, where: MetricsFilter, bucket: Bucket | None, *, points: bool, histograms: bool
) -> Report:
    """The figures of a window, with its trend if `points` are asked for. The bucket defaults to the one that fits."""
    _take(context)
    if points:
        width = bucket or Bucket.fitting(where.start, where.end)
        context.budget.take_trend(len(width.starts(where.start, where.end)))
    return await report.report(context.database, where, bucket, points=points, histograms=histograms)


async def measure_executions(
    context: Context, where: ExecutionFilter, bucket: Bucket | None, *, histograms: bool
) -> Trend:
    """The trend of the executions that match a filter."""
    _take(context)
    trend = await of_executions.trend_of(context.database, where, bucket, histograms=histograms)
    context.budget.take_trend(len(trend.points))
    return trend


async def measure_workflows(
    context: Context, where: MetricsFilter, order: Order, first: int, *, histograms: bool
) -> list[WorkflowFigures]:
    """The figures of each workflow in a window."""
    _take(context)
    return await workflows.by_workflow(context.database, where, order, first, histograms=histograms)


async def top_errors(context: Context, where: MetricsFilter, first: int) -> list[tuple[str, int]]:
    """The ids of the error groups with the most failures in a window, and their numbers."""
    _take(context)
    return await counts.top(context.database, where, first)


async def list_trigger_kinds(context: Context) -> list[str]:
    """The kinds of triggers that exist."""
    context.require(Permission.READ)
    return await trigger_kinds.trigger_kinds(context.database)
