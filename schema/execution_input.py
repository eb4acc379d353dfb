"""Inputs of lists of executions, and their conversion into app's values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import TypeVar

import strawberry

from app import executions
from app.executions import OrderField
from app.lifecycle import State, Status, TimeMark
from schema.scalars import DateTime, local_id, local_or_none, microseconds

# State and Status too: a type that uses an enum before this module has named it gets another enum of Strawberry's own.
__all__ = [
    "DEFAULT_ORDER",
    "ExecutionFilter",
    "ExecutionOrder",
    "OrderDirection",
    "State",
    "Status",
    "TimeMark",
    "filter_tuple",
    "within_workflow",
]

T = TypeVar("T")
V = TypeVar("V")

strawberry.enum(
    Status,
    name="ExecutionStatus",
    description=(
        "Status for administrators. Follows from the state. PENDING: QUEUED, RUNNING, WAITING or CONTACT_LOST."
        " SUCCESS: SUCCEEDED. FAILURE: FAILED, TIMED_OUT or CRASHED. CANCELLED: CANCELLED or SKIPPED, which count"
        " neither as success nor as failure."
    ),
)
strawberry.enum(
    State,
    name="ExecutionState",
    description=(
        "State that the engine last reported. QUEUED: accepted, not started. RUNNING: at work. WAITING: paused by"
        " itself. CONTACT_LOST: RUNNING and silent for too long; set by Runwatch, and not a failure. SUCCEEDED:"
        " ended as it should. FAILED: ended with an error. TIMED_OUT: ended by a time limit. CRASHED: its process"
        " died. CANCELLED: ended because somebody asked for it. SKIPPED: ended without having been needed."
    ),
)
strawberry.enum(
    TimeMark,
    name="TimeMark",
    description=(
        "What is odd about the times of a run. ASSUMED_UTC: the engine sent a time without a zone, which was taken as"
        " UTC. CLOCK_AHEAD: the engine sent a time that was not over yet; its receipt is shown in its place, and"
        " durationMs is by the engine's clock if that was ahead at both ends. STARTED_BEFORE_QUEUED: by clocks that"
        " disagree; queueMs is null."
        " FINISHED_BEFORE_STARTED: likewise; durationMs is null, and no figure counts it."
    ),
)
strawberry.enum(
    OrderField,
    name="ExecutionOrderField",
    description="Sort key. STATUS sorts in the order of the enum ExecutionStatus, WORKFLOW_NAME by code points.",
)


@strawberry.enum(description="Sort direction. Nulls sort last in both. Ids break ties in the direction of the sort.")
class OrderDirection(Enum):
    """The direction of a sort."""

    ASC = "ASC"
    DESC = "DESC"


@strawberry.input(description="Order of a list of executions.")
class ExecutionOrder:
    """Order of a list of executions."""

    field: OrderField = strawberry.field(description="Sort key.")
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.DESC, description="ASC or DESC. Defaults to DESC. Nulls sort last in both."
    )

    @staticmethod
    def order(given: ExecutionOrder | None) -> executions.ExecutionOrder:
        """As app's value; the default for null."""
        given = given or DEFAULT_ORDER
        return executions.ExecutionOrder(given.field, given.direction is OrderDirection.DESC)


DEFAULT_ORDER = ExecutionOrder(field=OrderField.QUEUED_AT, direction=OrderDirection.DESC)


