"""How many values the variables of an operation may have."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import LimitExceeded
from app.graphql.variables import MAX_VALUES, check_variables


@pytest.mark.parametrize(
    ("variables", "values"),
    [
        (None, 0),
        ({}, 0),
        ({"a": 1, "b": "text" * 1_000, "c": None}, 3),
        ({"a": [1, 2, 3], "b": {"c": [{"d": 1}, {}], "e": []}}, 10),
        ({"a": [0] * (MAX_VALUES - 1)}, MAX_VALUES),
    ],
)
def test_values_are_counted_however_they_nest(variables: dict[str, Any] | None, values: int) -> None:
    assert check_variables(variables) == values


@pytest.mark.parametrize(
    "variables",
    [
        {"a": [0] * MAX_VALUES},
        {f"a{number}": 0 for number in range(MAX_VALUES + 1)},
        {"a": {str(number): number for number in range(MAX_VALUES)}},
        {"a": [[]] * (MAX_VALUES // 2), "b": [{}] * (MAX_VALUES // 2)},
        {"a": [[[0] * 100] * 10] * 10},
    ],
)
def test_too_many_are_refused(variables: dict[str, Any]) -> None:
    with pytest.raises(LimitExceeded, match=r"variables: more than 10000 values, .* send at most 10000"):
        check_variables(variables)


def test_deep_ones_are_counted_too() -> None:
    deep: Any = 1
    for _ in range(5_000):
        deep = [deep]
    assert check_variables({"a": deep}) == 5_001
