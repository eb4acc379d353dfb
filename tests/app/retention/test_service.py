"""Retention by itself: nothing goes before it was announced and a grace is over, and one process at a time does it."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from app import clock
from app.db import Database
from app.lifecycle import State
from app.retention import state
from app.retention.rules import Rules
from app.retention.service import Retention
from app.retention.turns import LEASE_SECONDS
from tests.app.retention.scene import left, runs, workflow


@pytest.fixture
async def filled(database: Database) -> Database:
    ages = (("old", 40, State.SUCCEEDED), ("new", 4, State.SUCCEEDED))
    await runs(database, await workflow(database), *ages)
    return database


def said(logs: Any) -> list[str]:
    return [entry["event"] for entry in logs if entry["log_level"] in ("info", "warning")]


async def test_announcement_comes_before_a_grace_and_the_first_deletion(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now_us()
    monkeypatch.setattr(clock, "now_us", lambda: now)
    one, other = (Retention(filled, Rules(days=30), 3600) for _ in range(2))
    with capture_logs() as logs:
        await one.look()
        await other.look()
    (line,) = logs  # new files give space back: no advice
    assert line == {
        "event": "retention_announced",
        "log_level": "warning",
        "rules": {"days": 30},
        "would_delete": {"executions": 1},
        "first_deletion": clock.to_rfc3339(now + clock.HOUR),
    }
    now += clock.HOUR - 1
    await one.look()
    assert len(await left(filled)) == 2
    now += 1
    with capture_logs() as logs:
        await other.look()
        await one.look()
    assert await left(filled) == {"new"}
    assert said(logs) == ["retention_deleted"]
    assert logs[0]["executions"] == 1
    # The next turn is a while away.
    await runs(filled, await workflow(filled, "another"), ("older", 50, State.SUCCEEDED))
    await other.look()
    assert await left(filled) == {"new", "older"}
    now += round(LEASE_SECONDS * 5 * clock.SECOND)
    await one.look()
    assert await left(filled) == {"new"}


async def test_other_rules_are_announced_anew(filled: Database) -> None:
    for days in (30, 20, 30):
        with capture_logs() as logs:
            await Retention(filled, Rules(days=days), 3600).look()
        assert said(logs) == ["retention_announced"]
    assert len(await left(filled)) == 2


async def test_turn_of_a_killed_process_is_taken_over(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now_us()
    monkeypatch.setattr(clock, "now_us", lambda: now)
    retention = Retention(filled, Rules(days=30), 0)
    await retention.look()
    assert await filled.transaction(retention._claim)
    assert not await filled.transaction(retention._claim)
    await retention.look()
    assert len(await left(filled)) == 2
    now += round(LEASE_SECONDS * clock.SECOND)
    await retention.look()
    assert await left(filled) == {"new"}
    assert (await state.read(filled)).ended_at == now


async def test_without_rules_it_does_not_begin(filled: Database) -> None:
    retention = Retention(filled, None, 0)
    await retention.start()
    assert retention._task is None
    await retention.close()
