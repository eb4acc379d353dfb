"""The loop that delivers: when it does, how often, and when it ends."""

from __future__ import annotations

import asyncio
import threading

import pytest

from app import clock
from app.delivery import loop, outbox
from app.delivery.loop import MAX_PER_RECEIVER, DeliveryLoop
from app.lifecycle import State
from app.retries.delivery import ENGINES
from specs.harness.receiver import Answer, Receiver
from specs.harness.waiting import PATIENCE_SECONDS, until
from tests.app.delivery.bench import Bench, Between, occupied
from tests.app.reports import newest_revision


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sweep within a test: deliveries come from a wake, or from the start of the loop."""
    monkeypatch.setattr(loop, "SWEEP_SECONDS", 3600)


@pytest.mark.usefixtures("seldom")
async def test_due_rows_are_delivered_at_the_start(bench: Bench, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    retries = [await bench.retry() for _ in range(30)]
    async with bench.delivering():
        for retry in retries:
            await bench.until_accepted(retry)
    assert len({request.id for request in receiver.requests}) == len(receiver.requests) == 30


@pytest.mark.usefixtures("seldom")
async def test_a_wake_delivers_at_once(bench: Bench, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    async with bench.delivering() as running:
        for _ in range(5):
            retry = await bench.retry()
            running.wake()
            await bench.until_accepted(retry)


@pytest.mark.usefixtures("quick")
async def test_a_sweep_finds_what_another_process_put_in(bench: Bench, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    async with bench.delivering():
        for _ in range(5):
            await bench.until_accepted(await bench.retry())


@pytest.mark.parametrize(("wanted", "seconds"), [("90", 90), ("86400", 3600), ("soon", 1), ("0", 1)])
async def test_no_attempt_comes_before_the_receiver_wants_it(
    bench: Bench, receiver: Receiver, wanted: str, seconds: int
) -> None:
    await bench.connect(receiver.url)
    receiver.answer = Answer(503, headers={"retry-after": wanted})
    retry = await bench.retry()
    async with bench.delivering(give_up_after=7200):
        before = clock.now_us()
        row = await bench.until_delivery(retry, lambda row: row["last_error"] is not None)
    assert before + seconds * clock.SECOND // 2 <= row["next_attempt_at"] <= clock.now_us() + seconds * clock.SECOND
    assert seconds == 1 or row["next_attempt_at"] >= before + seconds * clock.SECOND


async def test_pauses_grow(bench: Bench, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    receiver.answer = Answer(500)
    retry = await bench.retry()
    async with bench.delivering() as running:
        for attempts in range(1, 6):
            before = clock.now_us()
            # Until an attempt is settled, the next one is due at the end of its lease, 41 s away.
            row = await bench.until_delivery(
                retry,
                lambda row, n=attempts: (
                    row["attempts"] == n  # type: ignore[misc]
                    and row["next_attempt_at"] < clock.now_us() + 20 * clock.SECOND
                ),
            )
            pause = 2 ** (attempts - 1) * clock.SECOND
            assert before + pause // 2 <= row["next_attempt_at"] <= clock.now_us() + pause
            await bench.make_due()
            running.wake()


@pytest.mark.usefixtures("quick")
async def test_row_is_offered_until_it_is_given_up(bench: Bench, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    receiver.answer = Answer(500)
    retry = await bench.retry()
    await bench.run("UPDATE outbox SET created_at = created_at - $1", 10 * clock.SECOND)
    async with bench.delivering(give_up_after=3600):
        await receiver.arrived(3)
        assert (await bench.row(retry))["state"] == State.QUEUED
    async with bench.delivering(give_up_after=10):
        delivery = await bench.until_delivery(retry, lambda row: row["next_attempt_at"] is None)
    assert delivery["attempts"] == len(receiver.requests)
    assert {request.id for request in receiver.requests} == {delivery["id"]}
    assert (await bench.row(retry))["state"] == State.FAILED


@pytest.mark.usefixtures("quick")
async def test_an_event_of_the_engine_ends_the_attempts(
    bench: Bench, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pause in ("FIRST_PAUSE", "MAX_PAUSE"):
        monkeypatch.setattr(outbox, pause, clock.MINUTE)
    await bench.connect(receiver.url)
    receiver.answer = Answer(500)
    retry, other = await bench.retry(), await bench.retry()
    async with bench.delivering():
        await bench.until_failed(retry)
        await bench.until_failed(other)
        await bench.tell(retry, "execution.heartbeat")
        delivery = await bench.delivery(retry)
        assert (delivery["accepted_at"] is not None, delivery["next_attempt_at"]) == (True, None)
        receiver.answer = Answer(202)
        await bench.make_due()
        await bench.until_accepted(other)
    assert [request.id for request in receiver.requests].count(delivery["id"]) == 1


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("status", [202, 410, 500])
async def test_an_event_that_comes_during_an_attempt(bench: Bench, receiver: Receiver, status: int) -> None:
    """Whatever the answer then is: the engine has it, and nobody learns anything new."""
    await bench.connect(receiver.url)
    hold = threading.Event()
    receiver.script = [Answer(status, hold=hold)]
    retry, between = await bench.retry(), Between()
    async with bench.delivering(handler=between):
        await receiver.arrived()
        await bench.tell(retry, "execution.started")
        accepted, revision = await bench.delivery(retry), await newest_revision(bench.database)
        hold.set()
        await until(lambda: between.settled == 1, "attempt that is settled")
    assert accepted["accepted_at"] is not None
    assert await bench.delivery(retry) == {**accepted, "claimed_until": None}
    assert await newest_revision(bench.database) == revision
    assert (await bench.row(retry))["state"] == State.RUNNING
    assert len(receiver.requests) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
async def test_a_stalled_engine_holds_up_no_other(bench: Bench, receiver: Receiver) -> None:
    with Receiver(answer=Answer(hold=threading.Event())) as stalled:
        await bench.connect(stalled.url, "stalled")
        await bench.connect(receiver.url)
        for _ in range(30):
            await bench.retry(engine="stalled")
        others = [await bench.retry() for _ in range(10)]
        async with bench.delivering(patience=60):  # longer than the test waits for anything
            for other in others:
                await bench.until_accepted(other)
            await stalled.arrived(MAX_PER_RECEIVER)
            assert MAX_PER_RECEIVER <= len(stalled.requests) < 2 * MAX_PER_RECEIVER
            stalled.stopped.set()  # lets go of all
            await bench.until_accepted_are(40)


async def test_close_waits_for_what_is_under_way(
    bench: Bench, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CLOSE_SECONDS", PATIENCE_SECONDS)
    await bench.connect(receiver.url)
    hold = threading.Event()
    receiver.answer = Answer(hold=hold)
    retry = await bench.retry()
    async with bench.delivering() as running:
        await receiver.arrived()
        closing = asyncio.create_task(running.close())
        late = await bench.retry()
        running.wake()
        assert not closing.done()
        hold.set()
        await closing
        assert (await bench.delivery(retry))["accepted_at"] is not None
        assert (await bench.delivery(late))["attempts"] == 0
        await running.close()


async def test_close_does_not_wait_for_who_stalls(
    bench: Bench, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CLOSE_SECONDS", 0.1)
    await bench.connect(receiver.url)
    receiver.script = [Answer(hold=threading.Event())]
    retry = await bench.retry()
    async with bench.delivering(patience=2 * PATIENCE_SECONDS) as running:
        await receiver.arrived()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await running.close()
    delivery = await bench.delivery(retry)
    assert (delivery["attempts"], delivery["accepted_at"]) == (1, None)
    await bench.make_due()
    async with bench.delivering():
        await bench.until_accepted(retry)
    assert [request.id for request in receiver.requests] == [delivery["id"]] * 2


async def test_close_delivers_what_was_just_taken(bench: Bench, receiver: Receiver) -> None:
    """Else that would wait for the end of its lease, at each restart."""
    await bench.connect(receiver.url)
    retry = await bench.retry()
    async with occupied(bench.database) as release:
        others = len(bench.database._running)
        async with bench.delivering() as running:
            await until(lambda: len(bench.database._running) > others, "claim that waits for its connection")
            closing = asyncio.create_task(running.close())
            await asyncio.sleep(0)
            release()
            await closing
    delivery = await bench.delivery(retry)
    assert (delivery["attempts"], delivery["accepted_at"] is not None) == (1, True)


async def test_one_that_never_started_closes(bench: Bench) -> None:
    await DeliveryLoop(bench.database, {}, timeout=1, give_up_after=1, receivers=ENGINES).close()
