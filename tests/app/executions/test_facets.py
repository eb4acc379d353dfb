"""Facets agree with the list, share their answers, and end in time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db import Database
from app.errors import LimitExceeded
from app.executions import ExecutionFilter, facets
from app.executions.facets import Facet, Facets
from app.lifecycle import State, Status
from app.paging import Count
from tests.app.executions.lists import ENGINES, filters, lets_through, rows
from tests.app.executions.test_executions import fill, slow_but_sure
from tests.factories import NOON, execution_row, insert_executions, record_statements

EVERYTHING = ExecutionFilter()
VALUES: dict[Facet, Callable[[dict[str, Any]], Any]] = {
    Facet.WORKFLOW: lambda row: row["workflow_name"],
    Facet.ENGINE: lambda row: ENGINES[int(row["engine_id"], 16) - 1],
    Facet.TRIGGER_KIND: lambda row: row["trigger_kind"],
    Facet.FAILED_STEP_NAME: lambda row: row["failed_step_name"],
    Facet.ERROR_GROUP: lambda row: row["error_group_id"],
}


@pytest.mark.slow
@slow_but_sure
@given(data=st.lists(rows(), max_size=30, unique_by=lambda row: row["id"]), where=st.just(EVERYTHING) | filters())
async def test_each_facet_counts_what_the_list_would_have(
    database: Database, data: list[dict[str, Any]], where: ExecutionFilter
) -> None:
    await fill(database, data)
    asked = Facets(database)

    def listed(wanted: ExecutionFilter) -> list[dict[str, Any]]:
        return [row for row in data if lets_through(wanted, row)]

    assert await asked.total(where) == Count(len(listed(where)), exact=True)
    assert await asked.unresolved(where) == Count(len(listed(replace(where, unresolved=True))), exact=True)
    assert await asked.statuses(where) == {
        status: Count(len(listed(replace(where, statuses=(status,)))), exact=True) for status in Status
    }
    assert await asked.states(where) == {
        state: Count(len(listed(replace(where, states=(state,)))), exact=True) for state in State
    }
    for facet, value in VALUES.items():
        counted = Counter(value(row) for row in listed(facet.others(where)) if value(row) is not None)
        found = await asked.by(facet, where)
        assert found == {each: Count(count, exact=True) for each, count in counted.items()}
        assert list(found) == sorted(counted, key=lambda each: (-counted[each], each))


async def test_only_the_newest_are_counted_and_counts_say_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets, "MAX_ROWS", 4)
    monkeypatch.setattr(facets, "MAX_COUNT", 2)
    kinds = ["old", "b", "a", "a", "a"]
    await insert_executions(database, *(execution_row(trigger_kind=k, queued_at=NOON + n) for n, k in enumerate(kinds)))
    asked = Facets(database)
    found = await asked.by(Facet.TRIGGER_KIND, replace(EVERYTHING, queued_from=NOON + 1))
    assert found == {"a": Count(2, exact=False), "b": Count(1, exact=True)}
    found = await asked.by(Facet.TRIGGER_KIND, EVERYTHING)
    assert all(not count.exact for count in found.values())


async def test_an_answer_is_shared_for_two_seconds(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(facets, "monotonic", lambda: now)
    await insert_executions(database, execution_row())
    asked, statements = Facets(database), record_statements(database)
    answers = await asyncio.gather(*(asked.by(Facet.TRIGGER_KIND, EVERYTHING) for _ in range(5)))
    assert answers == [{"schedule": Count(1, exact=True)}] * 5
    # Its own condition changes nothing, another does.
    await asked.by(Facet.TRIGGER_KIND, ExecutionFilter(trigger_kinds=("manual",)))
    assert len(statements) == 1
    assert await asked.by(Facet.TRIGGER_KIND, ExecutionFilter(statuses=(Status.FAILURE,))) == {}
    assert len(statements) == 2
    await insert_executions(database, execution_row())
    now += 1.9
    assert await asked.by(Facet.TRIGGER_KIND, EVERYTHING) == {"schedule": Count(1, exact=True)}
    now += 0.2
    assert await asked.by(Facet.TRIGGER_KIND, EVERYTHING) == {"schedule": Count(2, exact=True)}
    assert len(asked._shared) == 1  # what is older is forgotten


async def test_one_who_hangs_up_leaves_the_others_their_answer(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = asyncio.Event()
    fetch = database.fetch

    async def slow(sql: str, *params: Any) -> Any:
        await going.wait()
        return await fetch(sql, *params)

    monkeypatch.setattr(database, "fetch", slow)
    asked = Facets(database)
    first, second = (asyncio.create_task(asked.total(EVERYTHING)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    going.set()
    assert await second == Count(0, exact=True)


async def test_time_in_which_the_process_stands_still_does_not_count(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answered_meanwhile(*_: Any) -> Any:
        asyncio.get_running_loop().call_soon(time.sleep, 0.1)
        await asyncio.sleep(0.02)
        return []

    monkeypatch.setattr(database, "fetch", answered_meanwhile)
    monkeypatch.setattr(facets, "DEADLINE_SECONDS", 0.05)
    assert await Facets(database).by(Facet.WORKFLOW, EVERYTHING) == {}


async def test_counting_ends_in_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(database, "fetch", never)
    monkeypatch.setattr(facets, "DEADLINE_SECONDS", 0.01)
    with pytest.raises(LimitExceeded, match="longer than"):
        await Facets(database).by(Facet.WORKFLOW, EVERYTHING)
