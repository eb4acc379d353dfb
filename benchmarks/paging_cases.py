"""The lists whose pages are measured, and the places in them where pages begin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import asyncpg

from app.executions import ExecutionFilter, ExecutionOrder, OrderField
from app.ids import is_id
from app.lifecycle import State, Status
from benchmarks.data import DAY, START, WORKFLOWS

PAGE = 50
CONSECUTIVE = 5  # pages that are read in turn at each depth, so that it is not one page that is always at hand

NEWEST_FIRST = ExecutionOrder(OrderField.QUEUED_AT, True)
BORDER = "at the first null"


@dataclass(frozen=True, slots=True)
class Case:
    """One list: a filter and an order, and the filter once more as SQL by hand."""

    name: str
    order: ExecutionOrder = NEWEST_FIRST
    filter: ExecutionFilter = field(default_factory=ExecutionFilter)
    sql: str = "true"

    @property
    def column(self) -> str:
        """The column that it is sorted by."""
        return self.order.field.value.lower()

    @property
    def order_by(self) -> str:
        """The order in plain SQL."""
        direction = "DESC" if self.order.descending else "ASC"
        return f"{self.column} {direction} NULLS LAST, id {direction}"


@dataclass(frozen=True, slots=True)
class Place:
    """A depth of a list, and the ids after which its consecutive pages begin."""

    name: str
    ids: tuple[str, ...]


def orderings() -> Iterator[Case]:
    """Every ordering in both directions, without a filter."""
    for by in OrderField:
        for descending in (True, False):
            yield Case(f"{by} {'descending' if descending else 'ascending'}", ExecutionOrder(by, descending))


def single_filters(workflow_ids: list[str]) -> Iterator[Case]:
    """Every single filter under QUEUED_AT; `workflow_ids` are sorted by their names, which is by their share."""
    for statuses in (
        (Status.SUCCESS,),
        (Status.FAILURE,),
        (Status.CANCELLED,),
        (Status.PENDING,),
        (Status.FAILURE, Status.CANCELLED),
        (Status.PENDING, Status.SUCCESS),
    ):
        yield Case(
            f"status {' '.join(status.name for status in statuses)}",
            filter=ExecutionFilter(statuses=statuses),
            sql=f"status IN ({', '.join(str(int(status)) for status in statuses)})",
        )
    for states in (
        (State.SUCCEEDED,),
        (State.FAILED,),
        (State.CRASHED,),
        (State.SKIPPED,),
        (State.RUNNING,),
        (State.CONTACT_LOST,),
        (State.FAILED, State.TIMED_OUT, State.CRASHED),
        (State.SUCCEEDED, State.SKIPPED),
    ):
        yield Case(
            f"state {' '.join(state.name for state in states)}",
            filter=ExecutionFilter(states=states),
            sql=f"state IN ({', '.join(str(int(state)) for state in states)})",
        )
    for name, ids in (
        ("workflow greatest", workflow_ids[:1]),
        ("workflow least", workflow_ids[-1:]),
        ("workflows, 5", workflow_ids[::10]),
        (f"workflows, {WORKFLOWS}", workflow_ids),
    ):
        assert all(map(is_id, ids))
        listed = ", ".join(f"'{id_}'" for id_ in ids)
        yield Case(name, filter=ExecutionFilter(workflow_ids=tuple(ids)), sql=f"workflow_id IN ({listed})")
    yield Case(
        "workflow by name",
        filter=ExecutionFilter(workflow_names=("workflow-010",)),
        sql="workflow_name = 'workflow-010'",
    )
    for name, low, high in (
        ("time, ten days", 10 * DAY, 20 * DAY),
        ("time, one hour", 15 * DAY, 15 * DAY + DAY // 24),
        ("time, from", 5 * DAY, None),
        ("time, to", None, 25 * DAY),
    ):
        bounds = [(">=", low), ("<", high)]
        yield Case(
            name,
            filter=ExecutionFilter(
                queued_from=None if low is None else START + low, queued_to=None if high is None else START + high
            ),
            sql=" AND ".join(f"queued_at {sign} {START + at}" for sign, at in bounds if at is not None),
        )
    yield Case("oldest first, status FAILURE", ExecutionOrder(OrderField.QUEUED_AT, False),
               ExecutionFilter(statuses=(Status.FAILURE,)), "status = 2")  # fmt: skip


async def places(connection: asyncpg.Connection, case: Case) -> list[Place]:
    """Depths of a list, by counting rows off from its start: what a client never can."""
    total, nulls = await connection.fetchrow(
        f"SELECT count(*), count(*) - count({case.column}) FROM executions WHERE {case.sql}"
    )
    border = total - nulls
    wanted = {"10,000": 10_000, "half": total // 2, "near the end": total - (CONSECUTIVE + 1) * PAGE}
    if nulls:
        wanted |= {
            "near the end": border - (CONSECUTIVE + 1) * PAGE,
            BORDER: border - PAGE // 2,
            "among the nulls": border + nulls // 2,
        }
    numbers: dict[str, list[int]] = {}
    for name, depth in wanted.items():
        # Half a page before the border there is one page across it, with rows on each side.
        count = 1 if name == BORDER else CONSECUTIVE
        if PAGE < depth <= total - PAGE and not (name == "10,000" and depth >= total // 2):
            starts = [start for index in range(count) if (start := depth + index * PAGE) <= total - PAGE]
            numbers[name if name == "10,000" else f"{name} ({depth:,})"] = starts
    rows = await connection.fetch(
        f"SELECT number, id FROM (SELECT id, row_number() OVER (ORDER BY {case.order_by}) AS number FROM executions"
        f" WHERE {case.sql}) numbered WHERE number = ANY($1::bigint[])",
        [number for starts in numbers.values() for number in starts],
    )
    ids = {row["number"]: row["id"].hex for row in rows}
    return [Place(name, tuple(ids[number] for number in starts)) for name, starts in numbers.items()]
