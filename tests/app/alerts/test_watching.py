"""The clock of alerts: each condition fires once, ends, and is armed again; whoever looks, and whatever it holds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app import clock, put_back
from app.alerts import rules
from app.alerts.conditions import (
    AnyCondition,
    EngineSilent,
    FailureRate,
    NewErrorGroup,
    NoRun,
    RegressedErrorGroup,
    SlowRun,
)
from app.alerts.quiet_hours import QuietHours
from app.alerts.raising import Finding
from app.alerts.readings import START, Readings
from app.alerts.rules import AlertRule
from app.alerts.watching import Watching
from app.db import Database
from app.error_groups import marks
from app.error_groups.marks import GroupState, Marking
from app.errors import TimedOut
from tests.app.alerts.scene import Scene, finish, report, run
from tests.app.reports import select


class Watched:
    """A scene by a clock of its own, which every part of the server reads."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scene = Scene(database)
        self.database = database
        self.woken = 0
        self.watching = Watching(database, self._wake)
        self.watching.readings.started_at -= 2 * START
        self.ahead = 0
        real = clock.now_us
        monkeypatch.setattr(clock, "now_us", lambda: real() + self.ahead)

    def _wake(self) -> None:
        self.woken += 1

    def wait(self, minutes: float) -> None:
        """Time goes by."""
        self.ahead += round(minutes * clock.MINUTE)

    async def look(self, minutes: float = 0) -> list[tuple[int, bool]]:
        """A look after some minutes: of each alert, oldest first, its failures and whether it is over."""
        self.wait(minutes)
        await self.watching.look()
        rows = await select(self.database, "alerts", "1 = 1 ORDER BY fired_at, id")
        return [(row["failures"], row["ended_at"] is not None) for row in rows]

    async def rule(self, condition: int | AnyCondition, **given: Any) -> str:
        return (await self.scene.rule(condition, **given)).rule.id

    async def notices(self) -> list[tuple[str, bool]]:
        """What was told, oldest first: its kind, and whether it is in the outbox."""
        rows = await select(self.database, "alert_notices", "1 = 1 ORDER BY created_at, id")
        sent = {row["subject_id"] for row in await select(self.database, "outbox", "1 = 1")}
        return [(row["kind"], row["id"] in sent) for row in rows]

    def now(self, seconds: float = 0) -> str:
        return clock.to_rfc3339(clock.now_us() + round(seconds * clock.SECOND))

    async def ran(self, subject: str, state: str = "SUCCEEDED", seconds: float = 1, **data: Any) -> None:
        """A run of the workflow that ends now and took so long."""
        begun = {"time": self.now(-seconds)}
        queued = report("execution.queued", subject, 0, workflow="nightly") | begun
        started = report("execution.started", subject, 0) | begun
        await self.scene.tell(queued, started, finish(subject, 0, state, **data) | {"time": self.now()})
        await self.scene.run("UPDATE engines SET last_seen_at = $1", clock.now_us())  # as the door does


