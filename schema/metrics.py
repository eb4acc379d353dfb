"""Figures of executions: how many, how they ended, how long they took."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, TypedDict

import strawberry

from app.lifecycle import Status
from app.metrics.filters import MetricsFilter
from app.metrics.of_executions import Trend
from app.metrics.report import MetricsReport
from app.metrics.workflows import Order
from resolvers import error_groups as error_group_resolvers
from resolvers import metrics as resolvers
from resolvers.arguments import Argument
from schema.context import Info
from schema.error_group import ErrorGroup
from schema.figures import (
    CANCELLED,
    PERCENTILES,
    SUCCEEDED,
    Counted,
    DurationStats,
    MetricsPoint,
    percent,
)
from schema.mentions import mentions
from schema.metrics_input import CUT_HOURS, MetricsBucket
from schema.paging import CountKind, size_of
from schema.scalars import DateTime
from schema.workflow_metrics import WorkflowMetrics, parts_of


@strawberry.type(description="An error group with its number of failures in a window.")
class ErrorCount:
    """An error group in a window."""

    group: ErrorGroup = strawberry.field(description="The error group.")
    count: int = strawberry.field(description="Number of its failures in the window.")


Top = Annotated[int, strawberry.argument(description="Maximum number of entries, 1 to 100.")]


class ReportParts(TypedDict):
    """What is read of figures beside counts and means."""

    points: bool
    histograms: bool


def report_parts(info: Info) -> ReportParts:
    """What the operation selects of them."""
    return {"points": mentions(info, ("trend",)), "histograms": mentions(info, PERCENTILES)}


@strawberry.type(
    description=(
        "Figures of the executions whose queuedAt is in [from, to). They agree with the list for the"
        " same filter. Pruned executions may still count, in whole hours."
    )
)
class ExecutionMetrics(Counted):
    """Figures of a window."""

    report: strawberry.Private[MetricsReport]
    from_: DateTime = strawberry.field(name="from", description="Start of the window, inclusive.")
    to: DateTime = strawberry.field(description="End of the window, exclusive.")

    @classmethod
    async def read(
        cls, info: Info, where: Argument[MetricsFilter], bucket: MetricsBucket | None, time_zone: str
    ) -> ExecutionMetrics:
        """What the operation selects, as of one moment."""
        report = await resolvers.measure(
            info.context, where, MetricsBucket.bucket(bucket), time_zone, **report_parts(info)
        )
        return cls.of(report)

    @classmethod
    def of(cls, report: MetricsReport) -> ExecutionMetrics:
        """From app's report."""
        start, end = DateTime(report.where.start), DateTime(report.where.end)
        return cls(figures=report.figures, report=report, from_=start, to=end)

    @strawberry.field(description="Number of unfinished executions.")
    def pending(self) -> int:
        """PENDING."""
        return self.figures.pending

    @strawberry.field(description=SUCCEEDED)
    def succeeded(self) -> int:
        """SUCCESS."""
        return self.figures.succeeded.count

    @strawberry.field(description=CANCELLED)
    def cancelled(self) -> int:
        """CANCELLED."""
        return self.figures.cancelled.count

    @strawberry.field(description="succeeded / (succeeded + failed) * 100. Null if both are 0.")
    def success_rate_percent(self) -> float | None:
        """In per cent."""
        figures = self.figures
        return percent(figures.succeeded.count, figures.failed.count)

    @strawberry.field(description="Durations by status.")
    def durations(
        self,
        status: Annotated[
            Status | None, strawberry.argument(description="Status to measure. Null: SUCCESS and FAILURE.")
        ] = None,
    ) -> DurationStats:
        """By status."""
        figures = self.figures
        return DurationStats(outcome=figures.ran if status is None else figures.of(status))

    @strawberry.field(description="Every bucket of the window, empty ones included, oldest first. At most 1,500.")
    def trend(self) -> list[MetricsPoint]:
        """Of the same moment as the figures."""
        return [MetricsPoint.of(point) for point in self.report.points]

    @strawberry.field(description=CUT_HOURS)
    def cut_hours(self) -> bool:
        """Of the trend."""
        return self.report.cut_hours

    @strawberry.field(description="Error groups with the most failures in the window, most frequent first.")
    async def top_errors(self, info: Info, first: Top = 10) -> list[ErrorCount]:
        """Groups that still have an execution."""
        counts = await resolvers.top_errors(info.context, self.report.where, partial(size_of, first))
        groups = await asyncio.gather(*(error_group_resolvers.find_error_group(info.context, id_) for id_, _ in counts))
        return [
            ErrorCount(group=ErrorGroup.of(group), count=count)
            for group, (_, count) in zip(groups, counts, strict=True)
            if group is not None
        ]

    @strawberry.field(description="Workflows with executions in the window.")
    async def by_workflow(
        self,
        info: Info,
        first: Top = 20,
        order_by: Annotated[
            Order,
            strawberry.argument(description="Order. SUCCESS_RATE: least first; the others: greatest first."),
        ] = Order.FAILED,
    ) -> list[WorkflowMetrics]:
        """Those to look at first."""
        size, parts = partial(size_of, first), parts_of(info, self.report.bucket, self.report.zone, listed=False)
        found = await resolvers.measure_workflows(info.context, self.report.where, order_by, size, parts)
        return [WorkflowMetrics.of(each) for each in found]


@strawberry.type(description="Trend of a list of executions.")
class ExecutionHistogram:
    """Trend of a list of executions."""

    from_: DateTime = strawberry.field(name="from", description="Start of the window, inclusive.")
    to: DateTime = strawberry.field(description="End of the window, exclusive.")
    points: list[MetricsPoint] = strawberry.field(
        description="Every bucket of the window, empty ones included, oldest first. At most 1,500."
    )
    kind: CountKind = strawberry.field(
        description=(
            "EXACT, or AT_LEAST if counting stopped at 100,000 executions. Counting goes from the newest back."
        )
    )
    cut_hours: bool = strawberry.field(description=CUT_HOURS)

    @classmethod
    def of(cls, trend: Trend) -> ExecutionHistogram:
        """From app's trend."""
        return cls(
            from_=DateTime(trend.points[0].start),
            to=DateTime(trend.points[-1].end),
            points=[MetricsPoint.of(point) for point in trend.points],
            kind=CountKind.EXACT if trend.exact else CountKind.AT_LEAST,
            cut_hours=trend.cut_hours,
        )
