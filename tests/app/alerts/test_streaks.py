"""Reading streaks: which failures belong to which, where each begins and ends, and pruned successes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app import clock
from app.alerts import streaks
from app.alerts.streaks import FOREVER, NEVER, End, Position, Streak
from app.db import Database, Overtaken, Transaction
from app.ids import new_id
from app.lifecycle import State, Status
from tests.app.reports import select
from tests.factories import (
    NOON,
    execution_row,
    insert_engine,
    insert_executions,
    insert_workflow,
    record_statements,
)

STATES = {"F": State.FAILED, "S": State.SUCCEEDED, "C": State.CANCELLED, "R": State.RUNNING}


class Line:
    """The executions of a workflow, one a second in the order of the letters, and their places."""

    def __init__(self, workflow_id: str, places: Sequence[Position]) -> None:
        self.workflow_id = workflow_id
        self.places = places

    def streak(self, failures: int, after: int | None, before: int | None) -> Streak:
        """The failures between the successes with these numbers; None: no success."""
        return Streak(
            self.workflow_id,
            failures,
            NEVER if after is None else self.places[after],
            FOREVER if before is None else self.places[before],
        )


async def line_of(database: Database, letters: str, *, name: str = "w", at: Sequence[int] | None = None) -> Line:
    """A workflow whose executions finished as the letters say; `at` are other seconds than 0, 1, 2 …"""
    workflow_id = await insert_workflow(database, await insert_engine(database, f"engine of {name}"), name)
    rows = []
    ids = sorted(new_id(NOON) for _ in letters)
    for id_, second, letter in zip(ids, at or range(len(letters)), letters, strict=True):
        finished_at = None if letter == "R" else NOON + second * clock.SECOND
        rows.append(execution_row(id=id_, workflow_id=workflow_id, state=STATES[letter], finished_at=finished_at))
    await insert_executions(database, *rows)
    return Line(workflow_id, [(row["finished_at"] or 0, row["id"]) for row in rows])


async def of_failures(database: Database, line: Line, numbers: Sequence[int]) -> list[Streak]:
    given = {line.workflow_id: [line.places[number] for number in numbers]}
    return await streaks.of_failures(database, given)


async def test_failures_lie_in_the_streaks_between_successes(database: Database) -> None:
    #                             0123456789
    line = await line_of(database, "FFSCFRFSFF")
    first, second, last = line.streak(2, None, 2), line.streak(2, 2, 7), line.streak(2, 7, None)
    assert await of_failures(database, line, range(10)) == [first, second, last]
    for numbers, expected in {
        (0,): [first],
        (1,): [first],
        (1, 0): [first],
        (4,): [second],
        (6,): [second],
        (6, 0): [first, second],
        (8,): [last],
        (9, 8): [last],
        (9, 4): [second, last],
        (0, 9): [first, last],
    }.items():
        assert await of_failures(database, line, numbers) == expected, numbers


async def test_one_that_is_over_lies_between_the_nearest_successes(database: Database) -> None:
    line = await line_of(database, "SSFSSFSS")
    assert await of_failures(database, line, [2]) == [line.streak(1, 1, 3)]
    assert await of_failures(database, line, [5, 2]) == [line.streak(1, 1, 3), line.streak(1, 4, 6)]


async def test_failures_of_one_moment_are_in_id_order(database: Database) -> None:
    line = await line_of(database, "FSFSF", at=[0, 0, 0, 0, 0])
    assert await of_failures(database, line, [0, 2, 4]) == [
        line.streak(1, None, 1),
        line.streak(1, 1, 3),
        line.streak(1, 3, None),
    ]


async def test_only_the_newest_of_those_that_are_over(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaks, "MAX_ENDED", 2)
    line = await line_of(database, "FSFSFSF")
    newest = [line.streak(1, 1, 3), line.streak(1, 3, 5)]
    assert await of_failures(database, line, [0, 2, 4]) == newest
    assert await of_failures(database, line, [0, 2, 4, 6]) == [*newest, line.streak(1, 5, None)]


async def test_a_workflow_does_not_see_another_s(database: Database) -> None:
    one, other = await line_of(database, "FSF", name="one"), await line_of(database, "FFSFF", name="other")
    given = {line.workflow_id: [line.places[0], line.places[-1]] for line in (one, other)}
    given["f" * 32] = [one.places[0]]  # of no workflow
    found = await streaks.of_failures(database, given)
    for line, failures in ((one, 1), (other, 2)):
        own = [streak for streak in found if streak.workflow_id == line.workflow_id]
        assert own == [line.streak(failures, None, failures), line.streak(failures, failures, None)]
    assert len(found) == 4
    assert await streaks.lengths(database, [one.workflow_id, other.workflow_id, "nonsense", "f" * 32]) == {
        one.workflow_id: 1,
        other.workflow_id: 2,
    }
    statements = record_statements(database)
    assert await streaks.lengths(database, ["nonsense"]) == {}
    assert statements == []


async def ends(database: Database, streak: Streak) -> tuple[End, End]:
    return await database.transaction(lambda tx: streaks.ends(tx, streak))


async def test_the_ends_are_the_first_and_the_last_failure(database: Database) -> None:
    line = await line_of(database, "FFSFCFFS")
    ends_of = {
        (0, 1): line.streak(2, None, 2),
        (3, 6): line.streak(3, 2, 7),
        (0, 6): line.streak(5, None, None),
        (1, 6): Streak(line.workflow_id, 4, line.places[0]),
        (0, 5): Streak(line.workflow_id, 4, before=line.places[6]),
    }
    for (first, last), streak in ends_of.items():
        expected = [End(id_, at) for at, id_ in (line.places[first], line.places[last])]
        assert list(await ends(database, streak)) == expected


async def test_a_streak_that_has_gone_meanwhile_is_looked_for_again(database: Database) -> None:
    line = await line_of(database, "FSCS")

    async def work(transaction: Transaction) -> None:
        with pytest.raises(Overtaken):
            await streaks.ends(transaction, line.streak(1, 1, 3))

    await database.transaction(work)


async def test_pruned_successes_are_remembered_by_workflow_the_newest_of_each(database: Database) -> None:
    ids = [await insert_workflow(database, await insert_engine(database, f"e{n}"), "w") for n in range(6)]

    async def remember(*executions: tuple[str, Status, int | None]) -> None:
        await database.transaction(lambda tx: streaks.remember_pruned(tx, executions))

    async def remembered() -> list[int | None]:
        found = {row["id"]: row["pruned_success_at"] for row in await select(database, "workflows", "1 = 1")}
        return [found[id_] for id_ in ids]

    success, failure = Status.SUCCESS, Status.FAILURE
    await remember((ids[0], success, 5), (ids[0], success, 7), (ids[0], success, 6), (ids[1], success, 3))
    await remember((ids[2], failure, 9), (ids[3], success, None), (ids[1], success, 2), (ids[4], Status.CANCELLED, 1))
    assert await remembered() == [7, 3, None, None, None, None]
    await remember((ids[0], success, 8), (ids[1], success, 1), (ids[1], failure, 99))
    assert await remembered() == [8, 3, None, None, None, None]


async def test_workflows_are_locked_in_the_order_of_their_ids() -> None:
    """Or two who prune at the same time wait for each other."""
    ids = [new_id(NOON) for _ in range(20)]
    given: list[Sequence[object]] = []

    class Recording:
        async def execute_many(self, _: str, rows: Sequence[Sequence[object]]) -> None:
            given.extend(rows)

    executions = [(id_, Status.SUCCESS, 5) for id_ in (*ids[7:], *ids[:7])]
    await streaks.remember_pruned(Recording(), executions)  # type: ignore[arg-type]
    assert given == [(id_, 5) for id_ in sorted(ids)]


@pytest.mark.parametrize("letters", ["FSFF", "FFF"])
@pytest.mark.parametrize(("pruned_at", "failures"), [(-1, None), (0, None), (1, None), (2, 1), (3, 0), (9, 0)])
async def test_a_pruned_success_ends_a_streak_if_it_is_the_newest(
    database: Database, letters: str, pruned_at: int, failures: int | None
) -> None:
    """At one moment with others, it comes after them."""
    line = await line_of(database, letters)
    at = NOON + pruned_at * clock.SECOND
    await database.transaction(lambda tx: streaks.remember_pruned(tx, [(line.workflow_id, Status.SUCCESS, at)]))
    without = {"FSFF": 2, "FFF": 2 - min(pruned_at, 2) if pruned_at >= 0 else 3}[letters]
    expected = without if failures is None else len(letters) - 1 - min(pruned_at, len(letters) - 1)
    assert await streaks.lengths(database, [line.workflow_id]) == {line.workflow_id: expected}
