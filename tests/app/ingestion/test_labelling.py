"""Older executions are labelled in the background: newest first, by one process at a time, where another stopped."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.db import Database
from app.db.locks import Lock
from app.engines.connections import connect_webhook
from app.ingestion import Ingestion
from app.ingestion.labelling import Labelling
from app.retries import Asked, Retries
from specs.harness.waiting import until
from tests.app.reports import events, line, newest_revision, report, row_of, select, step
from tests.sealing import SEALER

SECRET = "hunter2-hunter2"


async def queued(database: Database, subject: str, data: Any = None, at: int = 0) -> None:
    trigger = {"kind": "k"} if data is None else {"kind": "k", "data": data}
    assert (
        await Ingestion(database, SEALER).record(events([report("execution.queued", subject, at, trigger=trigger)]))
        == []
    )


async def age(database: Database) -> None:
    """As if all executions came from a version that knew no labels."""

    async def work(transaction: Any) -> None:
        await transaction.fetch("UPDATE executions SET trigger_label = NULL")
        await transaction.fetch("INSERT INTO labelling (id, before) VALUES (1, $1)", "f" * 32)

    await database.transaction(work)


async def labels(database: Database) -> dict[str, str | None]:
    rows = await select(database, "executions", "1 = 1 ORDER BY queued_at")
    return {row["external_id"]: row["trigger_label"] for row in rows}


async def label_all(database: Database) -> int:
    """Label until there is no more to do; how often it took."""
    for number in range(100):
        if not await database.fetch("SELECT 1 FROM labelling"):
            return number
        await Labelling(database, SEALER).go_on()
    raise AssertionError("it never ends")


async def test_what_it_makes_is_what_ingestion_makes(database: Database) -> None:
    await queued(database, "file", {"file": "a.csv"}, at=1)
    await queued(database, "none", at=2)
    await queued(database, "sealed", {"password": SECRET, "name": f"of {SECRET}", "id": 7}, at=3)
    await queued(database, "long", {"name": "n", "text": "x" * 300_000}, at=4)
    await queued(database, "odd", {"name": "a\0b\ud800"}, at=5)
    made = await labels(database)
    assert made == {"file": "file=a.csv", "none": "", "sealed": "id=7", "long": "", "odd": "name=a b\ufffd"}
    await age(database)
    assert set((await labels(database)).values()) == {None}
    before = await newest_revision(database)
    await label_all(database)
    assert await labels(database) == made
    assert await newest_revision(database) == before, "nothing has happened to the runs"


async def test_the_newest_come_first_and_another_process_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Labelling, "max_rows", 2)
    for number in range(5):
        await queued(database, f"run-{number}", {"id": number}, at=number)
    await age(database)
    await Labelling(database, SEALER).go_on()
    assert [*(await labels(database)).values()] == [None, None, None, "id=3", "id=4"]
    await queued(database, "newer", {"id": "n"}, at=9)
    assert await label_all(database) == 3
    assert [*(await labels(database)).values()] == [*(f"id={number}" for number in range(5)), "id=n"]


async def test_large_data_make_small_batches(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Labelling, "max_bytes", 20)
    for number in range(4):
        await queued(database, f"run-{number}", {"id": number, "text": "x" * 15}, at=number)
    await age(database)
    await Labelling(database, SEALER).go_on()
    assert [*(await labels(database)).values()].count(None) == 3
    await label_all(database)
    assert None not in (await labels(database)).values()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_one_process_at_a_time(databases: list[Database], database: Database) -> None:
    await queued(database, "run", {"id": 1})
    await age(database)

    holds, release = asyncio.Event(), asyncio.Event()

    async def hold(transaction: Any) -> None:
        assert await transaction.try_lock(Lock.LABELS)
        holds.set()
        await release.wait()

    holder = asyncio.create_task(database.transaction(hold))
    await holds.wait()
    await Labelling(databases[1], SEALER).go_on()
    assert await labels(databases[1]) == {"run": None}
    release.set()
    await holder
    await label_all(databases[1])
    assert await labels(database) == {"run": "id=1"}


async def test_a_service_labels_all_of_them(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Labelling, "max_rows", 1)
    for number in range(3):
        await queued(database, f"run-{number}", {"id": number}, at=number)
    await age(database)
    service = Labelling(database, SEALER)
    await service.start()

    async def done() -> bool:
        return not await database.fetch("SELECT 1 FROM labelling")

    await until(done)
    await service.close()
    assert None not in (await labels(database)).values()


async def test_a_secret_that_comes_late_leaves_the_label(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    await queued(database, "run", {"name": f"of {SECRET}", "id": 7})
    assert await labels(database) == {"run": f"name=of {SECRET}, id=7"}
    before = await newest_revision(database)
    await ingestion.record(events([step("started", 0, at=1, input={"token": SECRET})]))
    assert await labels(database) == {"run": "id=7"}
    assert await newest_revision(database) > before
    # One that wins later is without it, too; and so is one that arrives with the secret.
    trigger = {"kind": "k", "data": {"title": SECRET, "file": "a.csv"}}
    await ingestion.record(events([report("execution.queued", "run", at=-5, trigger=trigger), line(SECRET, at=3)]))
    assert await labels(database) == {"run": "file=a.csv"}


async def test_a_secret_that_comes_before_its_turn_is_left_out(database: Database) -> None:
    await queued(database, "run", {"name": f"of {SECRET}", "id": 7})
    await age(database)
    await Ingestion(database, SEALER).record(events([step("started", 0, at=1, input={"token": SECRET})]))
    assert await labels(database) == {"run": None}
    await label_all(database)
    assert await labels(database) == {"run": "id=7"}


async def test_a_retry_has_the_label_of_its_original_labelled_or_not(database: Database) -> None:
    await connect_webhook(database, SEALER, "engine", "http://127.0.0.1:9/", replace=False)
    await queued(database, "run", {"password": SECRET, "name": SECRET, "id": 7})
    await Ingestion(database, SEALER).record(events([report("execution.finished", at=1, state="FAILED")]))
    await age(database)
    asked = Asked((await row_of(database))["id"], "somebody")
    made = await Retries(database, SEALER).request(asked)
    rows = await select(database, "executions", "id = $1", made.id)
    assert [row["trigger_label"] for row in rows] == ["id=7"]
    assert rows[0]["root_id"] == asked.execution_id
