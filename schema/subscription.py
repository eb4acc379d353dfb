"""The subscriptions, as a table of contents."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated

import strawberry

from resolvers import live as live_resolvers
from resolvers import logs as log_resolvers
from resolvers import metrics as metrics_resolvers
from schema.context import Info
from schema.execution_input import ExecutionFilter
from schema.execution_update import ExecutionUpdate
from schema.log import LogUpdate
from schema.log_input import ExecutionId
from schema.mentions import selects
from schema.metrics import ExecutionMetrics, report_parts
from schema.metrics_input import Bucket, MetricsBucket, MetricsFilter, TimeZone
from schema.scalars import verb_id

LogCursor = Annotated[
    str | None,
    strawberry.argument(
        description=(
            "Resume after this cursor: the cursor of an update, or the updatesCursor of a log. Null: from now on."
        )
    ),
]


UpdatesCursor = Annotated[
    str | None,
    strawberry.argument(
        description=(
            "Resume after this cursor: the cursor of an update, or the updatesCursor of a list. Null: from now on."
        )
    ),
]


@strawberry.type(
    description="Everything that a client can follow, over a WebSocket with the subprotocol graphql-transport-ws."
)
class Subscription:
    """What can be followed."""

    @strawberry.subscription(
        description=(
            "Delivers each new line of an execution's log once, in order of arrival; several in one update if"
            " the subscription selects `entries`. Ends when the execution is deleted. NOT_FOUND for an unknown id."
        )
    )
    async def execution_log_appended(
        self, info: Info, execution_id: ExecutionId, after: LogCursor = None
    ) -> AsyncGenerator[LogUpdate, None]:
        """By arrival."""
        id_ = partial(verb_id, "executionId", "execution", execution_id)
        together = selects(info, "entries")
        async with aclosing(log_resolvers.follow_log(info.context, id_, after, together=together)) as updates:
            async for update in updates:
                info.context.forget()
                yield LogUpdate.of(update)

    @strawberry.subscription(
        description=(
            "Delivers executions that match the filter whenever they change, and those that no longer"
            " match. May combine several changes of one execution."
        )
    )
    async def execution_updated(
        self,
        info: Info,
        filter: Annotated[ExecutionFilter | None, strawberry.argument(description="Filter.")] = None,
        after: UpdatesCursor = None,
    ) -> AsyncGenerator[ExecutionUpdate, None]:
        """By revision."""
        where = partial(ExecutionFilter.where, filter)
        async with aclosing(live_resolvers.watch_executions(info.context, where, after)) as updates:
            async for update in updates:
                info.context.forget()
                yield ExecutionUpdate.of(update)

    @strawberry.subscription(
        description=(
            "Delivers the figures of a window: at once, and again when executions have changed, at most every 15"
            " seconds. A window without `to` ends at each delivery. All who follow the same are read for once."
        )
    )
    async def metrics_changed(
        self,
        info: Info,
        filter: Annotated[MetricsFilter | None, strawberry.argument(description="Filter.")] = None,
        bucket: Bucket = None,
        time_zone: TimeZone = "UTC",
    ) -> AsyncGenerator[ExecutionMetrics, None]:
        """By the clock."""
        where, width = partial(MetricsFilter.where, filter), MetricsBucket.bucket(bucket)
        follow = metrics_resolvers.follow(info.context, where, width, time_zone, **report_parts(info))
        async with aclosing(follow) as reports:
            async for report in reports:
                yield ExecutionMetrics.of(report)
                info.context.forget()
