"""How often a workflow usually runs, how long it pauses, and when it is overdue."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.db import Database
from app.executions import Execution
from app.executions.gaps import STEPS, is_overdue, longest_pauses, usual_gap
from tests.factories import NOON, execution_row, insert_engine, insert_executions, insert_workflow

MINUTE = 60_000_000
HOUR = 60 * MINUTE


def run(minute: float, **given: Any) -> Execution:
    """A run that was queued so many minutes before noon."""
    row = execution_row(queued_at=NOON - int(minute * MINUTE), **given)
    return msgspec.convert({field: row[field] for field in Execution.__struct_fields__}, Execution, strict=False)


def test_the_usual_gap_is_the_median_without_retries() -> None:
    newest_first = [run(0), run(1, retry_of="a" * 32), run(10), run(20), run(30), run(90)]
    assert usual_gap(newest_first, MINUTE) == 10 * MINUTE
    assert usual_gap(newest_first[:-2], MINUTE) is None, "too few"
    assert usual_gap([], None) is None


@pytest.mark.parametrize(("minutes", "overdue"), [(30, False), (31, True)])
def test_a_workflow_is_overdue_after_three_usual_gaps(minutes: int, overdue: bool) -> None:
    runs = [run(number * 10) for number in range(5)]
    assert is_overdue(runs, 10 * MINUTE, NOON + minutes * MINUTE) is overdue
    retried = [run(-20, retry_of="a" * 32), *runs]
    assert is_overdue(retried, 10 * MINUTE, NOON + minutes * MINUTE) is overdue, "a retry comes when somebody asks"


def test_a_burst_is_overdue_by_the_pauses_between_bursts() -> None:
    burst = [run(number / 60) for number in range(20)]
    assert usual_gap(burst, 24 * HOUR) == 12 * HOUR
    assert not is_overdue(burst, 24 * HOUR, NOON + 36 * HOUR)
    assert is_overdue(burst, 24 * HOUR, NOON + 37 * HOUR)
    assert not is_overdue(burst, None, NOON + 99 * HOUR), "the only one so far"


def test_few_runs_are_never_overdue() -> None:
    assert not is_overdue([run(0), run(10)], 10 * MINUTE, NOON + 99 * MINUTE)


async def queued(database: Database, workflow: str, *minutes: float, **given: Any) -> str:
    """A workflow of an engine of its own, with runs that were queued so many minutes before noon: its id."""
    engine = await insert_engine(database, workflow)
    id_ = await insert_workflow(database, engine, workflow)
    of = {"engine_id": engine, "workflow_id": id_, **given}
    rows = [execution_row(queued_at=NOON - int(minute * MINUTE), **of) for minute in minutes]
    await insert_executions(database, *rows)
    return id_


async def test_the_longest_pause_is_found_behind_a_burst(database: Database) -> None:
    bursts = await queued(database, "bursts", *(day * 1_440 + second / 60 for day in (0, 1, 2) for second in range(9)))
    steady = await queued(database, "steady", *(number * 10 for number in range(9)))
    only = await queued(database, "only", *(second / 60 for second in range(9)))
    retried = await queued(database, "retried", 300)
    await insert_executions(database, execution_row(workflow_id=retried, retry_of="a" * 32))
    found = await longest_pauses(database, [bursts, steady, only, retried, "nonsense"])
    assert found == {bursts: 1_440 * MINUTE - 8 * MINUTE // 60, steady: 10 * MINUTE}


async def test_pauses_are_looked_for_within_bounds(database: Database) -> None:
    far = await queued(database, "far", *(number * 31 for number in range(STEPS + 1)), 99_999)
    assert await longest_pauses(database, [far]) == {far: 31 * MINUTE}
    assert await longest_pauses(database, []) == {}
