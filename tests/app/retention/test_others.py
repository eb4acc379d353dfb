"""What goes besides runs, each by its own age, and never what something refers to."""

from __future__ import annotations

from typing import Any

import pytest

from app import audit, clock
from app.db import Database, Transaction
from app.ids import new_id
from app.ingestion.registry import Registry
from app.lifecycle import State
from app.metrics.folding import fold
from app.metrics.rebuilding import rebuild
from app.retention import others
from app.retention.plan import plan
from app.retention.rules import Rules
from tests.app.reports import select
from tests.app.retention.scene import alert, days_ago, left, rule, runs, turn, workflow
from tests.factories import insert

AUDIT = {"actor": "ada", "action": "createToken", "subject": None, "detail": None}


async def deletes(database: Database, expected: dict[str, int], **rules: Any) -> None:
    """A plan says what a turn then does."""
    assert await plan(database, Rules(**rules), clock.now_us()) == expected
    assert await turn(database, **rules) == expected
    assert await turn(database, **rules) == {}


async def test_audit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "MAX_BATCH_ROWS", 2)
    rows = [{"id": new_id(days_ago(days)), "at": days_ago(days), **AUDIT} for days in (50, 40, 31, 31, 31, 29)]
    await insert(database, "audit_entries", rows)
    await deletes(database, {"audit_entries": 5}, audit_days=30)
    assert (await audit.count(database)).value == 1


async def test_alerts(database: Database) -> None:
    """Not those that somebody still has to be told, nor those without which a rule would fire again."""
    ended, failing = await workflow(database, "ended"), await workflow(database, "failing")
    await runs(database, failing, ("failed", 80, State.FAILED))
    live, dead = await rule(database), await rule(database, deleted=days_ago(60))
    gone = [
        await alert(database, live, failing, 90),  # a newer one follows
        await alert(database, live, ended, 80),  # no failure is left
        await alert(database, dead, failing, 80),
    ]
    kept = [
        await alert(database, live, failing, 81),
        await alert(database, live, ended, 79, due=True),
        await alert(database, live, ended, 20),
    ]
    await deletes(database, {"alerts": 3}, alert_days=30)
    assert await left(database, "alerts", "id") == set(kept)
    assert await left(database, "outbox", "subject_id") == set(kept)
    assert await left(database, "alert_rules", "id") == {live}
    assert len(gone) == 3


async def test_figures_go_by_whole_days_and_those_of_stored_runs_stay(database: Database) -> None:
    id_ = await workflow(database)
    failed = {"error_group_id": "c" * 32}
    ages = (("old", 60.0), ("older", 60.1), ("new", 20.0))
    await runs(database, id_, *((name, days, State.FAILED) for name, days in ages), **failed)
    await runs(database, id_, ("stays", 3, State.FAILED), **failed)
    assert await rebuild(database, fix=True) > 0
    assert await turn(database, days=10) == {"executions": 3}
    while await fold(database):
        pass
    before = {table: await select(database, table, "1 = 1") for table in ("metric_rollups", "metric_error_groups")}
    limit = days_ago(30) - days_ago(30) % clock.DAY
    dead = {
        table: [row for row in rows if row["kept"] and row["start"] < limit and row["start"]]
        for table, rows in before.items()
    }
    counts = [len(rows) for rows in dead.values()]
    assert all(counts)
    await deletes(database, {"figures": counts[0], "error_groups": counts[1]}, figure_days=30, error_group_days=30)
    for table, rows in before.items():
        kept = [row for row in rows if row not in dead[table]]
        assert sorted(map(str, await select(database, table, "1 = 1"))) == sorted(map(str, kept))
    assert await rebuild(database, fix=False) == 0


async def test_aliases_stay_with_their_groups(database: Database) -> None:
    await runs(database, await workflow(database), ("a", 1, State.FAILED), error_group_id="a" * 32)
    aliases = [{"alias": str(number) * 32, "error_group_id": group * 32} for number, group in enumerate("aabb")]
    await insert(database, "error_group_aliases", aliases)
    assert await turn(database, error_group_days=1) == {"error_groups": 1}
    assert await left(database, "error_group_aliases", "error_group_id") == {"a" * 32}


async def test_idle_workflows(database: Database) -> None:
    """Those to which nothing refers, and of which no run was deleted for so long."""
    names = ("idle", "young", "run", "alerted", "ruled", "figured", "pruned", "pruned long ago")
    ids = {name: await workflow(database, name, days=5 if name == "young" else 400) for name in names}
    await runs(database, ids["run"], ("r", 300, State.RUNNING))
    await alert(database, await rule(database), ids["alerted"], 300)
    await rule(database, ids["ruled"])
    await runs(database, ids["figured"], ("f", 300, State.SUCCEEDED))
    assert await rebuild(database, fix=True) > 0
    await turn(database, days=200)
    while await fold(database):
        pass

    async def note(transaction: Transaction) -> None:
        for name, days in (("pruned", 5), ("pruned long ago", 50)):
            await transaction.fetch("UPDATE workflows SET pruned_at = $1 WHERE id = $2", days_ago(days), ids[name])
        # Its run was deleted just now; what keeps it is its figures.
        await transaction.fetch("UPDATE workflows SET pruned_at = NULL WHERE id = $1", ids["figured"])

    await database.transaction(note)
    await deletes(database, {"workflows": 2}, idle_workflow_days=30)
    assert await left(database, "workflows", "name") == set(names) - {"idle", "pruned long ago"}


async def test_deleting_runs_notes_it_of_their_workflow(database: Database) -> None:
    id_ = await workflow(database)
    await runs(database, id_, ("r", 300, State.SUCCEEDED))
    await turn(database, days=200)
    (row,) = await select(database, "workflows", "1 = 1")
    assert clock.now_us() - row["pruned_at"] < clock.MINUTE


async def test_workflow_that_is_used_again_is_registered_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process knows ids of workflows for an hour, and they are kept for at least a day after they were used."""
    registry, now = Registry(), 0.0
    monkeypatch.setattr("app.ingestion.registry.monotonic", lambda: now)
    registry._workflows_since = now

    async def look_up(transaction: Transaction) -> str:
        (engine,) = (await registry.engine_ids(transaction, {"e"})).values()
        return (await registry.workflow_ids(transaction, [(engine, "w")]))[engine, "w"]

    first = await database.transaction(look_up)
    await database.transaction(lambda tx: tx.fetch("DELETE FROM workflows"))
    assert await database.transaction(look_up) == first
    now = 3601.0
    second = await database.transaction(look_up)
    assert second != first
    assert await left(database, "workflows", "id") == {second}
