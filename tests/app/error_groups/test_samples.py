"""What the failures of a group differ in: values of their messages, and workflows."""

from __future__ import annotations

import pytest

from app.db import Database
from app.error_groups import samples
from app.error_groups.messages import normalised
from app.error_groups.samples import VariablePart, values_in, workflows_of
from app.lifecycle import State
from app.paging import Count
from tests.factories import NOON, execution_row, insert_executions

A, B, C = (digit * 32 for digit in "abc")


@pytest.mark.parametrize(
    ("message", "values"),
    [
        ("no user 17", ["17"]),
        ("line 5, order A-1004: quantity 'twelve' is not a number", ["5", "1004", "'twelve'"]),
        ("/var/a.csv is gone", ["/var/a.csv"]),
        ("a\n  17  b", ["17"]),
        ("nothing varies", []),
        ("17", ["17"]),
    ],
)
def test_values_are_what_the_placeholders_stand_for(message: str, values: list[str]) -> None:
    pieces = samples.VARIABLES.split(normalised(message))
    assert values_in(message, pieces) == values


def test_another_message_has_no_values() -> None:
    pieces = ["no user ", " in ", ""]
    assert values_in("no user 1 in de", pieces) == ["1", "de"]
    for other in ("", "no user", "no user 1", "no user in de", "nobody 1 in de", "no user 1 in "):
        assert values_in(other, pieces) == [], other
    assert values_in("no user 1 of 2", ["no user ", " of them"]) == []
    # What was cut off is not known.
    long = "x" * 2_000
    assert values_in(f"no user 1 {long}", ["no user ", f" {long[:900]}"]) == ["1"]
    assert values_in(f"no user {long}", ["no user ", ""]) == [long[:200]]


async def fill(database: Database) -> None:
    runs = [(A, "w", 1), (A, "w", 1), (A, "v", 2), (B, "v", 3), (C, "w", None)]
    rows = [
        execution_row(
            queued_at=NOON + number,
            state=State.FAILED,
            workflow_name=workflow,
            error_group_id=group,
            error_message=None if value is None else f"no user {value}",
        )
        for number, (group, workflow, value) in enumerate(runs)
    ]
    await insert_executions(database, *rows)


async def test_values_are_counted_over_the_newest_runs(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(database)
    found = await samples.variable_parts(database, "no user <num>", [A, B, C])
    assert found == [VariablePart("<num>", [("1", 2), ("3", 1), ("2", 1)])]
    assert await samples.variable_parts(database, "no user", [A]) == []
    monkeypatch.setattr(samples, "MAX_MESSAGES", 2)
    found = await samples.variable_parts(database, "no user <num>", [A, B])
    assert found == [VariablePart("<num>", [("3", 1), ("2", 1)])]


async def test_workflows_are_counted_over_the_newest_runs(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(database)
    found = await workflows_of(database, [A, B, "nonsense"])
    assert samples.together(found.values()) == [("v", Count(2, exact=True)), ("w", Count(2, exact=True))]
    assert await workflows_of(database, []) == {}
    monkeypatch.setattr(samples, "MAX_RUNS", 2)
    found = await workflows_of(database, [A, C])
    assert samples.together([found[A], None]) == [("w", Count(2, exact=False)), ("v", Count(1, exact=False))]
    assert samples.together([found[C]]) == [("w", Count(1, exact=True))]
