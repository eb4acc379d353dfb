"""Reads of executions, their logs, and how many there are."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from app import ids
from app.graphql.compiled.projections import selected_columns
from resolvers import executions as execution_resolvers
from resolvers import facets as facet_resolvers
from resolvers import metrics as metrics_resolvers
from schema.context import Info
from schema.execution import Execution
from schema.execution_input import DEFAULT_ORDER, ExecutionFilter, ExecutionOrder
from schema.execution_list import ExecutionConnection
from schema.facets import ExecutionFacets
from schema.figures import PERCENTILES
from schema.log import ExecutionLogConnection
from schema.log_input import (
    AroundLine,
    AroundSize,
    ExecutionId,
    FirstLines,
    LastLines,
    LogSearch,
    MinLevel,
    SkipLines,
    StepId,
    log_filter,
    log_request,
)
from schema.mentions import mentions, selects
from schema.metrics import ExecutionHistogram
from schema.metrics_input import Bucket, HistogramWindow, MetricsBucket, TimeZone
from schema.nodes import find
from schema.paging import After, Before, First, Last, PageRequest
from schema.projections import READS_EXECUTIONS, READS_LOGS


@strawberry.field(description="One execution. Null for an unknown id.")
async def execution(info: Info, id: strawberry.ID) -> Execution | None:
    """By global id."""
    found: Execution | None = await find(info, "execution", id)
    return found


@strawberry.field(
    description=(
        "How many executions a filter lets through, by what could be chosen next. Null, with"
        " BAD_USER_INPUT, for an invalid filter."
    )
)
async def execution_facets(
    info: Info,
    filter: Annotated[ExecutionFilter | None, strawberry.argument(description="Filter.")] = None,
) -> ExecutionFacets | None:
    """Each is counted only if selected."""
    where = await facet_resolvers.find_facets(info.context, partial(ExecutionFilter.where, filter))
    return ExecutionFacets(where=where)


@strawberry.field(
    description=(
        "Executions per bucket of queuedAt. queuedTo defaults to now, queuedFrom to what `window` says."
        " BAD_USER_INPUT for more than 400 days or 1,500 buckets."
    )
)
async def execution_histogram(
    info: Info,
    filter: Annotated[ExecutionFilter | None, strawberry.argument(description="Filter.")] = None,
    bucket: Bucket = MetricsBucket.AUTO,
    window: Annotated[
        HistogramWindow, strawberry.argument(description="Where the window begins if the filter has no queuedFrom.")
    ] = HistogramWindow.LAST_24_HOURS,
    time_zone: TimeZone = "UTC",
) -> ExecutionHistogram | None:
    """What the list has, over time."""
    where, width = partial(ExecutionFilter.where, filter), MetricsBucket.bucket(bucket)
    histograms, fit = mentions(info, PERCENTILES), window is HistogramWindow.FIT
    return ExecutionHistogram.of(
        await metrics_resolvers.measure_executions(
            info.context, where, width, time_zone, fit=fit, histograms=histograms
        )
    )


@strawberry.field(description="Log of an execution, oldest lines first. Null for an unknown id.", metadata=READS_LOGS)
async def execution_logs(
    info: Info,
    execution_id: ExecutionId,
    first: FirstLines = None,
    after: After = None,
    last: LastLines = None,
    before: Before = None,
    min_level: MinLevel = None,
    step_id: StepId = None,
    search: LogSearch = None,
    around: AroundLine = None,
    size: AroundSize = 200,
    skip: SkipLines = None,
) -> ExecutionLogConnection | None:
    """A page of a log."""
    id_ = ids.from_global("execution", execution_id) or ""
    where = partial(log_filter, id_, min_level, step_id, search)
    request = partial(log_request, id_, first, after, last, before, around, size, skip)
    return await ExecutionLogConnection.find(info, id_, where, request)


@strawberry.field(description="Executions, newest first by default.", metadata=READS_EXECUTIONS)
async def executions(
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    order_by: Annotated[
        ExecutionOrder | None, strawberry.argument(description="Order. Defaults to newest first.")
    ] = DEFAULT_ORDER,
    filter: Annotated[ExecutionFilter | None, strawberry.argument(description="Filter.")] = None,
) -> ExecutionConnection | None:
    """A page of the history."""
    where, order = partial(ExecutionFilter.where, filter), partial(ExecutionOrder.order, order_by)
    request = partial(PageRequest, first, after, last, before)
    listed = await execution_resolvers.list_executions(
        *(info.context, where, order, request),
        follows=selects(info, "updatesCursor"),
        columns=selected_columns(info),
    )
    return ExecutionConnection.of(listed)
