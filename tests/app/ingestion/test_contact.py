"""Silence is visible, is not a failure, and ends with the next event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from app import clock
from app.changes.commits import Announcements, Committed
from app.db import Database, Transaction
from app.db.locks import Lock
from app.engines.connections import connect_webhook
from app.ingestion import Ingestion
from app.ingestion.contact import ContactSweep
from app.lifecycle import State, Status
from app.retries import Asked, Retries
from specs.harness.waiting import until
from tests.app.reports import events, newest_revision, report, row_of, select
from tests.sealing import SEALER

LIMIT = 100.0


async def age(database: Database, subject: str, seconds: float) -> None:
    """Have the last event of an execution come in so long ago."""

    async def work(transaction: Transaction) -> None:
        received_at = clock.now_us() - round(seconds * clock.SECOND)
        await transaction.fetch("UPDATE executions SET received_at = $1 WHERE external_id = $2", received_at, subject)

    await database.transaction(work)


async def state_of(database: Database, subject: str) -> State:
    return State((await row_of(database, subject))["state"])


async def test_the_silent_are_marked_and_come_back(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    given = {
        "queued": report("execution.queued"),
        "running": report("execution.started"),
        "waiting": report("execution.waiting"),
        "talking": report("execution.started"),
        "done": report("execution.finished", state="FAILED"),
    }
    for subject, one in given.items():
        await ingestion.record(events([one], subject))
        await age(database, subject, 50 if subject == "talking" else 150)
    before, began = await newest_revision(database), clock.now_us()
    heard: list[Committed] = []
    assert await ContactSweep(database, LIMIT, Announcements([heard.append])).sweep() == 1
    assert await newest_revision(database) == before + 1
    (told,) = heard
    assert len(told.changed) == 1
    lost = [subject for subject in given if await state_of(database, subject) is State.CONTACT_LOST]
    assert lost == ["running"]  # the others have not begun, or wait for something
    running, talking = await row_of(database, "running"), await row_of(database, "talking")
    assert running["status"] == Status.PENDING
    assert talking["updated_at"] < began <= running["updated_at"]
    assert await ContactSweep(database, LIMIT).sweep() == 0
    await ingestion.record(events([report("execution.heartbeat", at=9)], "waiting"))
    assert await state_of(database, "waiting") is State.WAITING
    await ingestion.record(events([report("execution.finished", at=9, state="SUCCEEDED")], "running"))
    assert await state_of(database, "running") is State.SUCCEEDED


async def test_a_retry_is_not_silent_before_it_is_delivered(database: Database) -> None:
    await connect_webhook(database, SEALER, "engine", "http://127.0.0.1:9/", replace=False)
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events([report("execution.finished", state="FAILED")]))
    original = (await row_of(database))["id"]
    retries = Retries(database, SEALER)
    made = await retries.request(Asked(original, "ada"))
    subject = (await select(database, "executions", "id = $1", made.id))[0]["external_id"]
    await age(database, subject, 150)
    assert await ContactSweep(database, LIMIT).sweep() == 0
    await ingestion.record(events([report("execution.started", at=1)], subject))
    await age(database, subject, 150)
    before = await newest_revision(database)
    assert await ContactSweep(database, LIMIT).sweep() == 1
    # Its ancestors read differently: it is no longer in progress.
    assert await newest_revision(database) == before + 2
    assert (await retries.request(Asked(original, "ada"))).created


@pytest.mark.parametrize("at_once", [1, 2])
async def test_many_are_marked_in_several_transactions(
    database: Database, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("app.ingestion.contact.MAX_BATCH_ROWS", at_once)
    for number in range(5):
        await Ingestion(database, SEALER).record(events([report("execution.started")], f"run-{number}"))
        await age(database, f"run-{number}", 150)
    assert await ContactSweep(database, LIMIT).sweep() == 5


async def test_a_heartbeat_keeps_a_silent_run_from_being_marked(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events([report("execution.started", at=5)]))
    for number, at in enumerate((9, 1)):  # by when it came in, whatever time it names
        await age(database, "run", 150)
        await ingestion.record(events([report("execution.heartbeat", at=at, id_=f"heartbeat-{number}")]))
        assert await ContactSweep(database, LIMIT).sweep() == 0
        assert await state_of(database, "run") is State.RUNNING


async def test_sweep_runs_in_the_background_unless_the_limit_is_0(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ingestion.contact.SWEEP_SECONDS", 0.02)
    await Ingestion(database, SEALER).record(events([report("execution.started")]))
    await age(database, "run", 150)
    never = ContactSweep(database, 0)
    await never.start()
    await asyncio.sleep(0.2)
    await never.close()
    assert await state_of(database, "run") is State.RUNNING
    sweep = ContactSweep(database, LIMIT)
    await sweep.start()

    async def lost() -> bool:
        return await state_of(database, "run") is State.CONTACT_LOST

    await until(lost, "contact lost")
    await sweep.close()
    await Ingestion(database, SEALER).record(events([report("execution.started", at=1)]))
    await age(database, "run", 150)
    await asyncio.sleep(0.2)
    assert await state_of(database, "run") is State.RUNNING


async def test_the_log_says_how_many_were_marked(database: Database) -> None:
    await Ingestion(database, SEALER).record(events([report("execution.started")]))
    await age(database, "run", 150)
    with capture_logs() as logs:
        for _ in range(2):
            await ContactSweep(database, LIMIT).sweep()
    assert [(entry["event"], entry["executions"]) for entry in logs] == [("contact_lost", 1)]


async def test_revisions_are_taken_in_the_order_of_ids(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    line: list[str] = []
    for number in range(7):
        given = {"retryOf": f"execution_{line[-1]}"} if line else {}
        await ingestion.record(events([report("execution.queued", at=-number, **given)], f"above-{number}"))
        last = report("execution.finished", at=9, state="FAILED") if number < 6 else report("execution.started")
        await ingestion.record(events([last], f"above-{number}"))
        line.append((await row_of(database, f"above-{number}"))["id"])
    alone = []
    for number in range(6):
        await ingestion.record(events([report("execution.started", at=-number)], f"alone-{number}"))
        alone.append((await row_of(database, f"alone-{number}"))["id"])
        await age(database, f"alone-{number}", 150)
    await age(database, "above-6", 150)
    heard: list[Committed] = []
    assert await ContactSweep(database, LIMIT, Announcements([heard.append])).sweep() == 7
    assert heard[0].changed == [*sorted([*alone, line[-1]]), *sorted(line[:-1])]


async def test_one_is_silent_when_the_limit_is_over(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await Ingestion(database, SEALER).record(events([report("execution.started")]))
    now = (await row_of(database))["received_at"] + round(LIMIT * clock.SECOND)
    for at, marked in ((now, 0), (now + 1, 1)):
        monkeypatch.setattr(clock, "now_us", lambda at=at: at)
        assert await ContactSweep(database, LIMIT).sweep() == marked


async def test_silence_begins_when_the_clock_is_put_back(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await Ingestion(database, SEALER).record(events([report("execution.started")]))
    now = clock.now_us()
    await age(database, "run", -6 * 3600)
    for at, marked in ((now, 0), (now + round(LIMIT * clock.SECOND) + 1, 1)):
        monkeypatch.setattr(clock, "now_us", lambda at=at: at)
        assert await ContactSweep(database, LIMIT).sweep() == marked


async def test_only_one_sweeps_at_a_time(databases: list[Database]) -> None:
    database = databases[0]
    if database.dialect == "sqlite":
        return  # a transaction has the whole file
    await Ingestion(database, SEALER).record(events([report("execution.started")]))
    await age(database, "run", 150)
    async with held(databases[1], "SELECT pg_advisory_xact_lock($1)", Lock.CONTACT):
        assert await ContactSweep(database, LIMIT).sweep() == 0
        assert await state_of(database, "run") is State.RUNNING
    assert await ContactSweep(database, LIMIT).sweep() == 1


@asynccontextmanager
async def held(database: Database, *statement: Any, then: Sequence[Any] = ()) -> AsyncIterator[None]:
    """A transaction that has run one statement, and runs another one before it commits, at the end of the block."""
    began, go_on = asyncio.Event(), asyncio.Event()

    async def work(transaction: Transaction) -> None:
        await transaction.fetch(*statement)
        began.set()
        await go_on.wait()
        if then:
            await transaction.fetch(*then)

    holding = asyncio.create_task(database.transaction(work))
    await began.wait()
    try:
        yield
    finally:
        go_on.set()
        await holding


@pytest.mark.parametrize(("state", "seconds_ago"), [(State.RUNNING, 0), (State.FAILED, 150)])
async def test_events_that_arrive_while_the_sweep_waits_count(
    databases: list[Database], state: State, seconds_ago: int
) -> None:
    """A heartbeat, or the end of a run, whose transaction has the row when the sweep has found it."""
    database = databases[0]
    if database.dialect == "sqlite":
        return  # a transaction has the whole file
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events([report("execution.finished", state="FAILED")], "above"))
    above = (await row_of(database, "above"))["id"]
    await ingestion.record(events([report("execution.started", retryOf=f"execution_{above}")]))
    await age(database, "run", 150)
    revision = await newest_revision(database)
    heard: list[Committed] = []
    locked = ("SELECT 1 FROM executions WHERE external_id = 'run' FOR UPDATE",)
    update = f"UPDATE executions SET state = {int(state)}, received_at = $1 WHERE external_id = 'run'"
    later = (update, clock.now_us() - seconds_ago * clock.SECOND)
    async with held(databases[1], *locked, then=later):
        sweeping = asyncio.create_task(ContactSweep(database, LIMIT, Announcements([heard.append])).sweep())
        await asyncio.wait([sweeping], timeout=0.3)
        assert not sweeping.done()
    await sweeping
    assert await state_of(database, "run") is not State.CONTACT_LOST
    assert (heard, await newest_revision(database)) == ([], revision)


async def test_ancestors_are_locked_too(databases: list[Database]) -> None:
    database = databases[0]
    if database.dialect == "sqlite":
        return  # a transaction has the whole file
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events([report("execution.finished", state="FAILED")], "above"))
    above = (await row_of(database, "above"))["id"]
    await ingestion.record(events([report("execution.started", retryOf=f"execution_{above}")]))
    await age(database, "run", 150)
    async with held(databases[1], "SELECT 1 FROM executions WHERE external_id = 'above' FOR UPDATE"):
        sweeping = asyncio.create_task(ContactSweep(database, LIMIT).sweep())
        await asyncio.wait([sweeping], timeout=0.3)
        assert not sweeping.done()
    assert await sweeping == 1
