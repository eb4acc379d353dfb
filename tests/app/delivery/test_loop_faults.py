"""What a loop survives: handlers that raise, a database that fails, and other loops beside it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import pytest

from app.db import Database
from app.delivery.loop import MAX_PER_RECEIVER
from app.delivery.port import NotDelivered
from specs.harness.receiver import Answer, Receiver
from specs.harness.waiting import until
from tests.app.delivery.bench import Bench, Between

pytestmark = pytest.mark.usefixtures("quick")


class Odd(BaseException):
    """What no `except Exception` catches."""


ERRORS = [
    ValueError("s3cr3t-value"),
    NotDelivered(""),
    NotDelivered("\ud800\0 and more"),
    TimeoutError(),
    MemoryError(),
    ExceptionGroup("two", [OSError(), KeyError("x")]),
    asyncio.CancelledError(),
    Odd(),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
async def test_loop_survives_whatever_a_handler_raises(bench: Bench, receiver: Receiver, error: BaseException) -> None:
    await bench.connect(receiver.url)
    between = Between(deliver=[error])
    retry = await bench.retry()
    async with bench.delivering(handler=between) as running:
        await until(lambda: not between.deliver_errors and not running._under_way, "error")
        if not isinstance(error, Exception):  # others are settled, and fall due again by themselves
            await bench.make_due()
        await bench.until_accepted(await bench.retry())
        delivery = await bench.until_accepted(retry)
    assert delivery["attempts"] == 2
    assert "s3cr3t" not in str(delivery["last_error"])


async def test_unsettled_rows_are_delivered_again(bench: Bench, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    between = Between(settle=[RuntimeError("no database"), OSError("no disk")])
    retry = await bench.retry()
    async with bench.delivering(handler=between):
        for left in (1, 0):
            await until(lambda left=left: len(between.settle_errors) == left, "error")  # type: ignore[misc]
            await bench.make_due()
        delivery = await bench.until_accepted(retry)
    assert [request.id for request in receiver.requests] == [delivery["id"]] * 3
    assert delivery["attempts"] == 3


async def test_a_kind_that_nobody_here_handles_is_left_to_others(bench: Bench, receiver: Receiver) -> None:
    """To a newer process, say, beside which this one runs for a while."""
    await bench.connect(receiver.url)
    unknown = await bench.retry()
    await bench.run("UPDATE outbox SET kind = 'carrier pigeon'")
    before = await bench.delivery(unknown)
    async with bench.delivering():
        await bench.until_accepted(await bench.retry())
    assert await bench.delivery(unknown) == before


async def test_two_loops_share_the_rows(bench: Bench, databases: list[Database], receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    retries = [await bench.retry() for _ in range(40)]
    hold = threading.Event()
    receiver.answer = Answer(hold=hold)
    async with bench.delivering(database=databases[0]), bench.delivering(database=databases[-1]):
        # Each takes enough of one engine, and nothing that the other has.
        await receiver.arrived(2 * MAX_PER_RECEIVER)
        hold.set()
        await bench.until_accepted_are(40)
    times = Counter(request.id for request in receiver.requests)
    assert times == {(await bench.delivery(retry))["id"]: 1 for retry in retries}


@pytest.mark.slow
async def test_a_database_that_fails_in_a_claim(bench: Bench, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    retry, between = await bench.retry(), Between()
    await bench.run("ALTER TABLE outbox RENAME TO mislaid")
    failed = count_failures(bench.database)
    async with bench.delivering(handler=between):
        await until(lambda: len(failed) >= 2, "claims that failed")
        await bench.run("ALTER TABLE mislaid RENAME TO outbox")
        delivery = await bench.until_accepted(retry)
    assert delivery["attempts"] == len(receiver.requests) == 1


def count_failures(database: Database) -> list[BaseException]:
    """The errors of reading statements from now on, as they come."""
    errors: list[BaseException] = []
    fetch = database.fetch

    async def counting(sql: str, *params: object) -> object:
        try:
            return await fetch(sql, *params)
        except Exception as error:
            errors.append(error)
            raise

    database.fetch = counting  # type: ignore[method-assign, assignment]
    return errors


@pytest.mark.slow
async def test_a_database_that_fails_as_an_attempt_is_settled(bench: Bench, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    hold = threading.Event()
    receiver.script = [Answer(hold=hold)]
    retry = await bench.retry()
    async with bench.delivering() as running:
        await receiver.arrived()
        await bench.run("ALTER TABLE outbox RENAME TO mislaid")
        hold.set()
        await until(lambda: not running._under_way, "attempt that could not be settled")
        await bench.run("ALTER TABLE mislaid RENAME TO outbox")
        assert (await bench.delivery(retry))["accepted_at"] is None
        await bench.make_due()
        delivery = await bench.until_accepted(retry)
    assert [request.id for request in receiver.requests] == [delivery["id"]] * 2
