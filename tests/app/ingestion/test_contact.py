"""Silence is shown, is no failure, and ends with the next event."""

from __future__ import annotations

import pytest

from app import clock
from app.changes.commits import Committed
from app.db import Database, Transaction
from app.engines.connections import connect_webhook
from app.ingestion import Ingestion
from app.ingestion.contact import ContactSweep
from app.lifecycle import State, Status
from app.retries import Asked, Retries
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
    assert await ContactSweep(database, LIMIT, [heard.append]).sweep() == 3
    assert await newest_revision(database) == before + 3
    (told,) = heard
    assert len(told.changed) == 3
    lost = [subject for subject in given if await state_of(database, subject) is State.CONTACT_LOST]
    assert lost == ["queued", "running", "waiting"]
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
    # What is above it reads differently: it is no longer in progress.
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
