"""Random executions, filters and orders, and what lists of them should be, in the plainest Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from app.executions import ExecutionFilter, ExecutionOrder, OrderField
from app.lifecycle import State, Status
from tests.factories import NOON, execution_row

MINUTE = 60_000_000
ORDERS = [ExecutionOrder(field, descending) for field in OrderField for descending in (True, False)]
EVERYTHING = ExecutionFilter()

# Few names, so that they tie; out of the order that a language would put them in, and beyond the first plane.
ENGINES = ("alpha", "Beta", "ärger")
NAMES = ("nightly", "Nightly", "ärger", "zürich", "日報", "🚀 launch", "(unknown)")
STEPS = (None, None, "load", "ärger")
GROUPS = (None, "d" * 32, "e" * 32)
# Executions that filters name; all others have random ids.
IDS = tuple(f"{digit}" * 12 + "4" + digit * 3 + "8" + digit * 15 for digit in "012")
MESSAGES = (None, "Timeout after 30 s", "STRASSE gesperrt", "100% of _disk\\used", "Straße")
# (engine, workflow name): the same name on two engines is two workflows.
WORKFLOWS = tuple(
    (f"{engine:032x}", f"{0xF0 + place:032x}", name)
    for place, (engine, name) in enumerate([(engine, name) for engine in (1, 2, 3) for name in NAMES])
)

few_times = st.integers(0, 3).map(lambda minutes: NOON + minutes * MINUTE)
few_durations = st.integers(0, 3).map(lambda seconds: seconds * 1_000_000)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    engine_id, workflow_id, name = draw(st.sampled_from(WORKFLOWS))
    id_ = draw(st.sampled_from(IDS) | st.uuids(version=4).map(lambda each: each.hex))
    return execution_row(
        id=id_,
        external_id=f"run-{id_}",
        engine_id=engine_id,
        workflow_id=workflow_id,
        workflow_name=name,
        trigger_kind=draw(st.sampled_from(("schedule", "manual", "épreuve"))),
        state=draw(st.sampled_from(State)),
        queued_at=draw(few_times),
        started_at=draw(st.none() | few_times),
        finished_at=draw(st.none() | few_times),
        duration=draw(st.none() | few_durations),
        retry_of=draw(st.sampled_from((None, None, "a" * 32, "b" * 32))),
        root_id=draw(st.sampled_from((None, None, "a" * 32, "b" * 32))),
        bulk_retry_id=draw(st.sampled_from((None, None, "a" * 32, "b" * 32))),
        error_message=draw(st.sampled_from(MESSAGES)),
        failed_step_name=draw(st.sampled_from(STEPS)),
        error_group_id=draw(st.sampled_from(GROUPS)),
        retry_succeeded=draw(st.booleans()),
        resolved_by_hand=draw(st.booleans()),
    )


def some(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    """Mostly no constraint; else a few of the values, at times none."""
    return st.none() | st.none() | st.lists(st.sampled_from(list(values)), max_size=3).map(tuple)  # some of them twice


def span(values: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[int | None, int | None]]:
    def in_order(pair: tuple[int | None, int | None]) -> tuple[int | None, int | None]:
        low, high = pair
        return (high, low) if low is not None and high is not None and low > high else pair

    return st.tuples(st.none() | st.none() | values, st.none() | st.none() | values).map(in_order)


@st.composite
def filters(draw: st.DrawFn) -> ExecutionFilter:
    queued, durations = draw(span(few_times)), draw(span(few_durations))
    return ExecutionFilter(
        ids=draw(some((*IDS, "c" * 32))),
        external_ids=draw(some((*(f"run-{id_}" for id_ in IDS), "unheard of"))),
        statuses=draw(some(list(Status))),
        states=draw(some(list(State))),
        workflow_ids=draw(some([id_ for _, id_, _ in WORKFLOWS] + ["c" * 32])),
        workflow_names=draw(some((*NAMES, "unheard of"))),
        exclude_workflow_names=draw(some((*NAMES, "unheard of"))),
        engines=draw(some((*ENGINES, "unheard of"))),
        trigger_kinds=draw(some(("schedule", "manual", "épreuve", "unheard of"))),
        exclude_trigger_kinds=draw(some(("schedule", "manual", "épreuve", "unheard of"))),
        failed_step_names=draw(some((*STEPS[2:], "unheard of"))),
        error_group_ids=draw(some((*GROUPS[1:], "c" * 32))),
        unresolved=draw(st.sampled_from((None, None, True, False))),
        queued_from=queued[0],
        queued_to=queued[1],
        min_duration=durations[0],
        max_duration=durations[1],
        retry_of=draw(st.sampled_from((None, None, None, "a" * 32, "c" * 32))),
        root_id=draw(st.sampled_from((None, None, None, "a" * 32, IDS[0]))),
        bulk_retry_id=draw(st.sampled_from((None, None, None, "a" * 32, "c" * 32))),
        search=draw(
            st.sampled_from((None, None, "", "strasse", "NIGHT", "% of _", "\\", "🚀", "ü", "run-1", "x\x1fy"))
        ),
    )


def lets_through(wanted: ExecutionFilter, row: dict[str, Any]) -> bool:
    """The filter once more, in the plainest Python."""
    engine = ENGINES[int(row["engine_id"], 16) - 1]
    duration = row["duration"]
    tests = [
        wanted.ids is None or row["id"] in wanted.ids,
        wanted.external_ids is None or row["external_id"] in wanted.external_ids,
        wanted.statuses is None or row["status"] in wanted.statuses,
        wanted.states is None or row["state"] in wanted.states,
        wanted.workflow_ids is None or row["workflow_id"] in wanted.workflow_ids,
        wanted.workflow_names is None or row["workflow_name"] in wanted.workflow_names,
        wanted.exclude_workflow_names is None or row["workflow_name"] not in wanted.exclude_workflow_names,
        wanted.engines is None or engine in wanted.engines,
        wanted.trigger_kinds is None or row["trigger_kind"] in wanted.trigger_kinds,
        wanted.exclude_trigger_kinds is None or row["trigger_kind"] not in wanted.exclude_trigger_kinds,
        wanted.failed_step_names is None or row["failed_step_name"] in wanted.failed_step_names,
        wanted.error_group_ids is None or row["error_group_id"] in wanted.error_group_ids,
        wanted.unresolved is None
        or wanted.unresolved
        is (row["status"] == Status.FAILURE and not (row["retry_succeeded"] or row["resolved_by_hand"])),
        wanted.queued_from is None or row["queued_at"] >= wanted.queued_from,
        wanted.queued_to is None or row["queued_at"] < wanted.queued_to,
        wanted.min_duration is None or (duration is not None and duration >= wanted.min_duration),
        wanted.max_duration is None or (duration is not None and duration <= wanted.max_duration),
        wanted.retry_of is None or row["retry_of"] == wanted.retry_of,
        wanted.root_id is None or wanted.root_id == (row["root_id"] or row["id"]),
        wanted.bulk_retry_id is None or row["bulk_retry_id"] == wanted.bulk_retry_id,
        wanted.search is None or wanted.search.casefold() in row["search_text"],
    ]
    return all(tests)


def in_order(data: list[dict[str, Any]], order: ExecutionOrder) -> list[dict[str, Any]]:
    column = order.field.value.lower()
    known = [row for row in data if row[column] is not None]
    unknown = [row for row in data if row[column] is None]
    known.sort(key=lambda row: (row[column], row["id"]), reverse=order.descending)
    unknown.sort(key=lambda row: row["id"], reverse=order.descending)
    return known + unknown
