"""Reads of figures."""

from __future__ import annotations

from app.auth import Permission
from app.errors import LimitExceeded
from app.execution_filters import ExecutionFilter
from app.metrics import error_groups, of_executions, report, trigger_kinds, workflows
from app.metrics.of_executions import Trend
from app.metrics.report import Report
from app.metrics.windows import Bucket
from app.metrics.workflows import Order, WorkflowFigures
from app.metrics_filters import MetricsFilter
from resolvers.context import Context

# Three for each of 100 workflows take 0.6 s. Figures have workflows and errors, and those have figures: without a
# bound, what an operation costs would grow up to a hundredfold with each level of nesting.
MEASURED_MAX = 1_000
# A hundred trends of the most buckets, 3 s; a thousand of them would be 0.6 GB in memory.
POINTS_MAX = 150_000


def _take(context: Context) -> None:
    context.require(Permission.READ)
    context.measured += 1
    if context.measured > MEASURED_MAX:
        raise LimitExceeded(f"An operation may ask for figures {MEASURED_MAX} times; ask for less at once")


def _take_points(context: Context, points: int) -> None:
    context.measured_points += points
    if context.measured_points > POINTS_MAX:
        raise LimitExceeded(f"The trends of an operation may have {POINTS_MAX} points in all; ask for less at once")


async def measure(
    context: Context, where: MetricsFilter, bucket: Bucket | None, *, points: bool, histograms: bool
) -> Report:
    """The figures of a window, with its trend when `points` are asked for; without a bucket the one that fits."""
    _take(context)
    if points:
        width = bucket or Bucket.fitting(where.start, where.end)
        _take_points(context, len(width.starts(where.start, where.end)))
    return await report.report(context.database, where, bucket, points=points, histograms=histograms)


async def measure_executions(
    context: Context, where: ExecutionFilter, bucket: Bucket | None, *, histograms: bool
) -> Trend:
    """The trend of the executions that a filter lets through."""
    _take(context)
    trend = await of_executions.trend_of(context.database, where, bucket, histograms=histograms)
    _take_points(context, len(trend.points))
    return trend


async def measure_workflows(
    context: Context, where: MetricsFilter, order: Order, first: int, *, histograms: bool
) -> list[WorkflowFigures]:
    """The figures of each workflow in a window."""
    _take(context)
    return await workflows.by_workflow(context.database, where, order, first, histograms=histograms)


async def top_errors(context: Context, where: MetricsFilter, first: int) -> list[tuple[str, int]]:
    """The ids of the error groups with the most failures in a window, and how many they have."""
    _take(context)
    return await error_groups.top(context.database, where, first)


async def list_trigger_kinds(context: Context) -> list[str]:
    """The kinds of triggers that there are."""
    context.require(Permission.READ)
    return await trigger_kinds.trigger_kinds(context.database)
