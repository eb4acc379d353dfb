"""Previews: what a rule would have done with the runs of some days, by every condition."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from app import clock
from app.alerts import preview, proposals
from app.alerts.conditions import (
    AnyCondition,
    EngineSilent,
    FailureRate,
    FailuresInARow,
    NewErrorGroup,
    NoRun,
    RegressedErrorGroup,
    SlowRun,
)
from app.alerts.preview import Past, Run, of_past
from app.db import Database
from app.errors import BadInput
from app.lifecycle import Status
from tests.app.alerts.scene import Scene

MINUTE = clock.MINUTE
NOW = 1_000 * MINUTE


def past(states: str, *, gap: int = 10, group: str | None = "g", **given: object) -> Past:
    """Runs of a workflow so many minutes apart, of a minute each: f, s or c; S took an hour."""
    runs = []
    for number, state in enumerate(states):
        at = number * gap * MINUTE
        status = {"f": Status.FAILURE, "c": Status.CANCELLED}.get(state, Status.SUCCESS)
        took = clock.HOUR if state == "S" else MINUTE
        failed_with = group if state == "f" else None
        runs.append(Run(f"{number:03}", "w", "e", status, at, at + took, took, failed_with, None))
    known: dict[str, object] = {"older_groups": frozenset(), "resolved_at": {}, "now": NOW, **given}
    return Past(runs, 0, complete=True, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("states", "condition", "minutes"),
    [
        ("ffsfcff", FailuresInARow(2), [11, 51]),
        ("ffsfcff", FailuresInARow(3), [61]),
        ("sssf", FailureRate(25, 60, 4), [31]),
        ("sssf", FailureRate(25, 60, 5), []),
        ("ffffffff", FailureRate(50, 20, 2), [11]),
        ("ff" + "s" * 8 + "ff", FailureRate(50, 30, 2), [11, 111]),
        ("s" * 60 + "S" + "sS" + "s" * 8 + "S", SlowRun(3), [660, 770]),
        ("s" * 18 + "S", SlowRun(3), []),
        ("fsf", NewErrorGroup(), [1]),
        ("sss", NoRun(300), [320]),
        ("sss", NoRun(None), []),
        ("sssss", NoRun(None), [70]),
        ("sss", EngineSilent(100, None), [121]),
        ("sss", EngineSilent(100, "another"), []),
    ],
)
def test_when_a_rule_would_have_fired(states: str, condition: AnyCondition, minutes: list[int]) -> None:
    found = of_past(past(states), condition)
    assert [at // MINUTE for at in found.times] == minutes
    assert (found.count, found.runs) == (len(minutes), len(states))


def test_error_groups_are_told_apart_by_what_was_before() -> None:
    assert of_past(past("ff", older_groups=frozenset("g")), NewErrorGroup()).count == 0
    assert of_past(past("ff"), RegressedErrorGroup()).count == 0
    assert of_past(past("fff", resolved_at={"g": 5 * MINUTE}), RegressedErrorGroup()).times == [11 * MINUTE]


def test_gaps_are_those_between_runs_and_until_now() -> None:
    assert [at // MINUTE for at in of_past(past("sss", gap=300), NoRun(200)).times] == [200, 500, 800]


def test_overdue_is_what_was_overdue_by_the_runs_before() -> None:
    burst = past("s" * 20, gap=1).runs
    days = [replace(run, queued_at=run.queued_at + day * clock.DAY) for day in range(3) for run in burst]
    seen = Past(days, 0, 9 * clock.DAY, complete=True, older_groups=frozenset(), resolved_at={})
    assert [at // MINUTE for at in of_past(seen, NoRun(None)).times] == [2_899 + 1_421 * 3 // 2]


async def test_the_runs_are_those_of_the_days_and_the_workflow(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(database)
    await scene.fail(4, workflow="a")
    await scene.fail(2, workflow="b")
    found = await preview.preview(database, FailuresInARow(2), None, 7)
    assert (found.count, found.runs, found.complete) == (2, 6, True)
    only = await preview.preview(database, FailuresInARow(3), await scene.workflow_id("b"), 7)
    assert (only.count, only.runs) == (0, 2)
    for days in (0, 31):
        with pytest.raises(BadInput, match="days"):
            await preview.preview(database, FailuresInARow(2), None, days)
    with pytest.raises(BadInput, match="slowRun"):
        await preview.preview(database, SlowRun(1), None, 7)
    monkeypatch.setattr(preview, "MAX_RUNS", 5)
    cut = await preview.preview(database, FailuresInARow(2), None, 7)
    assert (cut.runs, cut.complete) == (5, False)
    assert cut.since > found.since


async def test_proposals_fit_the_week_and_are_of_kinds_that_no_rule_has(database: Database) -> None:
    scene = Scene(database)
    assert await proposals.proposals(database) == []
    for number in range(9):
        await scene.fail(2, workflow=f"w{number}")
    found = await proposals.proposals(database)
    # Two in a row would have fired nine times.
    assert [each.condition for each in found] == [FailuresInARow(3), NewErrorGroup(), NoRun(None)]
    assert found[0].preview.count == 0
    await scene.rule(FailuresInARow(9))
    await scene.rule(NoRun(5), workflow_id=await scene.workflow_id("w1"))
    left = await proposals.proposals(database)
    assert [each.condition for each in left] == [NewErrorGroup(), NoRun(None)]
