"""The filter of figures: which executions count, in a window of their queuedAt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from app import clock
from app.errors import BadInput
from app.executions.filters import ExecutionFilter

DEFAULT_WINDOW = clock.DAY
# A year, and what a comparison with the year before needs.
MAX_WINDOW = 400 * clock.DAY


@dataclass(frozen=True, slots=True)
class MetricsFilter:
    """Which executions count, and when; None does not constrain. Raises what ExecutionFilter raises."""

    executions: ExecutionFilter
    start: int  # µs since the epoch, inclusive
    end: int  # µs since the epoch, exclusive

    @classmethod
    def of(
        cls,
        workflow_ids: tuple[str, ...] | None = None,
        engines: tuple[str, ...] | None = None,
        trigger_kinds: tuple[str, ...] | None = None,
        start: int | None = None,
        end: int | None = None,
        now: int | None = None,
    ) -> MetricsFilter:
        """With the defaults filled in: the window ends `now`, and is 24 hours long. BadInput for an invalid window."""
        end = (now or clock.now_us()) if end is None else end
        start = end - DEFAULT_WINDOW if start is None else start
        check_window(start, end)
        where = ExecutionFilter(
            workflow_ids=workflow_ids, engines=engines, trigger_kinds=trigger_kinds, queued_from=start, queued_to=end
        )
        return cls(where, start, end)

    def of_workflow(self, workflow_id: str) -> MetricsFilter:
        """The same, of one workflow."""
        return self.of_workflows((workflow_id,))

    def of_workflows(self, workflow_ids: Iterable[str]) -> MetricsFilter:
        """The same, of some workflows."""
        allowed = self.executions.workflow_ids
        ids = tuple(id_ for id_ in workflow_ids if allowed is None or id_ in allowed)
        return replace(self, executions=replace(self.executions, workflow_ids=ids))

    def before(self) -> MetricsFilter | None:
        """The same for a window of the same length right before; None if that began before 1970."""
        start, end = self.start - (self.end - self.start), self.start
        if start < 0:
            return None
        return MetricsFilter(replace(self.executions, queued_from=start, queued_to=end), start, end)


def check_window(start: int, end: int, start_name: str = "filter.from", end_name: str = "filter.to") -> None:
    """BadInput for an invalid or too long window."""
    if start >= end:
        raise BadInput(f"{start_name}: must be before {end_name}")
    if start < 0:
        raise BadInput(f"{start_name}: before 1970")
    if end - start > MAX_WINDOW:
        raise BadInput(f"{start_name} and {end_name}: at most {MAX_WINDOW // clock.DAY} days apart")
