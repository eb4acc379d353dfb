"""The predicate and the SQL of a filter let the same executions through."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.executions import EXECUTIONS, ExecutionFilter
from app.executions.predicate import predicate
from tests.app.executions.lists import ENGINES, filters, lets_through, rows
from tests.factories import execution_row

NAMES = {f"{number:032x}": name for number, name in enumerate(ENGINES, 1)}


@pytest.mark.slow
@given(st.lists(rows(), max_size=12), filters())
def test_predicate_agrees_with_the_model_of_the_lists(data: list[dict[str, Any]], wanted: ExecutionFilter) -> None:
    test = predicate(wanted, NAMES, {})
    for row in data:
        execution = EXECUTIONS.read([row[name] for name in EXECUTIONS.names])
        assert test(execution) is lets_through(wanted, row)


def test_an_engine_that_registers_later_counts_from_then_on() -> None:
    names: dict[str, str] = {}
    test = predicate(ExecutionFilter(engines=("late",)), names, {})
    row = execution_row()
    execution = EXECUTIONS.read([row[name] for name in EXECUTIONS.names])
    assert not test(execution)
    names[row["engine_id"]] = "late"
    assert test(execution)
