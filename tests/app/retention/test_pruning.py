"""Pruning deletes finished executions with everything below them, and announces it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app import changes
from app.changes import revisions
from app.db import Database, Transaction
from app.executions.filters import ExecutionFilter
from app.ingestion import Ingestion
from app.lifecycle import State
from app.live import feed as live_feed
from app.live.feed import Feed
from app.live.updates import Change
from app.retention import pruning
from app.retention.pruning import prune
from tests.app.reports import NOON, events, line, report, row_of, select, step
from tests.factories import execution_row, insert_engine, insert_executions, insert_workflow
from tests.sealing import SEALER

LIFE = [
    report("execution.queued", trigger={"kind": "k", "data": {"token": "s3cr3t-value"}}, definition=["a"]),
    step("started", 0, at=1, input={"a": 1}),
    line("hello", at=1),
    report("execution.finished", at=2, state="FAILED", error={"message": "m", "stackTrace": "t"}),
]
TABLES = ("executions", "execution_payloads", "execution_secrets", "steps", "step_payloads", "log_entries")


async def test_old_finished_execution_goes_with_everything_below_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "MAX_BATCH_EXECUTIONS", 2)
    ingestion = Ingestion(database, SEALER)
    for number in range(5):
        await ingestion.record(events(LIFE, f"old-{number}"))
    await ingestion.record(events([report("execution.started")], "running"))
    await ingestion.record(events([report("execution.queued", at=50)], "new"))
    kept = {table: await select(database, table, "1 = 1") for table in TABLES}
    _, before = await revisions.revision_of(database)
    told: list[int] = []
    assert await prune(database, NOON + 10_000_000, told.append) == 5
    assert told == [2, 4, 5]
    left = {table: await select(database, table, "1 = 1") for table in TABLES}
    assert {row["external_id"] for row in left["executions"]} == {"running", "new"}
    alive = {row["id"] for row in left["executions"]}
    for table in TABLES[1:]:
        assert left[table] == [row for row in kept[table] if row["execution_id"] in alive]
    tombstones = await changes.since(database, before, 100)
    assert len(tombstones) == 5
    assert all(each.execution is None for each in tombstones)
    assert await prune(database, NOON + 10_000_000) == 0


async def test_the_oldest_go_first(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what was broken off has left no hole."""
    monkeypatch.setattr(pruning, "MAX_BATCH_EXECUTIONS", 2)
    workflow_id = await insert_workflow(database, await insert_engine(database, "engine"), "w")
    ages = {"d": 2, "c": 1, "a": 0, "b": 1}
    await insert_executions(
        database,
        *(
            execution_row(id=letter * 32, external_id=letter, queued_at=NOON + at, workflow_id=workflow_id)
            for letter, at in ages.items()
        ),
    )

    def break_off(_: int) -> None:
        raise InterruptedError

    for left in ({"c", "d"}, set()):
        with pytest.raises(InterruptedError):
            await prune(database, NOON + 10, break_off)
        assert {row["external_id"] for row in await select(database, "executions", "1 = 1")} == left


@pytest.mark.parametrize("state", State)
async def test_running_executions_are_kept_and_silent_ones_are_not(database: Database, state: State) -> None:
    await Ingestion(database, SEALER).record(events([report("execution.started")]))

    async def set_state(transaction: Transaction) -> None:
        await transaction.fetch("UPDATE executions SET state = $1, status = $2", int(state), int(state.status))

    await database.transaction(set_state)
    runs = state in (State.QUEUED, State.RUNNING, State.WAITING)
    assert await prune(database, NOON) == 0  # queued at that time, not before
    assert await prune(database, NOON + 1) == (0 if runs else 1)


async def test_an_event_of_a_deleted_run_makes_it_anew(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events(LIFE))
    first = (await row_of(database))["id"]
    await prune(database, NOON + 10_000_000)
    await ingestion.record(events([report("execution.heartbeat", at=9)]))
    assert (await row_of(database))["id"] != first


async def test_forgotten_tombstones_make_who_was_away_list_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "MAX_TOMBSTONES", 1)
    for number in range(4):
        await Ingestion(database, SEALER).record(events(LIFE, f"run-{number}"))
    epoch, before = await revisions.revision_of(database)
    await prune(database, NOON + 10_000_000)
    assert len(await select(database, "execution_revisions", "deleted")) == 1
    feed = Feed(database)
    await feed.start()
    update = await anext(feed.watch(ExecutionFilter(), revisions.updates_cursor(epoch, before)))
    assert update.change is Change.RESYNC
    await feed.close()


@pytest.mark.parametrize("amid_a_read", [True, False])
async def test_a_process_that_slept_while_tombstones_were_forgotten_makes_everybody_list_again(
    database: Database, monkeypatch: pytest.MonkeyPatch, amid_a_read: bool
) -> None:
    monkeypatch.setattr(pruning, "MAX_TOMBSTONES", 1)
    monkeypatch.setattr(live_feed, "SWEEP_SECONDS", 1_000)
    feed = Feed(database)
    await feed.start()
    updates = feed.watch(ExecutionFilter())
    first = asyncio.ensure_future(anext(updates))
    await asyncio.sleep(0)
    for number in range(4):
        await Ingestion(database, SEALER).record(events(LIFE, f"run-{number}"))
    feed.notify()
    told = [await first, *[await anext(updates) for _ in range(3)]]
    assert {update.change for update in told} == {Change.FINISHED}
    since = changes.since

    async def overtaken(*given: Any) -> Any:
        monkeypatch.setattr(changes, "since", since)
        await prune(database, NOON + 10_000_000)
        return await since(*given)

    if amid_a_read:
        monkeypatch.setattr(changes, "since", overtaken)
        await Ingestion(database, SEALER).record(events([report("execution.heartbeat", at=9)], "another"))
    else:
        await prune(database, NOON + 10_000_000)
    feed.notify()
    update = await anext(updates)
    assert update.change is Change.RESYNC
    assert update.cursor == revisions.updates_cursor(*await revisions.revision_of(database))
    await updates.aclose()
    await feed.close()
