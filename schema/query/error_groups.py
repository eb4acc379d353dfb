"""Reads of error groups."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from resolvers import error_groups as error_group_resolvers
from schema.context import Info
from schema.error_group_list import ErrorGroupConnection, ErrorGroupOrder, group_filter
from schema.error_group_list import Order as GroupOrder
from schema.error_group_list import Search as GroupSearch
from schema.error_group_list import States as GroupStates
from schema.mentions import mentions
from schema.metrics_input import Bucket, MetricsBucket, MetricsFilter, TimeZone
from schema.paging import After, Before, First, Last, PageRequest


@strawberry.field(description="Error groups with failures in a window, most frequent first unless `orderBy` says else.")
async def error_groups(
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[
        MetricsFilter | None, strawberry.argument(description="Window and filter of the failures.")
    ] = None,
    order_by: GroupOrder = ErrorGroupOrder.COUNT,
    search: GroupSearch = None,
    state: GroupStates = None,
    bucket: Bucket = MetricsBucket.AUTO,
    time_zone: TimeZone = "UTC",
) -> ErrorGroupConnection | None:
    """A page of what goes wrong."""
    where, request = partial(group_filter, filter, search, state), partial(PageRequest, first, after, last, before)
    order, width = ErrorGroupOrder.order(order_by), MetricsBucket.bucket(bucket)
    listed = await error_group_resolvers.list_error_groups(
        *(info.context, where, request, order, width, time_zone),
        trend=mentions(info, {"trend"}),
        unresolved=mentions(info, {"unresolved"}),
    )
    return ErrorGroupConnection.of(listed)
