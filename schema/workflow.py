"""Workflows: the definitions that engines run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import strawberry

from app import executions, ids, workflows
from app.graphql.compiled.projections import PROJECTION, Joined, Part, selected_columns
from resolvers import engines as engine_resolvers
from resolvers import executions as execution_resolvers
from resolvers import workflows as resolvers
from schema import execution, execution_list, metrics  # the modules: the types name each other
from schema.context import Info
from schema.engine import Engine
from schema.execution_input import DEFAULT_ORDER, ExecutionFilter, ExecutionOrder, within_workflow
from schema.figures import milliseconds_of
from schema.mentions import selects
from schema.metrics_input import Bucket, MetricsFilter, TimeZone
from schema.node import ID, Node
from schema.paging import (
    CURSOR,
    After,
    Before,
    Connection,
    Count,
    Edge,
    First,
    Last,
    PageRequest,
    counted,
    edges,
    nodes,
)
from schema.projections import READS_EXECUTIONS, column, global_id

if TYPE_CHECKING:
    from schema.execution import Execution
    from schema.execution_list import ExecutionConnection
    from schema.metrics import ExecutionMetrics


@strawberry.type(description="A definition that an engine runs. Its name is unique within the engine.")
class Workflow(Node):
    """A definition that an engine runs."""

    row: strawberry.Private[workflows.Workflow]
    id: strawberry.ID = strawberry.field(description=ID, metadata=global_id("workflow"))
    name: str = strawberry.field(
        metadata=column("name"),
        description="Name of the workflow. `(unknown)` holds the runs whose workflow no event has named yet.",
    )

    @classmethod
    def of(cls, workflow: workflows.Workflow) -> Workflow:
        """From app's workflow."""
        return cls(id=strawberry.ID(ids.to_global("workflow", workflow.id)), row=workflow, name=workflow.name)

    @strawberry.field(
        description="Its engine.", metadata={PROJECTION: Joined("engine_id", engine_resolvers.find_engines)}
    )
    async def engine(self, info: Info) -> Engine:
        """Batched."""
        engine = await engine_resolvers.find_engine(info.context, self.row.engine_id)
        assert engine is not None  # a foreign key
        return Engine.of(engine)

    @strawberry.field(
        description=(
            "Number of failures since the last success, by finishedAt. Cancelled executions count as"
            " neither. Counting stops at 10,000."
        )
    )
    async def consecutive_failures(self, info: Info) -> int:
        """Batched."""
        return await resolvers.consecutive_failures(info.context, self.row.id)

    @strawberry.field(description="Its newest execution by queuedAt. Null if it has none.")
    async def last_execution(self, info: Info) -> Annotated[Execution, strawberry.lazy("schema.execution")] | None:
        """Batched."""
        latest = await resolvers.latest_execution(info.context, self.row.id)
        return None if latest is None else execution.Execution.of(latest)

    @strawberry.field(description="Its newest executions by queuedAt, newest first. Read for all workflows at once.")
    async def recent(
        self,
        info: Info,
        first: Annotated[
            int, strawberry.argument(description="Maximum number of executions, 1 to 20. Defaults to 20.")
        ] = executions.MAX_RECENT,
    ) -> list[Annotated[Execution, strawberry.lazy("schema.execution")]]:
        """Batched."""
        found = await resolvers.recent_executions(info.context, self.row.id, partial(_recent_size, first))
        return [execution.Execution.of(row) for row in found]

    @strawberry.field(
        description=(
            "The median time between two of its newest 20 runs, or half its longest pause before, whichever is longer,"
            " in milliseconds. Without retries. Null for fewer than five runs, and for runs that all came within half"
            " an hour, in one burst."
        )
    )
    async def usual_gap_ms(self, info: Info) -> float | None:
        """Batched."""
        return milliseconds_of(await resolvers.usual_gap(info.context, self.row.id))

    @strawberry.field(
        description="Whether its newest run, without retries, was queued more than three times usualGapMs ago."
    )
    async def overdue(self, info: Info) -> bool:
        """Batched."""
        return await resolvers.is_overdue(info.context, self.row.id)

    @strawberry.field(
        description="Its executions, as in Query.executions. The filter's workflow conditions apply too.",
        metadata=READS_EXECUTIONS,
    )
    async def executions(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        order_by: ExecutionOrder | None = DEFAULT_ORDER,
        filter: ExecutionFilter | None = None,
    ) -> Annotated[ExecutionConnection, strawberry.lazy("schema.execution_list")]:
        """One page of this workflow's executions."""

        def where() -> executions.ExecutionFilter:
            return within_workflow(ExecutionFilter.where(filter), self.row.id)

        order, request = partial(ExecutionOrder.order, order_by), partial(PageRequest, first, after, last, before)
        listed = await execution_resolvers.list_executions(
            *(info.context, where, order, request),
            follows=selects(info, "updatesCursor"),
            columns=selected_columns(info),
        )
        return execution_list.ExecutionConnection.of(listed)

    @strawberry.field(description="Its figures, as in Query.metrics. The filter's workflow condition applies too.")
    async def metrics(
        self,
        info: Info,
        filter: MetricsFilter | None = None,
        bucket: Bucket = None,
        time_zone: TimeZone = "UTC",
    ) -> Annotated[ExecutionMetrics, strawberry.lazy("schema.metrics")]:
        """Figures of this workflow."""
        return await metrics.ExecutionMetrics.read(
            info, lambda: MetricsFilter.where(filter).of_workflow(self.row.id), bucket, time_zone
        )


def _recent_size(first: int) -> int:
    return PageRequest(first=first, most=executions.MAX_RECENT).size


@strawberry.type(description="A workflow in a list.")
class WorkflowEdge(Edge[workflows.Workflow, Workflow]):
    """A workflow in a list."""

    cursor: str = strawberry.field(description="Cursor of this row. Opaque.", metadata=CURSOR)
    node: Workflow = strawberry.field(description="The workflow.", metadata={PROJECTION: Part(Workflow.of)})


@strawberry.type(description="A page of workflows by name, sorted by code points.")
class WorkflowConnection(Connection[workflows.Workflow]):
    """A page of workflows."""

    edges: list[WorkflowEdge] = edges(WorkflowEdge, Workflow.of, "The workflows with their cursors.")
    nodes: list[Workflow] = nodes(Workflow.of, "The workflows.")
    total_count: Count = counted()


__all__ = ["Workflow", "WorkflowConnection", "WorkflowEdge"]
