"""The filter of executions: a value that is passed whole.

All given fields must match. A tuple matches any of its values, () matches nothing, None does not constrain.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from app.errors import BadInput, LimitExceeded
from app.executions.searching import check_search
from app.ids import is_id
from app.lifecycle import STATES_OF, State, Status
from app.paging.search import check_text

# Clients send a filter again with every page, and every live update is tested against it. Nobody picks this many by
# hand.
MAX_FILTER_VALUES = 500

_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """Which executions to read. Raises BadInput or LimitExceeded for invalid values."""

    ids: tuple[str, ...] | None = None
    external_ids: tuple[str, ...] | None = None
    statuses: tuple[Status, ...] | None = None
    states: tuple[State, ...] | None = None
    workflow_ids: tuple[str, ...] | None = None
    workflow_names: tuple[str, ...] | None = None
    exclude_workflow_names: tuple[str, ...] | None = None
    engines: tuple[str, ...] | None = None  # by name
    trigger_kinds: tuple[str, ...] | None = None
    exclude_trigger_kinds: tuple[str, ...] | None = None
    queued_from: int | None = None  # µs since the epoch, inclusive
    queued_to: int | None = None  # µs since the epoch, exclusive
    min_duration: int | None = None  # µs, inclusive
    max_duration: int | None = None  # µs, inclusive
    failed_step_names: tuple[str, ...] | None = None
    error_group_ids: tuple[str, ...] | None = None
    unresolved: bool | None = None  # failed, and not resolved: Execution.unresolved
    retry_of: str | None = None  # the id of the retried execution
    root_id: str | None = None  # the id of an original, which matches too
    bulk_retry_id: str | None = None  # the bulk retry that made them
    search: str | None = None  # a substring of workflow name, external id or error message, in any case

    def __post_init__(self) -> None:
        texts = {
            "workflowName": self.workflow_names,
            "excludeWorkflowName": self.exclude_workflow_names,
            "engine": self.engines,
            "triggerKind": self.trigger_kinds,
            "excludeTriggerKind": self.exclude_trigger_kinds,
            "externalId": self.external_ids,
            "failedStepName": self.failed_step_names,
        }
        singles = {"retryOf": self.retry_of, "rootExecutionId": self.root_id, "bulkRetryId": self.bulk_retry_id}
        id_lists = {
            "id": self.ids,
            "workflowId": self.workflow_ids,
            "errorGroupId": self.error_group_ids,
            **{name: None if id_ is None else (id_,) for name, id_ in singles.items()},
        }
        for name, values in {"status": self.statuses, "state": self.states, **id_lists, **texts}.items():
            if values is not None and len(values) > MAX_FILTER_VALUES:
                raise LimitExceeded(f"filter.{name}: at most {MAX_FILTER_VALUES} values, not {len(values)}")
        for name, names in texts.items():
            for text in names or ():
                check_text(f"filter.{name}", text)
        for name, ids in id_lists.items():
            if not all(map(is_id, ids or ())):
                raise BadInput(f"filter.{name}: not an id")
        check_search(self.search, "filter.search")
        _check_range("filter.queuedFrom", self.queued_from, "filter.queuedTo", self.queued_to)
        _check_range("filter.minDurationMs", self.min_duration, "filter.maxDurationMs", self.max_duration)

    @property
    def allowed_states(self) -> frozenset[State] | None:
        """The states that satisfy `statuses`, `states` and `unresolved`; None if that is every state."""
        if self.statuses is None and self.states is None and not self.unresolved:
            return None
        allowed = set(State)
        if self.statuses is not None:
            allowed &= {state for status in self.statuses for state in STATES_OF[status]}
        if self.states is not None:
            allowed &= set(self.states)
        if self.unresolved:
            allowed &= set(STATES_OF[Status.FAILURE])
        return None if len(allowed) == len(State) else frozenset(allowed)

    @property
    def names_executions(self) -> bool:
        """Whether it lists executions, or what they are retries of: few match, whatever else it asks."""
        by_id = self.ids is not None or self.external_ids is not None
        return by_id or self.retry_of is not None or self.bulk_retry_id is not None

    @property
    def names_workflows(self) -> bool:
        """Whether it constrains workflows by more than their ids. Excluding () excludes nothing."""
        return not (self.workflow_names is self.engines is None) or bool(self.exclude_workflow_names)


def _check_range(low_name: str, low: int | None, high_name: str, high: int | None) -> None:
    for name, value in ((low_name, low), (high_name, high)):
        if value is not None and value not in _INT64:
            raise BadInput(f"{name}: out of range")
    if low is not None and high is not None and low > high:
        raise BadInput(f"{low_name}: greater than {high_name}")


# Constrains nothing: what most lists ask for.
EVERYTHING = ExecutionFilter()


def described(wanted: ExecutionFilter) -> dict[str, object]:
    """The filter as plain values, for a record of it."""
    given = {name: getattr(wanted, name) for name in ExecutionFilter.__dataclass_fields__}
    return {name: _plain(value) for name, value in given.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.name if isinstance(value, Enum) else value
