"""What fires and what does not. Nothing is lost or fired twice, whoever dies or looks at the same time."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from app import clock
from app.alerts import firing as firing_module
from app.alerts import rules, streaks
from app.alerts.delivery import MAILED
from app.alerts.firing import Firing
from app.db import Database, Transaction
from app.db.locks import Lock
from app.delivery import outbox
from app.importing import Format, Importer
from app.ingestion import Ingestion
from app.retention.pruning import prune
from tests.app.alerts.scene import Scene, base, finish, report, run
from tests.app.reports import select
from tests.sealing import SEALER


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


async def test_an_alert_says_what_it_is_about(scene: Scene) -> None:
    rule = (await scene.rule(3, email="ops@example.com")).rule
    await scene.fail(2)
    assert await scene.alerts() == []
    assert scene.woken == 0
    before = clock.now_us()
    await scene.fail(1, start=2)
    (alert,) = await scene.alerts()
    first, _, last = await select(scene.database, "executions", "1 = 1 ORDER BY external_id")
    assert before <= alert.pop("fired_at") <= clock.now_us()
    id_ = alert.pop("id")
    met_at = alert.pop("met_at")
    assert before <= met_at <= clock.now_us()
    assert alert == {
        "rule_id": rule.id,
        "workflow_id": await scene.workflow_id(),
        "since": base(),
        "failures": 3,
        "first_execution_id": first["id"],
        "last_execution_id": last["id"],
        "condition": '{"type":"failuresInARow","count":3}',
        **dict.fromkeys(("subject", "measured", "compared", "ended_at")),
    }
    rows = await select(scene.database, "outbox", "subject_id = $1 ORDER BY kind", id_)
    assert [row["kind"] for row in rows] == [MAILED, "alert.webhook"]
    assert scene.woken == 1
    await scene.fail(5, start=3)
    assert len(await scene.alerts()) == 1
    assert await select(scene.database, "alert_checks", "1 = 1") == []


async def test_workflows_are_counted_by_themselves(scene: Scene) -> None:
    everything = (await scene.rule(2)).rule
    await scene.fail(1, workflow="a")
    await scene.fail(1, workflow="b")
    assert await scene.alerts() == []
    only_b = (await scene.rule(2, workflow_id=await scene.workflow_id("b"))).rule
    await scene.fail(1, start=1, workflow="a")
    await scene.fail(1, start=1, workflow="b")
    fired = {(alert["rule_id"], alert["workflow_id"]) for alert in await scene.alerts()}
    a, b = await scene.workflow_id("a"), await scene.workflow_id("b")
    assert fired == {(everything.id, a), (everything.id, b), (only_b.id, b)}


async def test_a_failure_that_changes_its_workflow_counts_there(scene: Scene) -> None:
    await scene.rule(1)
    await scene.tell(finish("run", 1))
    assert len(await scene.alerts()) == 1
    await scene.tell(report("execution.queued", "run", 0, workflow="nightly"))
    fired = {alert["workflow_id"] for alert in await scene.alerts()}
    assert fired == {await scene.workflow_id("(unknown)"), await scene.workflow_id()}


async def test_a_success_that_was_none_after_all(scene: Scene) -> None:
    await scene.rule(3)
    await scene.tell(*run("a", 1), *run("b", 2, "SUCCEEDED"), *run("c", 3))
    assert await scene.alerts() == []
    await scene.tell(finish("b", 2.5))
    (alert,) = await scene.alerts()
    assert alert["failures"] == 3


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED"])
async def test_given_up_retry_whose_engine_reports_an_earlier_end(scene: Scene, state: str) -> None:
    """The engine's word corrects ours, also to an earlier time: what fails after that success is another streak."""
    await scene.rule(1)
    await scene.tell(run("retry", 0)[0])
    await scene.give_up("retry", 60)
    assert len(await scene.alerts()) == 1
    await scene.tell(finish("retry", 1, state), *run("good", 2, "SUCCEEDED"))
    await scene.fail(1, start=90)
    assert [alert["since"] - base() for alert in await scene.alerts()] == [60 * clock.SECOND, 90 * clock.SECOND]