@strawberry.input(
    description=(
        "Filter for executions. All given fields must match. A list matches any of its values; []"
        " matches nothing; null does not constrain. A list takes at most 500 values."
    )
)
class ExecutionFilter:
    """Filter."""

    id: list[strawberry.ID] | None = strawberry.field(default=None, description="These executions, by global id.")
    external_id: list[str] | None = strawberry.field(
        default=None, description="Runs with one of these external ids, in any engine."
    )
    status: list[Status] | None = strawberry.field(default=None, description="Runs with one of these values.")
    state: list[State] | None = strawberry.field(default=None, description="Runs with one of these values.")
    workflow_id: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Runs of these workflows, by global id."
    )
    workflow_name: list[str] | None = strawberry.field(
        default=None, description="Runs of workflows with one of these names, in any engine."
    )
    exclude_workflow_name: list[str] | None = strawberry.field(
        default=None, description="Excludes runs of workflows with one of these names."
    )
    engine: list[str] | None = strawberry.field(default=None, description="Runs of engines with one of these names.")
    trigger_kind: list[str] | None = strawberry.field(
        default=None, description="Runs with one of these kinds of trigger."
    )
    exclude_trigger_kind: list[str] | None = strawberry.field(
        default=None, description="Excludes runs with one of these kinds of trigger."
    )
    queued_from: DateTime | None = strawberry.field(
        default=None, description="Runs with queuedAt at or after this time."
    )
    queued_to: DateTime | None = strawberry.field(default=None, description="Runs with queuedAt before this time.")
    min_duration_ms: float | None = strawberry.field(
        default=None, description="Minimum durationMs, inclusive. Runs without a duration do not match."
    )
    max_duration_ms: float | None = strawberry.field(
        default=None, description="Maximum durationMs, inclusive. Runs without a duration do not match."
    )
    failed_step_name: list[str] | None = strawberry.field(
        default=None, description="Failed runs whose failedStep has one of these names."
    )
    error_group_id: list[strawberry.ID] | None = strawberry.field(
        default=None,
        description=(
            "Failed runs of these error groups, by global id. An id of older fingerprints means all that its group has"
            " become, except in live updates."
        ),
    )
    unresolved: bool | None = strawberry.field(
        default=None, description="true: failed runs that are not `resolved`. false: all others."
    )
    retry_of: strawberry.ID | None = strawberry.field(
        default=None, description="Direct retries of this execution, by global id."
    )
    bulk_retry_id: strawberry.ID | None = strawberry.field(
        default=None, description="Retries that this bulk retry created, by global id."
    )
    root_execution_id: strawberry.ID | None = strawberry.field(
        default=None,
        description=(
            "The original with this global id, and all retries of it, however deep. The id of a retry matches nothing."
        ),
    )
    search: str | None = strawberry.field(
        default=None,
        description=(
            "Runs whose workflow name, external id or error message contains this text, in any case and width, composed"
            " or not; codes that colour a message are no part of it. At most 1,000 characters. One of less than three"
            " is found by reading runs, newest first, and LIMIT_EXCEEDED says when that takes too long."
        ),
    )

    @staticmethod
    def where(given: ExecutionFilter | None) -> executions.ExecutionFilter:
        """As app's value; BadInput for invalid values."""
        if given is None:
            return executions.EVERYTHING
        return executions.ExecutionFilter(
            ids=filter_tuple(given.id, lambda id_: local_id("filter.id", "execution", id_)),
            external_ids=filter_tuple(given.external_id),
            statuses=filter_tuple(given.status),
            states=filter_tuple(given.state),
            workflow_ids=filter_tuple(given.workflow_id, lambda id_: local_id("filter.workflowId", "workflow", id_)),
            workflow_names=filter_tuple(given.workflow_name),
            exclude_workflow_names=filter_tuple(given.exclude_workflow_name),
            engines=filter_tuple(given.engine),
            trigger_kinds=filter_tuple(given.trigger_kind),
            exclude_trigger_kinds=filter_tuple(given.exclude_trigger_kind),
            queued_from=given.queued_from,
            queued_to=given.queued_to,
            min_duration=microseconds("filter.minDurationMs", given.min_duration_ms, up=True),
            max_duration=microseconds("filter.maxDurationMs", given.max_duration_ms, up=False),
            failed_step_names=filter_tuple(given.failed_step_name),
            error_group_ids=filter_tuple(
                given.error_group_id, lambda id_: local_id("filter.errorGroupId", "errorGroup", id_)
            ),
            unresolved=given.unresolved,
            retry_of=local_or_none("filter.retryOf", "execution", given.retry_of),
            bulk_retry_id=local_or_none("filter.bulkRetryId", "bulkRetry", given.bulk_retry_id),
            root_id=local_or_none("filter.rootExecutionId", "execution", given.root_execution_id),
            search=given.search,
        )


def within_workflow(where: executions.ExecutionFilter, workflow_id: str) -> executions.ExecutionFilter:
    """The filter, narrowed to one workflow."""
    allowed = where.workflow_ids is None or workflow_id in where.workflow_ids
    return replace(where, workflow_ids=(workflow_id,) if allowed else ())


def filter_tuple(values: list[T] | None, convert: Callable[[T], V] | None = None) -> tuple[V, ...] | None:
    """A list of a filter as app's values."""
    if values is None:
        return None
    return tuple(values if convert is None else map(convert, values))  # type: ignore[arg-type]  # T is V without convert
