"""The end of a way back: what waits is cancelled, what is under way is waited for, and nothing is sent afterwards."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack

import pytest

from app import clock
from app.db import Database
from app.delivery import outbox
from app.delivery.port import NotDelivered
from app.engines import EngineKind
from app.errors import NotFound
from app.ingestion import Ingestion
from app.lifecycle import State
from app.retries import OUTBOX_KIND, disconnecting
from app.retries.delivery import ENGINES
from app.retries.disconnecting import Disconnecting
from app.retries.ending import DISCONNECTED
from specs.harness.receiver import Answer, Receiver
from specs.harness.waiting import until
from tests.app.delivery.bench import ENGINE, Bench, Between
from tests.app.reports import select
from tests.sealing import SEALER

pytestmark = pytest.mark.usefixtures("quick")


def disconnecting_of(database: Database) -> Disconnecting:
    """What disconnects, as a process of its own has it."""
    return Disconnecting(database, SEALER, Ingestion(database, SEALER))


async def engine_of(bench: Bench) -> str:
    """The id of the engine."""
    (row,) = await select(bench.database, "engines", "name = $1", ENGINE)
    id_: str = row["id"]
    return id_


async def is_connected(bench: Bench) -> bool:
    """Whether it has a way back."""
    (row,) = await select(bench.database, "engines", "name = $1", ENGINE)
    return bool(row["connection_sealed"])


async def test_what_waits_is_cancelled(bench: Bench, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    original = await bench.failed()
    retry = await bench.retry(original)
    before = await bench.revision(original)
    done = await disconnecting_of(bench.database).disconnect(await engine_of(bench), "ada")
    assert (done.cancelled, done.engine.kind, done.engine.can_retry) == (1, EngineKind.NONE, False)
    assert not await is_connected(bench)
    row, delivery = await bench.row(retry), await bench.delivery(retry)
    assert (row["state"], row["error_type"], row["error_group_id"]) == (State.CANCELLED, None, None)
    assert (delivery["next_attempt_at"], delivery["last_error"], delivery["accepted_at"]) == (None, DISCONNECTED, None)
    assert await bench.revision(original) > before
    assert not await select(bench.database, "alert_checks", "execution_id = $1", retry)
    # The engine may have had it after all; and connected again, it gets another one.
    await bench.tell(retry, "execution.finished", state="FAILED")
    assert (await bench.row(retry))["state"] == State.FAILED
    assert (await bench.delivery(retry))["accepted_at"] is not None
    await bench.connect(receiver.url)
    await bench.retry(retry)


async def test_a_cancelled_retry_does_not_stand_in_the_way_of_another(bench: Bench) -> None:
    await bench.connect("http://127.0.0.1:9/")
    original = await bench.failed()
    first = await bench.retry(original)
    await disconnecting_of(bench.database).disconnect(await engine_of(bench), "ada")
    await bench.connect("http://127.0.0.1:9/")
    assert await bench.retry(original) != first


@pytest.mark.parametrize("status", [202, 500])
async def test_what_is_under_way_is_waited_for(
    bench: Bench, databases: list[Database], receiver: Receiver, status: int
) -> None:
    """In another process; whether its engine then takes it or not."""
    await bench.connect(receiver.url)
    waiting = await bench.retry()
    await bench.run("UPDATE outbox SET next_attempt_at = $1", clock.now_us() + 3600 * clock.SECOND)
    retry, hold = await bench.retry(), threading.Event()
    receiver.script = [Answer(status, hold=hold)]
    async with bench.delivering(database=databases[-1]):
        await receiver.arrived()
        task = asyncio.create_task(disconnecting_of(bench.database).disconnect(await engine_of(bench), "ada"))

        async def cancelled() -> bool:
            return bool((await bench.row(waiting))["state"] == State.CANCELLED)

        await until(cancelled, "cancelled retry")
        assert not task.done()
        hold.set()
        await task
        assert (await bench.row(retry))["state"] == (State.QUEUED if status == 202 else State.CANCELLED)
        assert len(receiver.requests) == 1


async def test_nothing_is_sent_after_the_answer(bench: Bench, databases: list[Database], receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    retries = [await bench.retry() for _ in range(12)]
    receiver.answer = Answer(500)
    async with AsyncExitStack() as stack:
        for database in databases:
            await stack.enter_async_context(bench.delivering(database=database))
        await receiver.arrived(4)
        await disconnecting_of(databases[-1]).disconnect(await engine_of(bench), "ada")
        sent = len(receiver.requests)
        assert {(await bench.row(retry))["state"] for retry in retries} == {State.CANCELLED}
    assert len(receiver.requests) == sent


async def test_an_attempt_whose_process_was_killed_is_waited_for_until_its_lease_ends(bench: Bench) -> None:
    await bench.connect("http://127.0.0.1:9/")
    retry = await bench.retry()
    [item] = await outbox.claim(bench.database, [OUTBOX_KIND], 1, clock.SECOND // 4, ENGINES)
    lease_end = (await bench.delivery(retry))["claimed_until"]
    done = await disconnecting_of(bench.database).disconnect(await engine_of(bench), "ada")
    assert done.cancelled == 1
    assert clock.now_us() >= lease_end
    # It was not killed, but hung: what it says now no longer counts.
    assert not await bench.database.transaction(lambda tx: outbox.failed(tx, item, "late", clock.now_us()))
    assert (await bench.delivery(retry))["last_error"] == DISCONNECTED


async def test_an_attempt_that_lingers_is_under_way_until_its_lease_ends(bench: Bench, receiver: Receiver) -> None:
    """A thread of Celery's library may be in the middle of a message. No other attempt begins meanwhile."""
    await bench.connect(receiver.url)
    retry = await bench.retry()
    engine = await engine_of(bench)
    for lingers in (True, False):
        async with bench.delivering(handler=Between(deliver=[NotDelivered("hung", lingers=lingers)])):
            row = await bench.until_failed(retry)
            if not lingers:
                row = await bench.until_accepted(retry)
        assert await outbox.under_way(bench.database, OUTBOX_KIND, ENGINES, engine) == int(lingers)
        if lingers:
            assert row["next_attempt_at"] >= row["claimed_until"]
            assert receiver.requests == []
            await bench.run("UPDATE outbox SET last_error = NULL, next_attempt_at = 0")


async def test_disconnecting_again_and_at_once_changes_nothing(
    bench: Bench, databases: list[Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disconnecting, "BATCH", 2)
    await bench.connect("http://127.0.0.1:9/")
    await bench.connect("http://127.0.0.1:9/", "other")
    spared = await bench.retry(engine="other")
    for _ in range(5):
        await bench.retry()
    engine = await engine_of(bench)
    both = [(databases[0], "ada"), (databases[-1], "bob")]
    done = await asyncio.gather(*(disconnecting_of(one).disconnect(engine, actor) for one, actor in both))
    assert sum(each.cancelled for each in done) == 5
    assert (await disconnecting_of(bench.database).disconnect(engine, "eve")).cancelled == 0
    assert (await bench.row(spared))["state"] == State.QUEUED
    await bench.connect("http://127.0.0.1:9/")
    await disconnecting_of(bench.database).disconnect(engine, None)  # the command line, which is not audited
    [entry] = await select(bench.database, "audit_entries", "action = $1", "disconnectEngine")
    assert entry["actor"] in {"ada", "bob"}
    with pytest.raises(NotFound):
        await disconnecting_of(bench.database).disconnect("0" * 32, "ada")