async def test_a_streak_that_is_over_before_anybody_looks(scene: Scene) -> None:
    await scene.rule(2)
    ends = ["FAILED", "FAILED", "SUCCEEDED", "FAILED", "SUCCEEDED", "FAILED", "CANCELLED", "FAILED", "FAILED"]
    await scene.tell(*[each for at, state in enumerate(ends) for each in run(f"run-{at}", at, state)])
    alerts = await scene.alerts()
    assert [(alert["since"] - base(), alert["failures"]) for alert in alerts] == [(0, 2), (5 * clock.SECOND, 3)]
    first, last = (alerts[0][f"{which}_execution_id"] for which in ("first", "last"))
    rows = {row["id"]: row["external_id"] for row in await select(scene.database, "executions", "1 = 1")}
    assert (rows[first], rows[last]) == ("run-0", "run-1")
    await scene.tell(*run("late", 1.5))  # in one that has fired
    await scene.tell(*run("later", 3.5))  # in one that has not
    assert [(alert["since"] - base()) // clock.SECOND for alert in (await scene.alerts())[2:]] == [3]


async def test_of_streaks_that_are_over_the_newest_fire(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaks, "MAX_ENDED", 3)
    await scene.rule(1)
    ends = ["FAILED", "SUCCEEDED"] * 10
    await scene.tell(*[each for at, state in enumerate(ends) for each in run(f"run-{at}", at, state)])
    assert [(alert["since"] - base()) // clock.SECOND for alert in await scene.alerts()] == [14, 16, 18]


async def test_a_rule_fires_in_no_streak_without_a_new_failure(scene: Scene) -> None:
    await scene.fail(3)
    await scene.tell(*run("good", 4, "SUCCEEDED"), *run("bad", 5), *run("also good", 6, "SUCCEEDED"))
    assert await scene.alerts() == []
    await scene.rule(1)
    await scene.tell(*run("late", 5.5))
    assert [(alert["since"] - base()) // clock.SECOND for alert in await scene.alerts()] == [5]


@pytest.mark.parametrize(("seconds_ago", "alerts"), [(3590, 1), (3610, 0)])
async def test_failure_that_finished_an_hour_ago_fires_nothing(scene: Scene, seconds_ago: float, alerts: int) -> None:
    await scene.rule(1)
    now = (clock.now_us() - base()) / clock.SECOND
    await scene.tell(finish("old", now - seconds_ago))
    assert len(await scene.alerts()) == alerts


async def test_imports_never_fire_and_yet_count(scene: Scene) -> None:
    await scene.rule(3)
    await scene.tell(*[each for number in range(5) for each in run(f"run-{number}", number)], imported=True)
    assert await scene.alerts() == []
    await scene.fail(1, start=9)
    (alert,) = await scene.alerts()
    assert (alert["failures"], alert["since"]) == (6, base())


async def test_the_importer_says_that_it_imports(scene: Scene, tmp_path: Path) -> None:
    await scene.rule(1)
    path = tmp_path / "events.ndjson"
    path.write_text(json.dumps(finish("run", 0)))
    importer = Importer(scene.database, SEALER, path, Format.CLOUDEVENTS, tmp_path / "state")
    assert (await importer.run(shift_to_now=False, progress=lambda _: None)).accepted == 1
    assert await scene.alerts() == []


async def test_rules_that_are_off_or_gone_do_not_fire(scene: Scene) -> None:
    off = (await scene.rule(1, enabled=False)).rule
    gone = (await scene.rule(1)).rule
    await rules.delete(scene.database, "ada", gone.id)
    await scene.fail(2)
    assert await scene.alerts() == []
    await scene.rule(1, id=off.id)
    assert await scene.alerts() == []
    await scene.fail(1, start=2)
    (alert,) = await scene.alerts()
    assert (alert["rule_id"], alert["failures"]) == (off.id, 3)


async def test_a_success_that_was_pruned_ends_a_streak_still(scene: Scene) -> None:
    await scene.rule(2)
    await scene.fail(2)
    assert len(await scene.alerts()) == 1
    # Queued later than they finished, as their engine has it: two of these stay.
    await scene.tell(*run("good", 5, "SUCCEEDED"), *run("odd", 4), *run("early", -1, "SUCCEEDED"))
    later = base() + 9 * clock.SECOND
    await scene.run("UPDATE executions SET queued_at = $1 WHERE external_id IN ('odd', 'early')", later)
    assert await prune(scene.database, base() + 8 * clock.SECOND) == 3
    workflow_id = await scene.workflow_id()
    assert await streaks.lengths(scene.database, [workflow_id]) == {workflow_id: 0}
    await scene.fail(1, start=10)
    assert len(await scene.alerts()) == 1
    await scene.fail(1, start=11)
    assert [alert["failures"] for alert in await scene.alerts()] == [2, 2]


async def test_checks_left_by_a_crash_are_fired_by_the_next_process(scene: Scene) -> None:
    """Nobody looks: the process died after the commit. Another one begins."""
    await scene.rule(2)
    await scene.fail(3)
    assert len(await select(scene.database, "alert_checks", "1 = 1")) == 3
    successor = Firing(scene.database)
    await successor.start()
    try:
        await scene.until_fired()
    finally:
        await successor.close()
    assert [alert["failures"] for alert in await scene.alerts()] == [3]


async def test_a_transaction_that_fails_is_done_again_whole(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.rule(1)
    await scene.fail(1)

    async def broken(*_: object) -> str:
        raise OSError("no disk")

    monkeypatch.setattr(outbox, "add", broken)
    with pytest.raises(OSError, match="no disk"):
        await scene.firing.fire_all()
    assert await select(scene.database, "alerts", "1 = 1") == []
    monkeypatch.undo()
    assert len(await scene.alerts()) == 1
    assert len(await select(scene.database, "outbox", "1 = 1")) == 1


async def test_two_processes_fire_once(databases: list[Database], scene: Scene) -> None:
    await scene.rule(2)
    writers = [Ingestion(database, SEALER) for database in databases]
    scenes = [Scene(database) for database in (databases[0], databases[-1])]

    async def write(number: int) -> None:
        one = Scene(databases[number % len(databases)])
        one.ingestion = writers[number % len(databases)]
        await one.tell(*run(f"run-{number}", number % 7, workflow=f"w{number % 3}"))

    async def look(one: Scene) -> None:
        for _ in range(20):
            await one.firing.fire_all()
            await asyncio.sleep(0)

    await asyncio.gather(*(write(number) for number in range(30)), *(look(one) for one in scenes * 2))
    fired = await scene.alerts()
    assert sorted(alert["workflow_id"] for alert in fired) == sorted(
        [await scene.workflow_id(f"w{number}") for number in range(3)]
    )
    assert len(await select(scene.database, "outbox", "1 = 1")) == 3


async def test_only_one_fires_at_a_time(databases: list[Database], scene: Scene) -> None:
    if scene.database.dialect == "sqlite":
        return  # a transaction has the whole file
    await scene.rule(1)
    await scene.fail(1)
    held, go_on = asyncio.Event(), asyncio.Event()

    async def hold(transaction: Transaction) -> None:
        await transaction.lock(Lock.ALERTS)
        held.set()
        await go_on.wait()

    holder = asyncio.create_task(databases[1].transaction(hold))
    await held.wait()
    assert await scene.alerts() == []
    go_on.set()
    await holder
    assert len(await scene.alerts()) == 1


async def test_many_checks_take_several_transactions(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firing_module, "MAX_BATCH_CHECKS", 2)
    monkeypatch.setattr(firing_module, "_TAKE", firing_module._TAKE.replace("LIMIT 500", "LIMIT 2"))
    await scene.rule(1)
    for number in range(5):
        await scene.fail(1, workflow=f"w{number}")
    assert len(await scene.alerts()) == 5


@pytest.mark.parametrize("ends", [(3, 9), (9, 3), (9, 9)])
async def test_after_two_prunes_the_newest_success_is_remembered(scene: Scene, ends: tuple[int, int]) -> None:
    """Pruned in the order of their queuing, which need not be that in which they ended."""
    for number, end in enumerate(ends):
        await scene.tell(*run(f"good-{number}", end, "SUCCEEDED"), *run(f"also-{number}", end - 1, "SUCCEEDED"))
    await scene.tell(*run("before", 8), *run("after", 10))
    later = [base() + number * clock.SECOND for number in (1, 2)]
    await scene.run("UPDATE executions SET queued_at = $1 WHERE external_id IN ('good-1', 'also-1')", later[0])
    await scene.run("UPDATE executions SET queued_at = $1 WHERE external_id IN ('before', 'after')", later[1])
    assert [await prune(scene.database, at) for at in later] == [2, 2]
    workflow_id = await scene.workflow_id()
    assert await streaks.lengths(scene.database, [workflow_id]) == {workflow_id: 1}
    (row,) = await select(scene.database, "workflows", "id = $1", workflow_id)
    assert row["pruned_success_at"] == base() + 9 * clock.SECOND
