"""What follows from a failure converges as the facts do: the step to blame, the error group."""

from __future__ import annotations

import random
from itertools import permutations
from typing import Any

import pytest

from app import error_groups
from app.db import Database
from app.events import OUTSIDE_STEPS
from app.ingestion import Ingestion
from app.ingestion.failures import failed_step
from app.lifecycle import State, shown_state
from tests.app.reports import events, line, report, row_of, select, step
from tests.sealing import SEALER

S, F, R = State.SUCCEEDED, State.FAILED, State.RUNNING


@pytest.mark.parametrize(
    ("step", "run", "shown"),
    [
        (R, State.RUNNING, R),
        (R, State.CONTACT_LOST, R),
        (R, State.CRASHED, State.CRASHED),
        (R, S, S),
        (R, State.CANCELLED, State.CANCELLED),
        (F, S, F),
        (S, F, S),
    ],
)
def test_a_step_without_an_end_ends_as_its_run(step: State, run: State, shown: State) -> None:
    assert shown_state(step, run) is shown


@pytest.mark.parametrize(
    ("named", "run", "steps", "definition", "expected"),
    [
        (2, F, {0: F, 2: S}, None, 2),
        (1, F, {0: F}, ["a", "b"], 1),
        (5, F, {0: S, 3: F}, ["a"], 3),
        (None, F, {4: F, 2: F, 0: S}, None, 2),
        (None, F, {0: R, 3: F}, None, 3),
        (None, State.CRASHED, {0: S, 1: R}, None, 1),
        (None, State.TIMED_OUT, {0: S}, ["a", "b"], None),
        (None, F, {}, None, None),
        (OUTSIDE_STEPS, F, {0: F, 1: R}, ["a"], None),
        (0, S, {0: F}, None, None),
        (0, State.CANCELLED, {0: F}, None, None),
        (0, R, {0: F}, None, None),
    ],
)
def test_the_step_to_blame(
    named: int | None, run: State, steps: dict[int, State], definition: list[str] | None, expected: int | None
) -> None:
    assert failed_step(named, run, steps, definition) == expected


REPORTS = [
    report("execution.queued", at=1, workflow="nightly", definition=["a", "b", "c"]),
    report("execution.started", at=2, workflow="other"),
    step("started", 0, at=3, name="zero"),
    step("finished", 0, at=4, state="SUCCEEDED", name="late name"),
    step("started", 1, at=5, name="one"),
    report("execution.finished", at=6, state="CRASHED"),
    report("execution.finished", at=7, state="FAILED", error={"step": 1}),
]


async def derived(database: Database, subject: str) -> tuple[Any, ...]:
    row = await row_of(database, subject)
    groups = await error_groups.by_ids(database, [row["error_group_id"]] if row["error_group_id"] else [])
    return row["failed_step"], row["failed_step_name"], *(group.message for group in groups.values())


async def test_any_order_gives_the_same(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events(REPORTS, "whole"))
    expected = await derived(database, "whole")
    assert expected[:2] == (1, "one")
    assert "one" in expected[2]
    assert "nightly" in expected[2]
    for number, order in enumerate(random.Random(2).sample(list(permutations(REPORTS)), 40)):
        for one in order:
            await ingestion.record(events([one], f"run-{number}"))
        assert await derived(database, f"run-{number}") == expected, [one["id"] for one in order]


async def test_run_corrected_to_a_success_has_no_failure(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events(REPORTS))
    await ingestion.record(events([report("execution.finished", at=9, state="SUCCEEDED")]))
    assert await derived(database, "run") == (None, None)
    await ingestion.record(events([report("execution.finished", at=10, state="FAILED", error={"message": "m"})]))
    assert await derived(database, "run") == (1, "one", "m")


async def test_one_group_for_one_cause_and_no_new_one_for_repetitions(database: Database) -> None:
    ingestions = [Ingestion(database, SEALER) for _ in range(2)]
    for number in range(6):
        error = {"type": "E", "message": f"row {number} is bad"}
        finish = report("execution.finished", state="FAILED", error=error)
        for ingestion in ingestions:
            await ingestion.record(events([finish, line("x")], f"run-{number}"))
    (id_,) = {row["error_group_id"] for row in await select(database, "executions", "1 = 1")}
    found = await error_groups.by_ids(database, [id_])
    assert {group: (each.id, each.type, each.message) for group, each in found.items()} == {
        id_: (id_, "E", "row <num> is bad")
    }
