"""What can be asked of lists of executions, and its conversion into app's values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import TypeVar

import strawberry

from app import executions
from app.executions import OrderField
from app.lifecycle import State, Status
from schema.scalars import DateTime, local_id, microseconds

# State and Status too: a type that uses an enum before this module has named it gets another enum of Strawberry's own.
__all__ = [
    "DEFAULT_ORDER",
    "ExecutionFilter",
    "ExecutionOrder",
    "OrderDirection",
    "State",
    "Status",
    "filter_tuple",
    "within_workflow",
]

T = TypeVar("T")
V = TypeVar("V")

strawberry.enum(
    Status,
    name="ExecutionStatus",
    description="What an administrator reads. PENDING: not finished. CANCELLED is neither success nor failure.",
)
strawberry.enum(
    State,
    name="ExecutionState",
    description="What the engine last reported. CONTACT_LOST: it fell silent; Runwatch's own word, and not a failure.",
)
strawberry.enum(
    OrderField,
    name="ExecutionOrderField",
    description="What to sort by. STATUS sorts in the order of its enum, WORKFLOW_NAME by code points.",
)


@strawberry.enum(description="Nulls sort last in both directions; ids break ties in the direction of the sort.")
class OrderDirection(Enum):
    """The direction of a sort."""

    ASC = "ASC"
    DESC = "DESC"


@strawberry.input(description="How to sort executions.")
class ExecutionOrder:
    """How to sort executions."""

    field: OrderField = strawberry.field(description="What to sort by.")
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.DESC, description="ASC or DESC; nulls sort last in both."
    )

    @staticmethod
    def order(given: ExecutionOrder | None) -> executions.ExecutionOrder:
        """As app has it; the default when null is given."""
        given = given or DEFAULT_ORDER
        return executions.ExecutionOrder(given.field, given.direction is OrderDirection.DESC)


DEFAULT_ORDER = ExecutionOrder(field=OrderField.QUEUED_AT, direction=OrderDirection.DESC)


@strawberry.input(
    description="Which executions. All given fields must hold; a list means any of it, [] matches nothing, null is no"
    " constraint."
)
class ExecutionFilter:
    """Which executions."""

    status: list[Status] | None = strawberry.field(default=None, description="Any of these.")
    state: list[State] | None = strawberry.field(default=None, description="Any of these.")
    workflow_id: list[strawberry.ID] | None = strawberry.field(default=None, description="Runs of these workflows.")
    workflow_name: list[str] | None = strawberry.field(
        default=None, description="Runs of workflows with one of these names, of any engine."
    )
    exclude_workflow_name: list[str] | None = strawberry.field(
        default=None, description="No runs of workflows with one of these names."
    )
    engine: list[str] | None = strawberry.field(default=None, description="Runs of the engines with these names.")
    trigger_kind: list[str] | None = strawberry.field(default=None, description="Runs set off by these kinds.")
    queued_from: DateTime | None = strawberry.field(default=None, description="queuedAt is this or later.")
    queued_to: DateTime | None = strawberry.field(default=None, description="queuedAt is before this.")
    min_duration_ms: float | None = strawberry.field(
        default=None, description="durationMs is at least this; runs without a duration do not match."
    )
    max_duration_ms: float | None = strawberry.field(
        default=None, description="durationMs is at most this; runs without a duration do not match."
    )
    failed_step_name: list[str] | None = strawberry.field(
        default=None, description="Failed runs whose failedStep has one of these names."
    )
    error_group_id: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Failed runs of these error groups."
    )
    unresolved: bool | None = strawberry.field(
        default=None, description="true: failed, and no retry of it has succeeded, however deep; false: all others."
    )
    retry_of: strawberry.ID | None = strawberry.field(default=None, description="Direct retries of this execution.")
    search: str | None = strawberry.field(
        default=None, description="A part of workflow name, external id or error message; case does not matter."
    )

    @staticmethod
    def where(given: ExecutionFilter | None) -> executions.ExecutionFilter:
        """As app has it; BadInput when it cannot be meant."""
        if given is None:
            return executions.ExecutionFilter()
        return executions.ExecutionFilter(
            statuses=filter_tuple(given.status),
            states=filter_tuple(given.state),
            workflow_ids=filter_tuple(given.workflow_id, lambda id_: local_id("workflow", id_)),
            workflow_names=filter_tuple(given.workflow_name),
            exclude_workflow_names=filter_tuple(given.exclude_workflow_name),
            engines=filter_tuple(given.engine),
            trigger_kinds=filter_tuple(given.trigger_kind),
            queued_from=given.queued_from,
            queued_to=given.queued_to,
            min_duration=microseconds("minDurationMs", given.min_duration_ms, up=True),
            max_duration=microseconds("maxDurationMs", given.max_duration_ms, up=False),
            failed_step_names=filter_tuple(given.failed_step_name),
            error_group_ids=filter_tuple(given.error_group_id, lambda id_: local_id("errorGroup", id_)),
            unresolved=given.unresolved,
            retry_of=None if given.retry_of is None else local_id("execution", given.retry_of),
            search=given.search,
        )


def within_workflow(where: executions.ExecutionFilter, workflow_id: str) -> executions.ExecutionFilter:
    """The filter, narrowed to one workflow."""
    allowed = where.workflow_ids is None or workflow_id in where.workflow_ids
    return replace(where, workflow_ids=(workflow_id,) if allowed else ())


def filter_tuple(values: list[T] | None, convert: Callable[[T], V] | None = None) -> tuple[V, ...] | None:
    """A list of a filter as app has it, each value converted."""
    if values is None:
        return None
    return tuple(values if convert is None else map(convert, values))  # type: ignore[arg-type]  # T is V without convert
