"""Lists of executions on both databases: every order, every filter, both ways, against Python's own sort."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Database
from app.errors import BadInput
from app.executions import (
    EXECUTIONS,
    ExecutionFilter,
    ExecutionOrder,
    OrderField,
    count,
    list_page,
)
from app.lifecycle import State, Status
from app.paging import Count, PageRequest
from tests.app.executions.lists import (
    ENGINES,
    EVERYTHING,
    MINUTE,
    NAMES,
    ORDERS,
    WORKFLOWS,
    filters,
    in_order,
    lets_through,
    rows,
)
from tests.factories import (
    NOON,
    empty,
    execution_row,
    insert,
    insert_engine,
    insert_executions,
    insert_workflow,
    record_statements,
)


async def fill(database: Database, data: list[dict[str, Any]]) -> None:
    await empty(database, "executions", "workflows", "engines")
    engines = [{"id": f"{n:032x}", "name": name, "kind": "NONE", "created_at": 0} for n, name in enumerate(ENGINES, 1)]
    await insert(database, "engines", engines)
    workflows = [
        {"id": id_, "engine_id": engine_id, "name": name, "search_text": name.casefold()}
        for engine_id, id_, name in WORKFLOWS
    ]
    await insert(database, "workflows", workflows)
    await insert_executions(database, *data)


# More than any test has: pages that go in circles are a failure, and no hang.
MAX_ROWS = 1_000


async def walk(
    database: Database, where: ExecutionFilter, order: ExecutionOrder, sizes: Callable[[], int]
) -> list[str]:
    """The ids of the list, read forward; checks what each page says of its ends."""
    seen: list[str] = []
    after = None
    while True:
        page = await list_page(database, where, order, PageRequest(first=sizes(), after=after))
        seen += [execution.id for execution in page.items]
        assert len(seen) <= MAX_ROWS
        assert await page.has_previous_page() == (after is not None)
        if not await page.has_next_page():
            return seen
        after = page.end_cursor


async def walk_back(
    database: Database, where: ExecutionFilter, order: ExecutionOrder, sizes: Callable[[], int]
) -> list[str]:
    """The ids of the list, read backward from its end."""
    seen: list[str] = []
    before = None
    while True:
        page = await list_page(database, where, order, PageRequest(last=sizes(), before=before))
        seen = [execution.id for execution in page.items] + seen
        assert len(seen) <= MAX_ROWS
        assert await page.has_next_page() == (before is not None)
        if not await page.has_previous_page():
            return seen
        before = page.start_cursor


slow_but_sure = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.mark.slow
@slow_but_sure
@given(
    data=st.lists(rows(), max_size=30, unique_by=lambda row: row["id"]),
    where=st.just(EVERYTHING) | filters(),
    order=st.sampled_from(ORDERS),
    draw=st.data(),
)
async def test_pages_in_both_directions_are_the_sorted_list(
    database: Database, data: list[dict[str, Any]], where: ExecutionFilter, order: ExecutionOrder, draw: st.DataObject
) -> None:
    def sizes() -> int:
        return draw.draw(st.integers(1, 12))

    await fill(database, data)
    expected = [row["id"] for row in in_order([row for row in data if lets_through(where, row)], order)]
    assert await walk(database, where, order, sizes) == expected
    assert await walk_back(database, where, order, sizes) == expected
    assert await count(database, where) == Count(len(expected), exact=True)


@pytest.mark.slow
@slow_but_sure
@given(
    data=st.lists(rows(), min_size=1, max_size=12, unique_by=lambda row: row["id"]),
    order=st.sampled_from(ORDERS),
    draw=st.data(),
)
async def test_two_cursors_cut_out_what_lies_between_them(
    database: Database, data: list[dict[str, Any]], order: ExecutionOrder, draw: st.DataObject
) -> None:
    await fill(database, data)
    whole = await list_page(database, EVERYTHING, order, PageRequest(first=100))
    cursors = [whole.cursor(execution) for execution in whole.items]
    expected = [row["id"] for row in in_order(data, order)]
    for place, cursor in enumerate(cursors):
        after = await list_page(database, EVERYTHING, order, PageRequest(after=cursor))
        assert [execution.id for execution in after.items] == expected[place + 1 :]
        before = await list_page(database, EVERYTHING, order, PageRequest(last=100, before=cursor))
        assert [execution.id for execution in before.items] == expected[:place]
    start, end = (draw.draw(st.integers(0, len(cursors) - 1)) for _ in range(2))
    size = draw.draw(st.integers(1, 5))
    between = expected[start + 1 : end]
    first = await list_page(
        database, EVERYTHING, order, PageRequest(first=size, after=cursors[start], before=cursors[end])
    )
    assert [execution.id for execution in first.items] == between[:size]
    last = await list_page(
        database, EVERYTHING, order, PageRequest(last=size, after=cursors[start], before=cursors[end])
    )
    assert [execution.id for execution in last.items] == between[-size:]
    for page in (first, last):
        assert await page.has_previous_page()
        assert await page.has_next_page()


@pytest.mark.parametrize("forward", [True, False], ids=["forward", "backward"])
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.field}-{order.descending}")
async def test_new_runs_between_pages_shift_nothing(database: Database, order: ExecutionOrder, forward: bool) -> None:
    def burst(number: int) -> list[dict[str, Any]]:
        return [
            execution_row(
                queued_at=NOON + (number * 7 + place) % 5 * MINUTE,
                started_at=None if place % 3 == 0 else NOON + place % 4 * MINUTE,
                finished_at=None if place % 2 == 0 else NOON + place % 4 * MINUTE,
                duration=None if place % 2 == 0 else place % 3,
                state=State(place % 10),
                workflow_name=NAMES[place % len(NAMES)],
            )
            for place in range(15)
        ]

    original = burst(0)
    await insert_executions(database, *original)
    seen: list[str] = []
    cursor, more, number = None, True, 0
    while more:
        number += 1
        request = PageRequest(first=4, after=cursor) if forward else PageRequest(last=4, before=cursor)
        page = await list_page(database, EVERYTHING, order, request)
        seen += [execution.id for execution in page.items]
        if number <= 5:
            await insert_executions(database, *burst(number))
        cursor = page.end_cursor if forward else page.start_cursor
        # What the page said before the new runs came: one of them may be behind it now.
        more = len(page.items) == 4
    assert number > 3
    assert len(seen) == len(set(seen))
    assert {row["id"] for row in original} <= set(seen)


async def test_a_row_is_read_as_it_was_written(database: Database) -> None:
    row = execution_row(
        state=State.TIMED_OUT,
        trigger_incomplete=True,
        started_at=NOON + 1,
        finished_at=NOON + 3,
        duration=2,
        retry_of="a" * 32,
        error_type="Timeout",
        error_message="too late",
        error_message_bytes=9000,
        failed_step=4,
        error_group_id="e" * 32,
    )
    await insert_executions(database, row)
    [execution] = (await list_page(database, EVERYTHING, ExecutionOrder(), PageRequest())).items
    fields = EXECUTIONS.names
    assert {name: getattr(execution, name) for name in fields} == {name: row[name] for name in fields}
    assert execution.state is State.TIMED_OUT
    assert execution.status is Status.FAILURE
    assert execution.trigger_incomplete is True


async def test_only_what_is_asked_for_is_read(database: Database) -> None:
    engine = await insert_engine(database, "one")
    workflow = await insert_workflow(database, engine, "nightly")
    await insert_executions(database, *(execution_row(workflow_id=workflow, queued_at=NOON + n) for n in range(8)))
    statements = record_statements(database)

    async def cost(where: ExecutionFilter, request: PageRequest, order: ExecutionOrder = ORDERS[0]) -> int:
        statements.clear()
        page = await list_page(database, where, order, request)
        assert page.end_cursor is not None
        return len(statements)

    first = await list_page(database, EVERYTHING, ExecutionOrder(), PageRequest(first=3))
    assert await cost(EVERYTHING, PageRequest(first=3, after=first.end_cursor)) == 1
    assert await cost(ExecutionFilter(workflow_ids=(workflow,)), PageRequest(last=3)) == 1
    assert await cost(ExecutionFilter(workflow_names=("nightly",)), PageRequest()) == 2
    assert await cost(EVERYTHING, PageRequest(first=3), ExecutionOrder(OrderField.STARTED_AT)) == 1
    assert await cost(EVERYTHING, PageRequest(last=3), ExecutionOrder(OrderField.STARTED_AT)) == 1


async def test_impossible_filters_read_nothing(database: Database) -> None:
    statements = record_statements(database)
    impossible = [
        ExecutionFilter(statuses=()),
        ExecutionFilter(statuses=(Status.PENDING,), states=(State.FAILED,)),
        ExecutionFilter(workflow_ids=()),
        ExecutionFilter(workflow_names=()),
        ExecutionFilter(engines=()),
        ExecutionFilter(trigger_kinds=()),
        ExecutionFilter(ids=()),
        ExecutionFilter(external_ids=()),
    ]
    for where in impossible:
        page = await list_page(database, where, ExecutionOrder(), PageRequest())
        assert (page.items, page.start_cursor, page.end_cursor) == ([], None, None)
        assert await count(database, where) == Count(0, exact=True)
    assert statements == []


@pytest.mark.parametrize("order", ORDERS[1:], ids=lambda order: f"{order.field}-{order.descending}")
async def test_a_cursor_of_another_order_is_bad_input(database: Database, order: ExecutionOrder) -> None:
    await insert_executions(database, execution_row(started_at=NOON, finished_at=NOON, duration=1))
    cursor = (await list_page(database, EVERYTHING, ORDERS[0], PageRequest())).end_cursor
    for request in (PageRequest(after=cursor), PageRequest(before=cursor), PageRequest(last=1, before="garbage")):
        with pytest.raises(BadInput, match="Invalid cursor: take one from a page of this list"):
            await list_page(database, EVERYTHING, order, request)


WINDOW = ExecutionFilter(queued_from=NOON + 2 * MINUTE, queued_to=NOON + 9 * MINUTE)


@pytest.mark.parametrize(
    "where", [WINDOW, replace(WINDOW, min_duration=3, max_duration=21)], ids=["plain", "durations"]
)
async def test_the_pages_of_a_window_end_at_its_bounds(database: Database, where: ExecutionFilter) -> None:
    """With rows on the bounds and beyond: a page starts within both the window and its cursor, whichever is nearer."""
    engine_id, workflow_id, name = WORKFLOWS[0]
    data = [
        execution_row(
            id=f"{100 - number:032x}",
            engine_id=engine_id,
            workflow_id=workflow_id,
            workflow_name=name,
            queued_at=NOON + number % 12 * MINUTE,
            started_at=NOON + number * MINUTE,
            finished_at=NOON + number * MINUTE,
            duration=number,
        )
        for number in range(24)
    ]
    await fill(database, data)
    for order in ORDERS:
        expected = [row["id"] for row in in_order([row for row in data if lets_through(where, row)], order)]
        assert len(expected) >= 13
        for size in (1, 3, len(expected)):
            walked = await walk(database, where, order, lambda size=size: size)  # type: ignore[misc]
            assert walked == expected, (order, size)
            walked = await walk_back(database, where, order, lambda size=size: size)  # type: ignore[misc]
            assert walked == expected, (order, size)


async def test_counting_stops_at_its_cap(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.paging.MAX_COUNT", 7)
    await insert_executions(database, *(execution_row(state=State.FAILED) for _ in range(7)))
    for where in (EVERYTHING, ExecutionFilter(statuses=(Status.FAILURE,)), ExecutionFilter(search="run")):
        assert await count(database, where) == Count(7, exact=True)
    await insert_executions(database, execution_row(state=State.TIMED_OUT))
    for where in (EVERYTHING, ExecutionFilter(statuses=(Status.FAILURE,)), ExecutionFilter(search="run")):
        assert await count(database, where) == Count(7, exact=False)
