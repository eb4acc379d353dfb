"""How often a workflow usually runs, and when it is overdue."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.executions import Execution
from app.executions.gaps import is_overdue, usual_gap
from tests.factories import NOON, execution_row

MINUTE = 60_000_000


def run(minute: float, **given: Any) -> Execution:
    """A run that was queued so many minutes before noon."""
    row = execution_row(queued_at=NOON - int(minute * MINUTE), **given)
    return msgspec.convert({field: row[field] for field in Execution.__struct_fields__}, Execution, strict=False)


def test_the_usual_gap_is_the_median_without_retries() -> None:
    newest_first = [run(0), run(1, retry_of="a" * 32), run(10), run(20), run(30), run(90)]
    assert usual_gap(newest_first) == 10 * MINUTE
    assert usual_gap(newest_first[:-2]) is None, "too few"
    assert usual_gap([]) is None


@pytest.mark.parametrize(("minutes", "overdue"), [(30, False), (31, True)])
def test_a_workflow_is_overdue_after_three_usual_gaps(minutes: int, overdue: bool) -> None:
    runs = [run(number * 10) for number in range(5)]
    assert is_overdue(runs, NOON + minutes * MINUTE) is overdue
    retried = [run(-20, retry_of="a" * 32), *runs]
    assert is_overdue(retried, NOON + minutes * MINUTE) is overdue, "a retry comes when somebody asks for it"


def test_runs_without_a_gap_are_never_overdue() -> None:
    assert not is_overdue([run(0)] * 9, NOON + 99 * MINUTE)
    assert not is_overdue([run(0), run(10)], NOON + 99 * MINUTE)
