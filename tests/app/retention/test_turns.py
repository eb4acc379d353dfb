"""A turn deletes runs by age, status, number and size, in batches that give way to others."""

from __future__ import annotations

from typing import Any

import pytest

from app import clock
from app.changes import revisions
from app.db import Database
from app.db.locks import Lock
from app.lifecycle import State
from app.retention import excess, state, turns
from app.retention.plan import plan
from app.retention.pruning import Batch
from app.retention.rules import Rules
from app.retention.turns import FIRST_BATCH, MIN_BATCH, Stopped, Turn, resized
from tests.app.retention.scene import left, runs, turn, workflow

RUNS = (
    ("running", 500, State.RUNNING),
    ("lost", 50, State.CONTACT_LOST),
    ("good", 40, State.SUCCEEDED),
    ("bad", 41, State.FAILED),
    ("crashed", 100, State.CRASHED),
    ("skipped", 31, State.SKIPPED),
    ("young", 5, State.SUCCEEDED),
    ("youngest", 4, State.FAILED),
)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"days": 30}, {"running", "young", "youngest"}),
        ({"days": 30, "failure_days": 90}, {"running", "young", "youngest", "bad"}),
        ({"failure_days": 90}, {"running", "lost", "good", "bad", "skipped", "young", "youngest"}),
        # The oldest go whatever their status, but what runs; it counts.
        ({"executions": 4}, {"running", "skipped", "young", "youngest"}),
        ({"days": 45, "failure_days": 90, "executions": 4}, {"running", "skipped", "young", "youngest"}),
        ({"days": 30, "executions": 100}, {"running", "young", "youngest"}),
        ({"executions": 0}, {"running"}),
    ],
)
async def test_runs_that_are_kept(database: Database, rules: dict[str, Any], expected: set[str]) -> None:
    await runs(database, await workflow(database), *RUNS)
    said = await plan(database, Rules(**rules), clock.now_us())
    deleted = await turn(database, **rules)
    assert await left(database) == expected
    assert said == deleted == {"executions": len(RUNS) - len(expected)}
    assert (await revisions.revision_of(database))[1] == deleted["executions"]
    assert await turn(database, **rules) == await plan(database, Rules(**rules), clock.now_us()) == {}


async def test_size_is_a_number_of_runs(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many go as the size is too large, in proportion; what is too old counts among them."""
    await runs(database, await workflow(database), *RUNS)

    async def used_bytes(_: Database, table: str) -> tuple[int, int]:
        assert table == "executions"
        return 1_600, 16  # of a number that Postgres has not caught up with: 100 each

    monkeypatch.setattr(excess, "used_bytes", used_bytes)
    assert await turn(database, bytes=1_600) == {}
    assert await turn(database, bytes=350, days=90) == {"executions": 5}
    assert await left(database) == {"running", "young", "youngest"}


async def test_pauses_are_longer_than_the_work_and_batches_follow_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, slept, sizes = 0.0, list[float](), list[int]()
    took = iter([0.01, 0.01, 0.5, 0.05])

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def batch(_: Any, __: Any, limit: int, **___: Any) -> Batch:
        nonlocal now
        seconds = next(took, None)
        sizes.append(limit)
        now += seconds or 0
        return Batch(limit if seconds else 0, more=seconds is not None)

    monkeypatch.setattr(turns, "monotonic", lambda: now)
    monkeypatch.setattr(turns, "sleep", sleep)
    monkeypatch.setattr(turns, "delete_batch", batch)
    rules = Rules(days=30)
    await database.transaction(lambda tx: state.announce(tx, rules.text, 0, 0))
    await Turn(database, rules).run()
    assert sizes == [FIRST_BATCH * factor for factor in (1, 2, 4, 2, 2)]
    assert slept[:-1] == pytest.approx([0.02, 0.02, 1.0, 0.1])  # and once more, having cut off nothing
    stored = await state.read(database)
    assert stored.ended_at is not None
    assert stored.next_turn_at == stored.ended_at + turns.TURN_SECONDS * clock.SECOND


def test_batches_have_bounds() -> None:
    assert [resized(size, seconds) for size, seconds in ((150, 0.0), (MIN_BATCH, 1.0), (7, 0.05))] == [
        200,
        MIN_BATCH,
        7,
    ]


async def test_turn_ends_when_others_have_it_or_other_rules_were_announced(
    database: Database, databases: list[Database]
) -> None:
    await runs(database, await workflow(database), *RUNS)
    with pytest.raises(Stopped):
        await Turn(database, Rules(days=30)).run()  # never announced
    if len(databases) > 1:  # on SQLite nobody has a lock while somebody else has begun
        other = databases[1]

        async def hold(transaction: Any) -> None:
            assert await transaction.try_lock(Lock.RETENTION)
            with pytest.raises(Stopped):
                await turn(database, days=30)

        await other.transaction(hold)
    assert len(await left(database)) == len(RUNS)
