"""Shares of the reading connections: who reads much leaves some to the others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.db import Database
from app.db.shares import MAX_READS, share_of


class Gate:
    """Reads that wait until they are let through."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.running = 0
        self._open = asyncio.Semaphore(0)

    async def fetch(self, sql: str, *_: Any) -> list[Any]:
        self.asked.append(sql)
        self.running += 1
        try:
            await self._open.acquire()
        finally:
            self.running -= 1
        return []

    async def let_through(self, number: int = 1) -> None:
        for _ in range(number):
            self._open.release()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
def gate(database: Database, monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr(database, "fetch", gate.fetch)
    return gate


async def test_operation_has_two_reads_at_a_time_in_their_order(database: Database, gate: Gate) -> None:
    share = share_of(database)
    reads = [asyncio.create_task((share.fetch_long if n % 2 else share.fetch)(f"{n}")) for n in range(6)]
    await gate.let_through(0)
    assert gate.running == MAX_READS
    reads[2].cancel()  # waits for its turn
    reads[1].cancel()  # runs
    await gate.let_through(0)
    assert gate.running == MAX_READS
    await gate.let_through(6)
    assert gate.asked == ["0", "1", "3", "4", "5"]
    assert [each.cancelled() for each in reads] == [False, True, True, False, False, False]
    again = asyncio.create_task(share.fetch("6"))
    await gate.let_through()
    assert again.done()


async def test_turn_that_comes_to_a_cancelled_read_is_the_next_ones(database: Database, gate: Gate) -> None:
    share: Any = share_of(database, 1)
    reads = [asyncio.create_task(share.fetch(f"{n}")) for n in range(3)]
    await gate.let_through(0)
    share._places.leave()  # as if the first were over
    reads[1].cancel()  # its turn has come, and it does not know yet
    await gate.let_through(2)
    assert reads[2].done()
    assert gate.asked == ["0", "2"]


async def test_long_reads_leave_one_connection(database: Database, gate: Gate) -> None:
    readers = {"sqlite": 4, "postgres": 9}[database.dialect]
    long = [asyncio.create_task(share_of(database).fetch_long(f"{n}")) for n in range(30)]
    await gate.let_through(0)
    assert gate.running == readers - 1
    other = asyncio.create_task(database.fetch("a page"))
    await gate.let_through(0)
    assert gate.running == readers
    await gate.let_through(31)
    await asyncio.gather(other, *long)


async def test_transactions_and_reads_by_key_are_not_shared_out(database: Database) -> None:
    share = share_of(database, 0)
    assert (await share.fetch_by_key("SELECT 1"))[0][0] == 1
    rows = await share.transaction(lambda transaction: transaction.fetch("SELECT 2"))
    assert rows[0][0] == 2
    assert share.dialect is database.dialect
