"""Locks by name: two transactions that hold the same one are never open together, in whatever process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.db import Database, Transaction
from app.db.locks import Lock


@asynccontextmanager
async def holding(database: Database, lock: Lock, *, fails: bool = False) -> AsyncIterator[None]:
    """A transaction that holds a lock while the block runs, and then ends."""
    began, go_on = asyncio.Event(), asyncio.Event()

    async def work(transaction: Transaction) -> None:
        await transaction.lock(lock)
        began.set()
        await go_on.wait()
        if fails:
            raise RuntimeError("no")

    holder = asyncio.create_task(database.transaction(work))
    await began.wait()
    try:
        yield
    finally:
        go_on.set()
        await asyncio.gather(holder, return_exceptions=True)


@pytest.mark.parametrize("lock", Lock)
async def test_one_waits_for_the_other(databases: list[Database], lock: Lock) -> None:
    seen: list[str] = []

    async def work(transaction: Transaction, name: str) -> None:
        await transaction.lock(lock)
        seen.append(f"{name} has it")
        await asyncio.sleep(0.1)
        seen.append(f"{name} is done")

    await asyncio.gather(
        databases[0].transaction(lambda tx: work(tx, "one")), databases[-1].transaction(lambda tx: work(tx, "two"))
    )
    first, second = ("one", "two") if seen[0] == "one has it" else ("two", "one")
    assert seen == [f"{first} has it", f"{first} is done", f"{second} has it", f"{second} is done"]


async def test_try_lock_reports_a_held_lock(databases: list[Database]) -> None:
    """On SQLite the second cannot begin before the holder has ended, and then gets the lock."""
    async with holding(databases[0], Lock.ROLLUPS):
        trying = asyncio.create_task(databases[-1].transaction(lambda tx: tx.try_lock(Lock.ROLLUPS)))
        if databases[0].dialect == "postgres":
            assert await trying is False
        else:
            done, _ = await asyncio.wait([trying], timeout=0.2)
            assert not done
    if databases[0].dialect == "sqlite":
        assert await trying is True
    assert await databases[-1].transaction(lambda tx: tx.try_lock(Lock.ROLLUPS)) is True


async def test_try_lock_holds_the_lock(databases: list[Database]) -> None:
    seen: list[str] = []
    began = asyncio.Event()

    async def first(transaction: Transaction) -> None:
        assert await transaction.try_lock(Lock.ALERTS)
        began.set()
        await asyncio.sleep(0.2)
        seen.append("first")

    async def second(transaction: Transaction) -> None:
        await transaction.lock(Lock.ALERTS)
        seen.append("second")

    one = asyncio.create_task(databases[0].transaction(first))
    await began.wait()
    await asyncio.gather(one, databases[-1].transaction(second))
    assert seen == ["first", "second"]


async def test_the_end_of_a_transaction_that_fails_frees_it(databases: list[Database]) -> None:
    async with holding(databases[0], Lock.CONTACT, fails=True):
        pass
    assert await databases[-1].transaction(lambda tx: tx.try_lock(Lock.CONTACT)) is True


async def test_one_transaction_may_take_it_twice(database: Database) -> None:
    async def work(transaction: Transaction) -> bool:
        await transaction.lock(Lock.RETRY_LINKS)
        await transaction.lock(Lock.RETRY_LINKS)
        return await transaction.try_lock(Lock.RETRY_LINKS)

    assert await database.transaction(work) is True


async def test_different_locks_do_not_exclude_each_other(databases: list[Database]) -> None:
    if databases[0].dialect == "sqlite":
        return  # its transactions do, whatever they lock
    async with holding(databases[0], Lock.ALERTS):
        assert await databases[1].transaction(lambda tx: tx.try_lock(Lock.CONTACT)) is True


def test_the_numbers_stay() -> None:
    """During a rolling upgrade an old process and a new one must exclude each other."""
    assert {lock.name: lock.to_bytes(8).decode() for lock in Lock} == {
        "MIGRATIONS": "runwatch",
        "ALERTS": "alertsfi",
        "LABELS": "labels__",
        "GROUPS": "groups__",
        "PRESENCE": "presence",
        "LOG_LINES": "loglines",
        "CONTACT": "contacts",
        "RETENTION": "retain__",
        "RETRY_LINKS": "rw_links",
        "ROLLUPS": "rollups_",
        "SAVED_VIEWS": "svdviews",
    }
