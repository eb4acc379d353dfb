"""Figures of each workflow in a window: those to look at first, and pages of all workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import strawberry

from app.graphql.compiled.projections import PROJECTION, Part
from app.metrics.windows import Bucket
from app.metrics.workflows import Order, Parts, WorkflowFigures
from schema import workflow  # the module: the two types name each other
from schema.context import Info
from schema.figures import P95, PERCENTILES, Counted, MetricsPoint, percent, quantile
from schema.mentions import mentions, selects
from schema.paging import CURSOR, Connection, Count, Edge, counted, edges, nodes

if TYPE_CHECKING:
    from schema.workflow import Workflow

strawberry.enum(
    Order,
    name="WorkflowMetricsOrder",
    description="Order of workflows. Workflows without the figure come last.",
)


def parts_of(info: Info, bucket: Bucket | None, zone: ZoneInfo | None, *, listed: bool) -> Parts:
    """What is asked for of workflows, which the present field gives itself, or as the nodes of a page."""
    points, before = (mentions(info, (name,)) if listed else selects(info, name) for name in ("trend", "previous"))
    return Parts(bucket, zone, points=points, before=before, histograms=mentions(info, PERCENTILES))


@strawberry.type(description="Fields that figures of a workflow share.")
class _OfWorkflow(Counted):
    """Fields that both share; not a type of the API."""

    @strawberry.field(description="succeeded / (succeeded + failed) * 100. Null if both are 0.")
    def success_rate_percent(self) -> float | None:
        """In per cent."""
        return percent(self.figures.succeeded.count, self.figures.failed.count)

    @strawberry.field(description=P95)
    def p95_duration_ms(self) -> float | None:
        """Within 2 %."""
        return quantile(self.figures.ran, 0.95)


@strawberry.type(description="Figures of one workflow in the window before the one that was asked for.")
class PreviousMetrics(_OfWorkflow):
    """What it was before."""


@strawberry.type(description="Figures of one workflow in a window.")
class WorkflowMetrics(_OfWorkflow):
    """One workflow."""

    found: strawberry.Private[WorkflowFigures]
    workflow: Annotated[Workflow, strawberry.lazy("schema.workflow")] = strawberry.field(description="The workflow.")

    @classmethod
    def of(cls, found: WorkflowFigures) -> WorkflowMetrics:
        """From app's figures."""
        return cls(figures=found.figures, found=found, workflow=workflow.Workflow.of(found.workflow))

    @strawberry.field(
        description="Every bucket of the window, empty ones included, oldest first. Read for all workflows at once."
    )
    def trend(self) -> list[MetricsPoint]:
        """Read with the page."""
        return [MetricsPoint.of(point) for point in self.found.points]

    @strawberry.field(
        description="Figures of the window of the same length right before. Null if that began before 1970."
    )
    def previous(self) -> PreviousMetrics | None:
        """Read with the page."""
        return None if self.found.before is None else PreviousMetrics(figures=self.found.before)


@strawberry.type(description="Figures of a workflow in a list.")
class WorkflowMetricsEdge(Edge[WorkflowFigures, WorkflowMetrics]):
    """Figures of a workflow in a list."""

    cursor: str = strawberry.field(
        description="Cursor of this row. Opaque, and valid only for the list's order.", metadata=CURSOR
    )
    node: WorkflowMetrics = strawberry.field(
        description="The figures.", metadata={PROJECTION: Part(WorkflowMetrics.of)}
    )


@strawberry.type(description="A page of workflows with their figures of a window.")
class WorkflowMetricsConnection(Connection[WorkflowFigures]):
    """A page of figures."""

    edges: list[WorkflowMetricsEdge] = edges(WorkflowMetricsEdge, WorkflowMetrics.of, "The figures with their cursors.")
    nodes: list[WorkflowMetrics] = nodes(WorkflowMetrics.of, "The figures.")
    total_count: Count = counted()