@pytest.fixture
def watched(database: Database, monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(database, monkeypatch)


RESOLVE = Marking(GroupState.RESOLVED)
RATE = FailureRate(50, 60, 4)


async def test_a_rate_fires_once_and_again_after_a_clean_window(watched: Watched) -> None:
    await watched.rule(RATE, notify_recovery=True)
    for number in range(3):
        await watched.ran(f"f{number}", "FAILED")
    assert await watched.look() == [], "fewer than the least number of runs"
    await watched.ran("s0")
    await watched.ran("c0", "CANCELLED")
    assert await watched.look(1) == [(3, False)]
    (alert,) = await select(watched.database, "alerts", "1 = 1")
    assert (alert["measured"], alert["compared"], alert["subject"]) == (3, 4, alert["workflow_id"])
    await watched.ran("f4", "FAILED")
    assert await watched.look(1) == [(3, False)], "once"
    for number in range(1, 9):
        await watched.ran(f"s{number}")
    assert await watched.look(30) == [(3, False)], "the window is not clean yet"
    assert await watched.look(31) == [(3, True)]
    assert await watched.notices() == [("FIRED", True), ("ENDED", True)]
    for number in range(5, 9):
        await watched.ran(f"f{number}", "FAILED")
    assert await watched.look(1) == [(3, True), (4, False)]


async def test_a_slow_run_fires_while_it_runs(watched: Watched) -> None:
    await watched.rule(SlowRun(3))
    for number in range(20):
        await watched.ran(f"s{number}", seconds=10 if number % 2 else 20)
    await watched.ran("within", seconds=50)
    assert await watched.look() == []
    queued = report("execution.queued", "long", 0, workflow="nightly") | {"time": watched.now()}
    started = report("execution.started", "long", 0) | {"time": watched.now()}
    await watched.scene.tell(queued, started)
    assert await watched.look(0.5) == []
    assert await watched.look(1) == [(0, False)]
    (alert,) = await select(watched.database, "alerts", "1 = 1")
    assert alert["compared"] // clock.SECOND == 20
    assert alert["measured"] >= 90 * clock.SECOND
    await watched.scene.tell(finish("long", 0, "SUCCEEDED") | {"time": watched.now()})
    assert await watched.look(59) == [(0, False)]
    assert await watched.look(2) == [(0, True)], "an hour without one"


async def test_no_run_fires_for_what_is_overdue_and_ends_with_a_run(watched: Watched) -> None:
    for _ in range(6):
        await watched.ran(f"s{watched.ahead}")
        watched.wait(10)
    await watched.rule(NoRun(None), notify_recovery=True)
    assert await watched.look(10) == [], "less than three times the usual gap"
    assert await watched.look(15) == [(0, False)]
    (alert,) = await select(watched.database, "alerts", "1 = 1")
    assert alert["compared"] // clock.MINUTE == 30
    await watched.ran("again")
    assert await watched.look(1) == [(0, True)]
    assert [kind for kind, _ in await watched.notices()] == ["FIRED", "ENDED"]
    assert len(await watched.look(60)) == 2


async def test_a_rule_about_everything_fires_for_what_comes_and_one_about_a_workflow_at_once(watched: Watched) -> None:
    await watched.ran("old")
    watched.wait(60)
    await watched.rule(NoRun(30))
    assert await watched.look(1) == [], "it was so before"
    await watched.rule(NoRun(30), workflow_id=await watched.scene.workflow_id())
    assert await watched.look(1) == [(0, False)]


async def test_an_engine_that_is_silent(watched: Watched) -> None:
    await watched.rule(EngineSilent(20, None), notify_recovery=True)
    await watched.ran("run")
    assert await watched.look(15) == []
    assert await watched.look(10) == [(0, False)]
    await watched.ran("again")
    assert await watched.look(1) == [(0, True)]
    assert [kind for kind, _ in await watched.notices()] == ["FIRED", "ENDED"]


async def test_rules_are_looked_at_after_the_clock_was_put_back(watched: Watched) -> None:
    watched.wait(360)
    watched.watching = Watching(watched.database)
    await watched.rule(EngineSilent(20, None))
    await watched.ran("run")
    await watched.look()
    watched.wait(-360)
    await watched.database.transaction(lambda transaction: put_back.pull_in(transaction, clock.now_us()))
    assert await watched.look(1) == []
    assert len(await watched.look(20)) == 1


async def test_nobody_is_silent_while_the_server_was_away(watched: Watched) -> None:
    await watched.rule(EngineSilent(20, None))
    await watched.rule(NoRun(20))
    await watched.ran("run")
    watched.wait(60)
    watched.watching.readings.started_at = clock.now_us()
    assert await watched.look(4) == []
    assert len(await watched.look(2)) == 2, "five minutes to report in are over"


async def test_a_new_error_fires_once_for_its_group_and_is_over(watched: Watched) -> None:
    await watched.rule(NewErrorGroup(), notify_recovery=True)
    error = {"type": "KeyError", "message": "no such key"}
    for number in range(3):
        await watched.ran(f"f{number}", "FAILED", error=error)
    await watched.scene.firing.fire_all()
    await watched.ran("f3", "FAILED", error=error)
    await watched.scene.firing.fire_all()
    assert await watched.look() == [(1, True)]
    await watched.ran("f4", "FAILED", error={"type": "ValueError", "message": "another"})
    await watched.scene.firing.fire_all()
    assert await watched.look() == [(1, True), (1, True)]
    assert await watched.notices() == [("FIRED", True)] * 2, "nothing that recovers"


async def test_an_error_that_is_known_is_not_new(watched: Watched) -> None:
    error = {"type": "KeyError", "message": "no such key"}
    await watched.ran("f0", "FAILED", error=error)
    watched.wait(120)
    await watched.rule(NewErrorGroup())
    await watched.ran("f1", "FAILED", error=error)
    await watched.scene.firing.fire_all()
    assert await watched.look() == []


async def test_a_resolved_error_that_comes_back_fires_once_until_it_is_resolved_again(watched: Watched) -> None:
    await watched.rule(RegressedErrorGroup())
    error = {"type": "KeyError", "message": "no such key"}
    await watched.ran("f0", "FAILED", error=error)
    ((group,),) = await watched.database.fetch("SELECT error_group_id FROM executions")
    for times in (1, 2):
        await marks.mark(watched.database, "ada", group, RESOLVE)
        watched.wait(1)
        for number in range(2):
            await watched.ran(f"f{times}{number}", "FAILED", error=error)
            await watched.scene.firing.fire_all()
        assert await watched.look(1) == [(1, True)] * times


async def test_the_end_of_a_streak_is_told_once(watched: Watched) -> None:
    await watched.rule(2, notify_recovery=True)
    await watched.rule(2)
    await watched.scene.fail(2)
    await watched.scene.firing.fire_all()
    assert await watched.look() == [(2, False)] * 2
    await watched.scene.tell(*run("good", 5, "SUCCEEDED"))
    assert await watched.look() == [(2, True)] * 2
    assert await watched.look() == [(2, True)] * 2
    assert await watched.notices() == [("FIRED", True), ("FIRED", True), ("ENDED", True)]
    (alert, _) = await select(watched.database, "alerts", "1 = 1")
    (success,) = await select(watched.database, "executions", "external_id = 'good'")
    assert alert["ended_at"] == success["finished_at"]


async def test_quiet_hours_hold_everything_for_one_digest(watched: Watched) -> None:
    def clock_at(minutes: int) -> str:
        return clock.to_rfc3339(clock.now_us() + minutes * clock.MINUTE)[11:16]

    quiet = QuietHours(clock_at(-60), clock_at(120), "UTC")
    await watched.rule(1, quiet_hours=quiet, notify_recovery=True)
    await watched.scene.fail(1, workflow="alone")
    await watched.scene.firing.fire_all()
    await watched.scene.tell(*run("good", 5, "SUCCEEDED", workflow="alone"))
    assert await watched.look() == [(1, True)]
    assert await watched.notices() == [("FIRED", False), ("ENDED", False)]
    await watched.look(125)
    assert await watched.notices() == [("FIRED", False), ("ENDED", False), ("DIGEST", True)]
    await watched.look(1)
    assert len(await select(watched.database, "outbox", "1 = 1")) == 1


async def test_one_that_is_held_goes_out_as_itself(watched: Watched) -> None:
    begin = clock.to_rfc3339(clock.now_us() - clock.HOUR)[11:16]
    end = clock.to_rfc3339(clock.now_us() + clock.HOUR)[11:16]
    await watched.rule(1, quiet_hours=QuietHours(begin, end, "UTC"))
    await watched.scene.fail(1)
    await watched.scene.firing.fire_all()
    await watched.look(62)
    assert await watched.notices() == [("FIRED", True)]


async def test_a_rule_that_is_changed_off_or_deleted_ends_what_it_said_without_a_word(watched: Watched) -> None:
    await watched.ran("run")
    id_ = await watched.rule(EngineSilent(5, None), notify_recovery=True)
    assert await watched.look(6) == [(0, False)]
    await watched.scene.rule(EngineSilent(50, None), id=id_)
    assert await watched.look() == [(0, True)]
    await watched.scene.rule(EngineSilent(5, None), id=id_, enabled=False)
    assert len(await watched.look(60)) == 1
    await rules.delete(watched.database, "ada", id_)
    assert len(await watched.look(60)) == 1
    assert await watched.notices() == [("FIRED", True)]


async def test_a_rule_that_cannot_be_read_holds_up_no_other(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = await watched.rule(EngineSilent(5, None))
    await watched.rule(EngineSilent(5, None))
    await watched.ran("run")
    of = Readings.of

    async def read(readings: Readings, database: Database, rule: AlertRule, now: int) -> list[Finding]:
        if rule.id == broken:
            raise TimedOut(5.0, "SELECT 1", ())
        return await of(readings, database, rule, now)

    monkeypatch.setattr(Readings, "of", read)
    assert await watched.look(6) == [(0, False)]
    monkeypatch.undo()


async def test_several_that_look_at_once_fire_once(watched: Watched) -> None:
    for _ in range(3):
        await watched.rule(EngineSilent(5, None))
    await watched.ran("run")
    watched.wait(6)
    others = [Watching(watched.database) for _ in range(3)]
    for other in others:
        other.readings.started_at = 0
    await asyncio.gather(*(other.look() for other in others))
    assert len(await watched.look()) == 3
    assert watched.woken == 0
