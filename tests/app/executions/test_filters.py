"""What a filter refuses, and filters by many workflows. Filters of all kinds on random data: test_executions.py."""

from __future__ import annotations

from typing import Any

import pytest

from app.db import Database
from app.errors import BadInput, LimitExceeded
from app.executions import (
    ExecutionFilter,
    ExecutionOrder,
    count,
    list_page,
)
from app.ids import new_id
from app.lifecycle import State, Status
from app.paging import Count, PageRequest
from tests.factories import NOON, execution_row, insert, insert_engine, insert_executions


def newest_first(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(data, key=lambda row: (row["queued_at"], row["id"]), reverse=True)


async def newest_ids(database: Database, where: ExecutionFilter) -> list[str]:
    ids: list[str] = []
    more, cursor = True, None
    while more:
        page = await list_page(database, where, ExecutionOrder(), PageRequest(first=100, after=cursor))
        ids += [execution.id for execution in page.items]
        more, cursor = await page.has_next_page(), page.end_cursor
    return ids


@pytest.mark.parametrize(
    "given",
    [
        {"queued_from": 2, "queued_to": 1},
        {"min_duration": 2, "max_duration": 1},
        {"queued_from": 2**63},
        {"max_duration": -(2**63) - 1},
        {"search": "a\0b"},
        {"search": "\ud800"},
        {"workflow_names": ("fine", "a\0b")},
        {"exclude_workflow_names": ("\udfff",)},
        {"engines": ("\0",)},
        {"trigger_kinds": ("\0",)},
        {"exclude_trigger_kinds": ("\0",)},
        {"external_ids": ("a\0b",)},
        {"ids": ("run-1",)},
        {"workflow_ids": ("a" * 31,)},
        {"workflow_ids": ("A" * 32,)},
        {"retry_of": "none"},
    ],
)
def test_a_filter_that_makes_no_sense_is_bad_input(given: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        ExecutionFilter(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"workflow_names": ("n",) * 501},
        {"statuses": (Status.PENDING,) * 501},
        {"ids": ("a" * 32,) * 501},
        {"external_ids": ("n",) * 501},
        {"exclude_trigger_kinds": ("n",) * 501},
        {"search": "x" * 1001},
    ],
)
def test_a_filter_has_bounds(given: dict[str, Any]) -> None:
    with pytest.raises(LimitExceeded):
        ExecutionFilter(**given)


async def test_a_workflow_filter_works_with_any_number_of_workflows(database: Database) -> None:
    engine = await insert_engine(database, "many")
    workflows = [new_id(NOON) for _ in range(450)]
    rows_ = [
        {"id": id_, "engine_id": engine, "name": f"flow-{n}", "search_text": f"flow-{n}"}
        for n, id_ in enumerate(workflows)
    ]
    await insert(database, "workflows", rows_)
    data = [
        execution_row(workflow_id=id_, workflow_name=f"flow-{n}", queued_at=NOON + n * 37 % 101, state=State(n % 10))
        for n, id_ in enumerate(workflows)
    ]
    await insert_executions(database, *data)
    for number in (1, 9, 11, 199, 200, 201, 449, 450):
        some_ids, names = tuple(workflows[:number]), tuple(f"flow-{n}" for n in range(number))
        for where in (
            ExecutionFilter(workflow_ids=some_ids),
            ExecutionFilter(workflow_names=names, engines=("many", "other")),
            ExecutionFilter(exclude_workflow_names=tuple(f"flow-{n}" for n in range(number, 450))),
            ExecutionFilter(workflow_ids=some_ids, statuses=(Status.FAILURE,)),
            ExecutionFilter(workflow_ids=some_ids, statuses=(Status.SUCCESS,)),
            ExecutionFilter(workflow_names=names, statuses=(Status.PENDING,)),
            ExecutionFilter(workflow_names=names, trigger_kinds=("schedule",)),
        ):
            statuses = where.statuses or tuple(Status)
            expected = [row["id"] for row in newest_first(data[:number]) if row["status"] in statuses]
            seen = await newest_ids(database, where)
            assert seen == expected
            assert await count(database, where) == Count(len(expected), exact=True)
