"""A loop over Postgres, whose connections die or wait for locks."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.db import ATTEMPTS
from specs.harness.receiver import Answer, Receiver
from specs.harness.waiting import until
from tests.app.delivery.bench import Bench
from tests.app.reports import select

pytestmark = [pytest.mark.usefixtures("quick"), pytest.mark.parametrize("database_url", ["postgres"], indirect=True)]


class Admin:
    """A superuser's connection to the database, beside those that are under test."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self.connection = connection
        self._ended: set[int] = set()

    async def terminate(self) -> None:
        """End all other connections from the server's side."""
        await self.connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    async def terminate_waiting(self) -> None:
        """End the next connection that waits for a lock, once there is one."""

        async def ended() -> bool:
            # Not pg_stat_activity: within a transaction that stays as it was when it was first looked at.
            rows = await self.connection.fetch(
                "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database"
                " WHERE datname = current_database() AND NOT granted"
            )
            pids = {row[0] for row in rows} - self._ended
            for pid in pids:
                await self.connection.fetch("SELECT pg_terminate_backend($1)", pid)
            self._ended |= pids
            return bool(pids)

        await until(ended, "connection that waits for a lock")


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Admin]:
    connection = await asyncpg.connect(database_url)
    yield Admin(connection)
    await connection.close()


async def test_connections_that_die_while_nothing_is_due(bench: Bench, admin: Admin, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    async with bench.delivering():
        for _ in range(4):
            await admin.terminate()
            await bench.until_accepted(await bench.retry())
    assert len(receiver.requests) == 4


async def test_connections_that_die_during_an_attempt(bench: Bench, admin: Admin, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    hold = threading.Event()
    receiver.script = [Answer(500, hold=hold)]
    retry = await bench.retry()
    async with bench.delivering():
        await receiver.arrived()
        await admin.terminate()
        hold.set()
        delivery = await bench.until_accepted(retry)
    assert [request.id for request in receiver.requests] == [delivery["id"]] * 2


@pytest.mark.parametrize("deaths", [1, ATTEMPTS + 1])
async def test_connections_that_die_within_a_claim(bench: Bench, admin: Admin, receiver: Receiver, deaths: int) -> None:
    await bench.connect(receiver.url)
    retry = await bench.retry()
    lock = admin.connection.transaction()
    await lock.start()
    await admin.connection.execute("LOCK TABLE outbox IN SHARE MODE")
    async with bench.delivering():
        for _ in range(deaths):
            await admin.terminate_waiting()
        await lock.rollback()
        delivery = await bench.until_accepted(retry)
    assert delivery["attempts"] == len(receiver.requests) == 1


@pytest.mark.parametrize("deaths", [1, ATTEMPTS])
async def test_connections_that_die_as_an_attempt_is_settled(
    bench: Bench, admin: Admin, receiver: Receiver, deaths: int
) -> None:
    await bench.connect(receiver.url)
    hold = threading.Event()
    receiver.script = [Answer(hold=hold)]
    retry = await bench.retry()
    async with bench.delivering() as running:
        await receiver.arrived()
        async with admin.connection.transaction():
            await admin.connection.execute("LOCK TABLE outbox IN SHARE MODE")
            hold.set()
            for _ in range(deaths):
                await admin.terminate_waiting()
            if deaths == ATTEMPTS:
                await until(lambda: not running._under_way, "attempt that could not be settled")
        if deaths == ATTEMPTS:
            await bench.make_due()
        delivery = await bench.until_accepted(retry)
    # Nobody knows then that it has arrived: it comes once more, under the same id.
    assert [request.id for request in receiver.requests] == [delivery["id"]] * (2 if deaths == ATTEMPTS else 1)


async def test_rows_that_another_holds_are_passed_over(bench: Bench, admin: Admin, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    held, free = await bench.retry(), await bench.retry()
    async with admin.connection.transaction():
        await admin.connection.execute("SELECT 1 FROM outbox WHERE subject_id = $1 FOR UPDATE", held)
        async with bench.delivering():
            await bench.until_accepted(free)
            rows = await select(bench.database, "outbox", "attempts = 0")
            assert [row["subject_id"] for row in rows] == [held]
