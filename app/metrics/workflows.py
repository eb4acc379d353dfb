"""Figures of a window for each workflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from app.db import Database
from app.metrics import figures
from app.metrics.figures import Figures
from app.metrics.filters import MetricsFilter


@dataclass(frozen=True, slots=True)
class WorkflowFigures:
    """Figures of one workflow in a window."""

    workflow_id: str
    figures: Figures


class Order(Enum):
    """Order of workflows: those to look at first. Workflows without the figure come last."""

    FAILED = "most failures"
    TOTAL = "most executions"
    SUCCESS_RATE = "lowest success rate"
    AVERAGE_DURATION = "longest average duration"


_KEYS: dict[Order, Callable[[Figures], float | None]] = {
    Order.FAILED: lambda figures: -figures.failed.count,
    Order.TOTAL: lambda figures: -figures.total,
    Order.SUCCESS_RATE: lambda figures: figures.success_rate,
    Order.AVERAGE_DURATION: lambda figures: None if (average := figures.ran.average) is None else -average,
}


async def by_workflow(
    database: Database, where: MetricsFilter, order: Order, first: int, *, histograms: bool = True
) -> list[WorkflowFigures]:
    """The `first` workflows with executions in a window, in one statement; ties in id order.

    Raises LimitExceeded when the window has too much in it.
    """
    found = await figures.read(database, where, "workflow", histograms=histograms)
    key = _KEYS[order]

    def place(each: WorkflowFigures) -> tuple[bool, float, str]:
        value = key(each.figures)
        return value is None, value or 0, each.workflow_id

    every = [WorkflowFigures(workflow_id, figures) for workflow_id, figures in found.items() if figures.total]
    return sorted(every, key=place)[:first]
