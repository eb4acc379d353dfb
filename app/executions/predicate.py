"""The filter of executions again, as a predicate on one row: live updates are tested with it.

It agrees with the SQL of app/executions/filters.py; tests compare the two over random rows and filters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from app.executions import Execution
from app.executions.filters import ExecutionFilter
from app.paging.search import search_text, searchable

Predicate = Callable[[Execution], bool]


def predicate(
    wanted: ExecutionFilter, engine_names: Mapping[str, str], fingerprints: Mapping[str, Collection[str]]
) -> Predicate:
    """Whether an execution matches.

    `engine_names` has the names of engines by id, `fingerprints` those that the ids of error groups stand for, but for
    ids that stand for themselves alone. Both may be added to.
    """
    tests: list[Predicate] = []

    def any_of(values: tuple[object, ...] | None, value: Callable[[Execution], object]) -> None:
        if values is not None:
            given = frozenset(values)
            tests.append(lambda row: value(row) in given)

    any_of(wanted.ids, lambda row: row.id)
    any_of(wanted.external_ids, lambda row: row.external_id)
    any_of(wanted.statuses, lambda row: row.status)
    any_of(wanted.states, lambda row: row.state)
    any_of(wanted.workflow_ids, lambda row: row.workflow_id)
    any_of(wanted.workflow_names, lambda row: row.workflow_name)
    any_of(wanted.engines, lambda row: engine_names.get(row.engine_id))
    any_of(wanted.trigger_kinds, lambda row: row.trigger_kind)
    any_of(wanted.failed_step_names, lambda row: row.failed_step_name)
    if (groups := wanted.error_group_ids) is not None:
        tests.append(lambda row: any(row.error_group_id in fingerprints.get(id_, (id_,)) for id_ in groups))
    if wanted.exclude_trigger_kinds:
        unwanted = frozenset(wanted.exclude_trigger_kinds)
        tests.append(lambda row: row.trigger_kind not in unwanted)
    if wanted.exclude_workflow_names:
        excluded = frozenset(wanted.exclude_workflow_names)
        tests.append(lambda row: row.workflow_name not in excluded)
    if wanted.unresolved is not None:
        tests.append(lambda row: row.unresolved is wanted.unresolved)
    if wanted.retry_of is not None:
        tests.append(lambda row: row.retry_of == wanted.retry_of)
    if wanted.root_id is not None:
        tests.append(lambda row: (row.root_id or row.id) == wanted.root_id)
    if wanted.bulk_retry_id is not None:
        tests.append(lambda row: row.bulk_retry_id == wanted.bulk_retry_id)
    tests += _ranges(wanted)
    if wanted.search:
        term = searchable(wanted.search)
        tests.append(lambda row: term in search_text(row.workflow_name, row.external_id, row.error_message))
    return lambda row: all(test(row) for test in tests)


def _ranges(wanted: ExecutionFilter) -> list[Predicate]:
    tests: list[Predicate] = []
    low, high = wanted.queued_from, wanted.queued_to
    if low is not None:
        tests.append(lambda row: row.queued_at >= low)
    if high is not None:
        tests.append(lambda row: row.queued_at < high)
    shortest, longest = wanted.min_duration, wanted.max_duration
    if shortest is not None:
        tests.append(lambda row: row.duration is not None and row.duration >= shortest)
    if longest is not None:
        tests.append(lambda row: row.duration is not None and row.duration <= longest)
    return tests
