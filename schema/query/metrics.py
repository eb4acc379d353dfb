"""Reads of figures."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from app.metrics.workflows import Order
from resolvers import metrics as metrics_resolvers
from schema.context import Info
from schema.mentions import selects
from schema.metrics import ExecutionMetrics
from schema.metrics_input import Bucket, MetricsBucket, MetricsFilter, TimeZone
from schema.paging import After, Before, First, Last, PageRequest
from schema.workflow_metrics import WorkflowMetricsConnection, parts_of


@strawberry.field(
    description=(
        "Figures of a window. Defaults to the last 24 hours. BAD_USER_INPUT for more than 400 days or 1,500 buckets."
    )
)
async def metrics(
    info: Info,
    filter: Annotated[MetricsFilter | None, strawberry.argument(description="Filter.")] = None,
    bucket: Bucket = MetricsBucket.AUTO,
    time_zone: TimeZone = "UTC",
) -> ExecutionMetrics | None:
    """Figures to steer by."""
    return await ExecutionMetrics.read(info, partial(MetricsFilter.where, filter), bucket, time_zone)


@strawberry.field(description="Trigger kinds of all executions, sorted by code points.")
async def trigger_kinds(info: Info) -> list[str] | None:
    """To choose from."""
    return await metrics_resolvers.list_trigger_kinds(info.context)


@strawberry.field(
    description=(
        "All workflows with their figures of a window. The filter's conditions of workflow and engine say which;"
        " those without a run in the window have figures of 0. BAD_USER_INPUT for more than 400 days or 1,500"
        " buckets."
    )
)
async def workflow_metrics(
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[MetricsFilter | None, strawberry.argument(description="Filter.")] = None,
    order_by: Annotated[
        Order, strawberry.argument(description="Order. SUCCESS_RATE: least first; the others: greatest first.")
    ] = Order.FAILED,
    search: Annotated[
        str | None, strawberry.argument(description="Workflows whose name contains this text, in any case.")
    ] = None,
    bucket: Bucket = MetricsBucket.AUTO,
    time_zone: TimeZone = "UTC",
) -> WorkflowMetricsConnection | None:
    """A page of how each workflow does."""
    where, request = partial(MetricsFilter.where, filter), partial(PageRequest, first, after, last, before)
    parts = partial(parts_of, info, MetricsBucket.bucket(bucket), listed=True)
    return WorkflowMetricsConnection.of(
        await metrics_resolvers.list_workflows(
            *(info.context, where, order_by, search, request, time_zone, parts),
            follows=selects(info, "updatesCursor"),
        )
    )
