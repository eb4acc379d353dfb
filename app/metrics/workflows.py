"""Figures of a window for each workflow: those to look at first, and pages of all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from zoneinfo import ZoneInfo

from app import workflows
from app.db import Database
from app.metrics import figures
from app.metrics.figures import Figures, Point
from app.metrics.filters import MetricsFilter
from app.metrics.windows import Bucket
from app.metrics.zones import Division
from app.paging import Page, PageRequest, read_page
from app.paging.keyset import Ordering, Position, Segment
from app.workflows import Workflow


@dataclass(frozen=True, slots=True)
class WorkflowFigures:
    """Figures of one workflow in a window. `points` and `before` are empty unless asked for."""

    workflow: Workflow
    figures: Figures
    points: Sequence[Point] = ()
    before: Figures | None = None  # of the window of the same length before


@dataclass(frozen=True, slots=True)
class Parts:
    """What is read of each workflow beside its figures in the window."""

    bucket: Bucket | None = None
    zone: ZoneInfo | None = None
    points: bool = False
    before: bool = False
    histograms: bool = False


class Order(Enum):
    """Order of workflows: those to look at first. Workflows without the figure come last."""

    FAILED = "most failures"
    TOTAL = "most executions"
    SUCCESS_RATE = "lowest success rate"
    AVERAGE_DURATION = "longest average duration"
    P95_DURATION = "longest p95 of the duration"


def _success_rate(found: Figures) -> int | None:
    both = found.succeeded.count + found.failed.count
    return found.succeeded.count * 10**12 // both if both else None


def _average(found: Figures) -> int | None:
    return found.ran.duration_sum // found.ran.timed if found.ran.timed else None


# Whole numbers, which a cursor can carry.
_KEYS: dict[Order, Callable[[Figures], int | None]] = {
    Order.FAILED: lambda found: found.failed.count,
    Order.TOTAL: lambda found: found.total,
    Order.SUCCESS_RATE: _success_rate,
    Order.AVERAGE_DURATION: _average,
    Order.P95_DURATION: lambda found: found.ran.histogram.quantile(0.95),
}
_ORDERINGS = {
    order: Ordering(
        f"workflowMetrics.{order.name}", "", descending=order is not Order.SUCCESS_RATE,
        nullable=order not in (Order.FAILED, Order.TOTAL),
    )
    for order in Order
}  # fmt: skip


async def by_workflow(
    database: Database, where: MetricsFilter, order: Order, first: int, parts: Parts = Parts(histograms=True)
) -> list[WorkflowFigures]:
    """The `first` workflows with executions in a window; ties in the order of ids, as the sort goes.

    Raises LimitExceeded when the window has too much in it.
    """
    found = await _figures(database, where, order, parts)
    page = await _page({id_: each for id_, each in found.items() if each.total}, order, PageRequest(first=first))
    known = await workflows.by_ids(database, [id_ for id_, _ in page.items])
    # One that retention has just deleted has figures, and no row.
    some = [WorkflowFigures(known[id_], each) for id_, each in page.items if id_ in known]
    return await _completed(database, where, some, parts)


async def list_page(
    database: Database, where: MetricsFilter, order: Order, search: str | None, request: PageRequest, parts: Parts
) -> Page[WorkflowFigures]:
    """A page of the workflows and engines of a filter, also of those without executions in its window.

    `search` is a text that their names contain. Raises BadInput for a cursor of another list or an invalid text,
    LimitExceeded when the window has too much in it.
    """
    every = {each.id: each for each in await matching(database, where, search)}
    found = await _figures(database, where, order, parts) if every else {}
    page = await _page({id_: found.get(id_, Figures()) for id_ in every}, order, request)
    shown = [WorkflowFigures(every[id_], each) for id_, each in page.items]
    return page.of(await _completed(database, where, shown, parts), lambda each: (each.workflow.id, each.figures))


async def matching(database: Database, where: MetricsFilter, search: str | None) -> list[Workflow]:
    """The workflows and engines of a filter, of those whose name contains `search`."""
    wanted = where.executions
    return await workflows.find(database, wanted.workflow_ids, wanted.engines, search)


async def _figures(database: Database, where: MetricsFilter, order: Order, parts: Parts) -> dict[str, Figures]:
    histograms = parts.histograms or order is Order.P95_DURATION
    return await figures.read(database, where, "workflow", histograms=histograms)


async def _page(found: dict[str, Figures], order: Order, request: PageRequest) -> Page[tuple[str, Figures]]:
    """Sorted here: figures are summed of rollups, deltas and runs after the database has answered."""
    key = _KEYS[order]

    def position(each: tuple[str, Figures]) -> Position:
        return Position(key(each[1]), each[0])

    every = [position(each) for each in found.items()]

    async def read(segment: Segment) -> list[tuple[str, Figures]]:
        return [(str(each.id), found[str(each.id)]) for each in segment.among(every)]

    return await read_page(_ORDERINGS[order], request, read, position)


async def _completed(
    database: Database, where: MetricsFilter, page: Sequence[WorkflowFigures], parts: Parts
) -> list[WorkflowFigures]:
    """With what else is read of the workflows of a page, each part in one statement."""
    ids = [each.workflow.id for each in page]
    points: dict[str, list[Point]] = {}
    before: dict[str, Figures] = {}
    earlier = where.before()
    if parts.points and ids:
        bucket = parts.bucket or Bucket.fitting(where.start, where.end)
        division = Division.of(parts.zone, parts.bucket, where.start, where.end)
        points = await figures.trends(database, where, bucket, division, ids, histograms=parts.histograms)
    if parts.before and earlier is not None and ids:
        ours = earlier.of_workflows(ids)
        before = await figures.read(database, ours, "workflow", histograms=parts.histograms)
    return [
        replace(
            each,
            points=points.get(each.workflow.id, ()),
            before=None if earlier is None else before.get(each.workflow.id, Figures()),
        )
        for each in page
    ]
