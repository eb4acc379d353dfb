# ruff: noqa: ASYNC110  # tests poll for what has no event to wait for
"""The fold takes in each delta once, and leaves what is not committed for later."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from typing import Any

import pytest

from app import clock
from app.changes.commits import Announcements
from app.db import Database, Transaction
from app.db.config import sqlite_path
from app.db.locks import Lock
from app.ingestion import Ingestion
from app.lifecycle import Status
from app.metrics import folding, rollups
from app.metrics.figures import summary
from app.metrics.filters import MetricsFilter
from app.metrics.folding import Folding, fold
from app.metrics.rollups import RollupChanges
from tests.app.reports import NOON, events, report, select
from tests.sealing import SEALER

WHERE = MetricsFilter.of(start=NOON - clock.DAY, end=NOON + clock.DAY)


async def finish(database: Database, subject: str, state: str = "SUCCEEDED", at: int = 2) -> None:
    reports = [report("execution.started", subject), report("execution.finished", subject, at=at, state=state)]
    await Ingestion(database, SEALER).record(events(reports))


async def test_rows_of_every_detail_and_grain(database: Database) -> None:
    for number in range(3):
        await finish(database, f"run-{number}")
    assert await fold(database) == 3
    rows = await select(database, "metric_rollups", "1 = 1")
    assert {(row["detail"], row["grain"]) for row in rows} == {(s, g) for s in (0, 1, 2, 3) for g in (0, 1)}
    assert {(row["executions"], row["timed"], row["duration_seconds"]) for row in rows} == {(3, 3, 6)}
    assert {row["start"] for row in rows} == {NOON - NOON % clock.HOUR, NOON - NOON % clock.DAY}
    assert await fold(database) == 0


async def test_deltas_that_cancel_out_leave_no_row(database: Database) -> None:
    await finish(database, "run", "FAILED")
    await fold(database)
    assert len(await select(database, "metric_error_groups", "1 = 1")) == 2
    await finish(database, "run", "SUCCEEDED", at=3)
    assert await fold(database) == 2
    assert await select(database, "metric_error_groups", "1 = 1") == []
    assert {row["status"] for row in await select(database, "metric_rollups", "1 = 1")} == {Status.SUCCESS}


async def test_deltas_are_taken_in_the_order_of_their_ids(database: Database) -> None:
    """Wherever they lie in the table: what happened to an execution first is taken in first."""
    columns = ("id", "hour", "workflow_id", "trigger_kind", "status", "sign")
    rows = [(id_, NOON - NOON % clock.HOUR, "a" * 32, f"k{id_}", int(Status.SUCCESS), 1) for id_ in (30, 10, 20, 40)]
    await database.transaction(lambda transaction: transaction.insert("metric_deltas", columns, rows))
    taken = []
    for limit in (1, 2, 1):
        assert await fold(database, limit) == limit
        found = await select(database, "metric_rollups", "detail = 0 AND grain = 0")
        taken.append({row["trigger_kind"] for row in found})
    assert taken == [{"k10"}, {"k10", "k20", "k30"}, {"k10", "k20", "k30", "k40"}]


async def test_uncommitted_deltas_are_folded_later(databases: list[Database]) -> None:
    database = databases[0]
    if database.dialect == "sqlite":
        return  # one transaction has the whole file
    written, go_on = asyncio.Event(), asyncio.Event()

    async def work(transaction: Transaction) -> None:
        await transaction.fetch(
            "INSERT INTO metric_deltas (hour, workflow_id, trigger_kind, status, sign) VALUES ($1, $2, 'k', 1, 1)",
            NOON - NOON % clock.HOUR,
            "a" * 32,
        )
        written.set()
        await go_on.wait()

    slow = asyncio.create_task(databases[1].transaction(work))
    await written.wait()
    await finish(database, "run")  # has a greater key, and is committed before
    assert await fold(database) == 1
    assert (await summary(database, WHERE)).total == 1
    go_on.set()
    await slow
    assert (await summary(database, WHERE)).total == 2
    assert await fold(database) == 1
    assert (await summary(database, WHERE)).total == 2


async def test_only_one_folds_at_a_time(databases: list[Database]) -> None:
    database = databases[0]
    if database.dialect == "sqlite":
        return
    await finish(database, "run")
    held, go_on = asyncio.Event(), asyncio.Event()

    async def work(transaction: Transaction) -> None:
        assert await transaction.try_lock(Lock.ROLLUPS)
        held.set()
        await go_on.wait()

    other = asyncio.create_task(databases[1].transaction(work))
    await held.wait()
    assert await Folding(database).fold_all() == 0  # it does not wait, and does not turn in circles
    go_on.set()
    await other
    assert await Folding(database).fold_all() == 1


async def test_reader_during_a_fold_sees_each_delta_once(databases: list[Database]) -> None:
    database = databases[0]
    reports = [report("execution.finished", f"run-{number}", state="SUCCEEDED") for number in range(60)]
    await Ingestion(database, SEALER).record(events(reports))
    seen: list[int] = []

    async def read_on() -> None:
        while len(seen) < 1_000:
            seen.append((await summary(database, WHERE)).succeeded.count)

    reader = asyncio.create_task(read_on())
    for number in range(60):
        assert await fold(databases[number % len(databases)], 1) == 1
    folded_during = len(seen)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    assert folded_during > 10
    assert set(seen) == {60}


@pytest.mark.parametrize(("runs", "aside"), [(3, False), (rollups.MAX_INLINE_ROWS + 1, True)])
async def test_much_is_taken_in_aside(
    database: Database, monkeypatch: pytest.MonkeyPatch, runs: int, aside: bool
) -> None:
    """5,000 deltas take 0.1 s, in which the server would answer nobody."""
    threads: list[int] = []
    for owner, name in ((RollupChanges, "of"), (rollups, "_added_up")):
        work = getattr(owner, name)

        def watched(*given: Any, work: Any = work) -> Any:
            threads.append(threading.get_ident())
            return work(*given)

        monkeypatch.setattr(owner, name, watched)
    hours = [report("execution.finished", f"run-{n}", at=-n * 3600, state="SUCCEEDED") for n in range(runs)]
    await Ingestion(database, SEALER).record(events(hours))
    assert await fold(database) == runs
    assert [thread != threading.get_ident() for thread in threads] == [aside, aside]
    rows = await select(database, "metric_rollups", "detail = 2 AND grain = 0")
    assert [row["executions"] for row in rows] == [1] * runs


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_nobody_waits_between_folds_where_readers_and_writers_do_not_wait_for_each_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "PAUSE_SECONDS", 60)
    monkeypatch.setattr(folding, "MAX_BATCH_DELTAS", 1)
    for number in range(2):
        await finish(database, f"run-{number}")
    assert await asyncio.wait_for(Folding(database).fold_all(), 30) == 2


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_others_get_a_turn(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite hands its lock to nobody: whoever waits in another process has to come by when it is free."""
    apply = rollups.apply

    async def slowly(*given: Any) -> None:
        await apply(*given)
        await asyncio.sleep(0.25)

    monkeypatch.setattr(rollups, "apply", slowly)
    monkeypatch.setattr(folding, "MAX_BATCH_DELTAS", 1)
    reports = [report("execution.finished", f"run-{number}", state="SUCCEEDED") for number in range(10)]
    await Ingestion(database, SEALER).record(events(reports))

    def write() -> None:
        with closing(sqlite3.connect(sqlite_path(database_url), timeout=15, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")

    folded = asyncio.create_task(Folding(database).fold_all())
    await asyncio.sleep(0.05)
    await asyncio.to_thread(write)
    assert not folded.done()
    assert await folded == 10


@pytest.mark.parametrize("told", [True, False])
async def test_fold_runs_in_the_background(database: Database, monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    """Soon after a commit, and regularly without one: another process may have committed."""
    monkeypatch.setattr("app.metrics.folding.SWEEP_SECONDS", 1_000 if told else 0.05)
    folding = Folding(database)
    await folding.start()
    ingestion = Ingestion(database, SEALER, Announcements([folding.on_commit] if told else []))
    try:
        for state in ("SUCCEEDED", "FAILED"):
            await ingestion.record(events([report("execution.finished", state, state=state)]))
            async with asyncio.timeout(20):
                while await select(database, "metric_deltas", "1 = 1"):
                    await asyncio.sleep(0.01)
    finally:
        await folding.close()
    rows = await select(database, "metric_rollups", "detail = 3 AND grain = 0")
    assert [row["executions"] for row in rows] == [1, 1]
