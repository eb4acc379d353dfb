"""Statements of SQLite in the event loop: short ones, and what is found too long for it."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.db import Transaction, open_database, sqlite_loop
from app.db.sqlite import SqliteDatabase
from app.db.sqlite_loop import LoopReader
from app.db.sqlite_reader import Reader, numbered
from app.db.sqlite_transaction import MOST_ROWS_HERE

COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) SELECT count(*) FROM n"
SHORT, LONG = 10, 500_000


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine stops a statement for as long as a slow disk does."""
    monkeypatch.setattr(sqlite_loop, "STALLED_SECONDS", 60)


@pytest.fixture
def in_threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements of these tests that threads ran; the database looks at itself in threads, too."""
    ran: list[str] = []
    fetch = Reader.fetch

    async def spied(reader: Reader, sql: str, params: Sequence[Any]) -> Any:
        if sql in (COUNT, numbered(COUNT)):
            ran.append(sql)
        return await fetch(reader, sql, params)

    monkeypatch.setattr(Reader, "fetch", spied)
    return ran


async def test_only_what_takes_long_goes_to_a_thread(
    tmp_path: Path, in_threads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await open_database(f"sqlite:///{tmp_path / 'loop.db'}")
    assert isinstance(database, SqliteDatabase)
    late = 0

    def is_late() -> int:  # not by the clock, which a busy machine stops
        nonlocal late
        late += 1
        return 1

    monkeypatch.setattr(database._here, "_is_late", is_late)
    monkeypatch.setattr(sqlite_loop, "STEPS_PER_CHECK", 10_000)
    try:
        assert await database.fetch(COUNT, SHORT) == [(SHORT,)]
        assert not in_threads
        # Given up, and passed on once; given up again, and passed on twice; then four times.
        for number, tried in enumerate((1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1), 1):
            late = 0
            assert await database.fetch(COUNT, LONG) == [(LONG,)]
            assert (late, len(in_threads)) == (tried, number)
    finally:
        await database.close()


async def test_what_became_short_is_read_in_the_loop_again(tmp_path: Path, in_threads: list[str]) -> None:
    database = await open_database(f"sqlite:///{tmp_path / 'loop.db'}")
    try:
        await database.fetch(COUNT, LONG)
        await database.fetch(COUNT, SHORT)  # passed on
        in_threads.clear()
        for _ in range(600):  # whatever else the machine does, it is tried again at last
            await database.fetch(COUNT, SHORT)
            if not in_threads:
                break
            in_threads.clear()
        else:
            pytest.fail("never read in the loop again")
    finally:
        await database.close()


async def test_reads_in_a_row_let_others_have_their_turn(tmp_path: Path) -> None:
    reader = LoopReader.open(tmp_path / "loop.db")
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    try:
        await asyncio.sleep(0)
        before = turns
        while turns < before + 5:  # it would never end
            await reader.fetch(COUNT, (300,))
    finally:
        ticking.cancel()
        reader.close()


async def test_a_slow_disk_is_left_to_threads_and_a_busy_core_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_loop, "STALLED_SECONDS", 0.0)
    reader = LoopReader.open(tmp_path / "loop.db")
    reader.connection.create_function("disk", 0, lambda: time.sleep(0.001))
    try:
        for _ in range(3):
            assert await reader.fetch("SELECT 1", ()) == [(1,)]
        assert await reader.fetch("SELECT disk()", ()) == [(None,)]
        assert await reader.fetch("SELECT 1", ()) is None
        assert await reader.fetch("SELECT 2", ()) is None
        reader.time._rests_until = 0.0
        assert await reader.fetch("SELECT 1", ()) == [(1,)]
    finally:
        reader.close()


async def test_a_statement_that_was_given_up_may_be_read_twice_at_once(tmp_path: Path) -> None:
    reader = LoopReader.open(tmp_path / "loop.db")
    try:
        reader._give_up("SELECT 1", None)
        await reader.fetch("SELECT 1", ())
        reader.time.spent = 1.0
        assert await asyncio.gather(*(reader.fetch("SELECT 1", ()) for _ in range(3))) == [[(1,)]] * 3
    finally:
        reader.close()


async def test_statements_given_up_are_not_all_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_loop, "MAX_REMEMBERED", 3)
    reader = LoopReader.open(tmp_path / "loop.db")
    try:
        for number in range(10):
            assert await reader.fetch(f"SELECT {number} FROM missing", ()) is None  # a thread will say why
        assert len(reader._given_up) == 3
    finally:
        reader.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """One whose statements can tell which thread runs them."""
    opened = await open_database(f"sqlite:///{tmp_path / 'loop.db'}")
    assert isinstance(opened, SqliteDatabase)
    opened._writer_here.connection.create_function("thread", 0, lambda: threading.current_thread().name)
    await opened.transaction(lambda transaction: transaction.fetch("CREATE TABLE ran (id INTEGER UNIQUE, thread TEXT)"))
    yield opened
    await opened.close()


async def threads_of(database: SqliteDatabase, *, short: bool) -> list[set[str]]:
    """Where a transaction ran: a read, few rows, many rows, and rows that were not there."""
    own = "INSERT INTO ran (id, thread) VALUES ($1, thread())"

    async def work(transaction: Transaction) -> list[set[str]]:
        transaction.is_short = short
        await transaction.fetch("DELETE FROM ran")
        found = [{row[0] for row in await transaction.fetch("SELECT thread()")}]
        for rows in (MOST_ROWS_HERE, MOST_ROWS_HERE + 1):
            await transaction.execute_many(own, [(number,) for number in range(rows)])
            found.append({row[0] for row in await transaction.fetch("DELETE FROM ran RETURNING thread")})
        missing = await transaction.insert_missing("ran", ("id",), [(1,), (1,)], key=("id",), returning="thread()")
        return [*found, missing]

    return await database.transaction(work)


async def test_a_short_transaction_runs_in_the_loop_but_for_many_rows(database: SqliteDatabase) -> None:
    here = {threading.current_thread().name}
    read, few, many, missing = await threads_of(database, short=True)
    assert read == few == missing == here != many
    assert here not in await threads_of(database, short=False)


async def test_a_short_transaction_goes_to_its_thread_while_the_disk_is_slow(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_loop, "STALLED_SECONDS", 0.0)
    monkeypatch.setattr(sqlite_loop, "waits", itertools.count().__next__)
    read, *_ = await threads_of(database, short=True)  # after the first statement, which was one of a slow disk
    assert read != {threading.current_thread().name}


async def test_a_long_read_of_a_short_transaction_goes_to_its_thread(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database._writer_here, "_is_late", lambda: 1)
    monkeypatch.setattr(sqlite_loop, "STEPS_PER_CHECK", 10_000)

    async def work(transaction: Transaction) -> list[str]:
        transaction.is_short = True
        await transaction.insert("ran", ("id",), [(1,)])
        rows = await transaction.fetch(f"SELECT thread(), ({COUNT}), (SELECT count(*) FROM ran)", LONG)
        assert [tuple(row)[1:] for row in rows] == [(LONG, 1)], "it sees what the transaction has written"
        await transaction.insert("ran", ("id",), [(2,)])
        return [row[0] for row in rows]

    assert await database.transaction(work) != [threading.current_thread().name]
    assert await database.fetch("SELECT count(*) FROM ran") == [(2,)]


async def test_a_short_transaction_that_fails_leaves_nothing(database: SqliteDatabase) -> None:
    async def work(transaction: Transaction) -> None:
        transaction.is_short = True
        await transaction.insert("ran", ("id",), [(1,), (2,)])
        await transaction.insert("ran", ("id",), [(2,)])

    with pytest.raises(Exception, match="UNIQUE"):
        await database.transaction(work)
    assert await database.fetch("SELECT count(*) FROM ran") == [(0,)]
    assert len(await threads_of(database, short=True)) == 4


async def test_short_transactions_let_others_have_their_turn(database: SqliteDatabase) -> None:
    turns, seen = 0, list[int]()

    async def tick() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def work(transaction: Transaction) -> None:
        transaction.is_short = True
        before = turns
        while turns < before + 5:  # it would never end
            await transaction.fetch(COUNT, 3_000)
        seen.append(turns)

    ticking = asyncio.create_task(tick())
    try:
        await database.transaction(work)
    finally:
        ticking.cancel()
    assert seen
