"""What callers rely on: a transaction happens once or not at all, and no caller can leave a connection behind."""

from __future__ import annotations

import asyncio
import gc
import itertools
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import app.db
import app.db.postgres
import app.db.postgres_pools
import app.db.sqlite_reader
from app.db import Database, Row, Transaction, TransientError, open_database
from app.errors import BadInput, LimitExceeded

COLUMNS = ("id", "name", "kind", "created_at")
SLOW = {
    "postgres": "SELECT pg_sleep(20)",
    "sqlite": "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
}


def engine(number: int, name: str | None = None, kind: str = "NONE") -> tuple[str, str, str, int]:
    return f"{number:032x}", f"engine {number}" if name is None else name, kind, number


async def put(database: Database, *rows: Row) -> None:
    await database.transaction(lambda transaction: transaction.insert("engines", COLUMNS, rows))


async def engines(database: Database) -> list[Row]:
    return [tuple(row) for row in await database.fetch("SELECT id, name, kind, created_at FROM engines ORDER BY id")]


async def test_a_cancelled_caller_does_not_stop_the_commit(database: Database) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def work(transaction: Transaction) -> None:
        await transaction.insert("engines", COLUMNS, [engine(1)])
        begun.set()
        await go.wait()
        await transaction.insert("engines", COLUMNS, [engine(2)])

    caller = asyncio.create_task(database.transaction(work))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await engines(database) == []
    go.set()
    await put(database, engine(3))
    if database._running:
        await asyncio.wait(database._running)
    assert len(await engines(database)) == 3


async def test_hundreds_of_cancelled_callers_leave_the_pool_as_it_was(database: Database) -> None:
    async def work(transaction: Transaction, number: int) -> None:
        await transaction.fetch("SELECT 1")
        await transaction.insert("engines", COLUMNS, [engine(number)])

    async def call(number: int) -> None:
        await database.transaction(lambda transaction: work(transaction, number))

    callers = [asyncio.create_task(call(number)) for number in range(300)]
    for number, caller in enumerate(callers):
        await asyncio.sleep(0.0005 if number % 3 == 0 else 0)
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    async with asyncio.timeout(20):
        await asyncio.gather(*(call(number) for number in range(300, 340)))
        await asyncio.gather(*(database.fetch("SELECT 1") for _ in range(40)))


async def test_cancelled_reads_leave_the_readers_as_they_were(database: Database) -> None:
    for _ in range(3):
        readers = [asyncio.create_task(database.fetch(SLOW[database.dialect])) for _ in range(4)]
        await asyncio.sleep(0.02)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    async with asyncio.timeout(10):
        await asyncio.gather(*(database.fetch("SELECT 1") for _ in range(20)))


async def test_close_waits_for_what_runs(database_url: str) -> None:
    database = await open_database(database_url)
    begun = asyncio.Event()

    async def work(transaction: Transaction) -> None:
        begun.set()
        await asyncio.sleep(0.05)
        await transaction.insert("engines", COLUMNS, [engine(1)])

    caller = asyncio.create_task(database.transaction(work))
    await begun.wait()
    caller.cancel()
    await database.close()
    again = await open_database(database_url)
    try:
        assert len(await engines(again)) == 1
    finally:
        await again.close()


async def test_an_error_rolls_back_and_is_the_callers(database: Database) -> None:
    called: list[str] = []

    async def work(transaction: Transaction) -> None:
        transaction.after_commit(lambda: called.append("after"))
        await transaction.insert("engines", COLUMNS, [engine(1)])
        raise BadInput("no")

    with pytest.raises(BadInput, match="no"):
        await database.transaction(work)
    assert await engines(database) == []
    assert called == []
    await put(database, engine(1))


async def test_callbacks_follow_the_commit_in_order(database: Database) -> None:
    called: list[str] = []

    def fail() -> None:
        raise RuntimeError("a callback's own trouble")

    async def work(transaction: Transaction) -> str:
        transaction.after_commit(lambda: called.append("first"))
        transaction.after_commit(fail)
        transaction.after_commit(lambda: called.append("last"))
        assert called == []
        return "result"

    assert await database.transaction(work) == "result"
    assert called == ["first", "last"]


async def test_transient_errors_run_the_work_again_from_its_start(database: Database) -> None:
    attempts: list[int] = []

    async def work(transaction: Transaction) -> int:
        attempts.append(len(attempts))
        await transaction.insert("engines", COLUMNS, [engine(1)])
        if len(attempts) < app.db.ATTEMPTS:
            raise TransientError("a deadlock, say")
        return len(attempts)

    assert await database.transaction(work) == app.db.ATTEMPTS
    assert len(await engines(database)) == 1

    async def never(_: Transaction) -> None:
        attempts.append(len(attempts))
        raise TransientError("always") from BadInput("the cause")

    attempts.clear()
    with pytest.raises(BadInput, match="the cause"):
        await database.transaction(never)
    assert len(attempts) == app.db.ATTEMPTS


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises((sqlite3.OperationalError, asyncpg.ReadOnlySQLTransactionError)):
        await database.fetch("DELETE FROM engines")


@pytest.fixture
async def hasty(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A database whose reads may take 0.2 s."""
    for module in (app.db.postgres, app.db.postgres_pools, app.db.sqlite_reader):
        monkeypatch.setattr(module, "READ_TIMEOUT_SECONDS", 0.2)
    opened = await open_database(database_url)
    yield opened
    await opened.close()


async def test_a_slow_read_is_cut_off(hasty: Database) -> None:
    async with asyncio.timeout(10):
        results = await asyncio.gather(*(hasty.fetch(SLOW[hasty.dialect]) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, LimitExceeded) for result in results)
    assert "0.2 s" in str(results[0])
    assert [tuple(row) for row in await hasty.fetch("SELECT 1")] == [(1,)]


@pytest.mark.parametrize("size", [1, 49, 120])
async def test_bulk_statements(database: Database, size: int) -> None:
    first = [engine(number) for number in range(size)]
    await put(database, *first)
    assert await engines(database) == first

    async def missing(transaction: Transaction) -> set[str]:
        rows = [engine(number, f"engine {number - 1}") for number in range(1, 2 * size + 1)]
        return await transaction.insert_missing("engines", COLUMNS, rows, key=("name",), returning="id")

    inserted = await database.transaction(missing)
    assert inserted == {f"{number:032x}" for number in range(size + 1, 2 * size + 1)}
    assert len(await engines(database)) == 2 * size

    async def change(transaction: Transaction) -> None:
        rows: Sequence[Row] = [(f"{number:032x}", "WEBHOOK") for number in range(size)]
        await transaction.update("engines", ("id", "kind"), rows, key=("id",))

    await database.transaction(change)
    assert (await engines(database))[:size] == [engine(number, kind="WEBHOOK") for number in range(size)]

    async def both(transaction: Transaction) -> None:
        rows = [engine(number, f"upserted {number}", "CELERY") for number in (0, 10_000)]
        await transaction.upsert("engines", COLUMNS, rows, key=("id",))

    await database.transaction(both)
    stored = {row[0]: row for row in await engines(database)}
    assert len(stored) == 2 * size + 1
    for number in (0, 10_000):
        assert stored[f"{number:032x}"] == engine(number, f"upserted {number}", "CELERY")


async def test_no_rows_are_no_statement(database: Database) -> None:
    async def work(transaction: Transaction) -> set[str]:
        await transaction.insert("engines", COLUMNS, [])
        await transaction.update("engines", COLUMNS, [], key=("id",))
        await transaction.upsert("engines", COLUMNS, [], key=("id",))
        await transaction.execute_many("no SQL at all", [])
        return await transaction.insert_missing("engines", COLUMNS, [], key=("id",), returning="id")

    assert await database.transaction(work) == set()


async def test_lists_as_parameters(database: Database) -> None:
    await put(database, engine(1), engine(2, 'quo"te'), engine(3, "é"))
    for names, count in (([], 0), (['quo"te', "é", "nobody"], 2)):
        sql = f"SELECT 1 FROM engines WHERE {database.any_of('name', 1, 'text')}"
        assert len(await database.fetch(sql, database.array(names))) == count
    sql = f"SELECT 1 FROM engines WHERE {database.any_of('id', 1, 'id')}"
    assert len(await database.fetch(sql, database.array([engine(1)[0], "f" * 32]))) == 1


@pytest.mark.parametrize(("synchronous", "level"), [("FULL", 2), ("NORMAL", 1)])
async def test_commits_are_synced_unless_somebody_wants_less(tmp_path: Path, synchronous: str, level: int) -> None:
    database = await open_database(f"sqlite:///{tmp_path / 'runwatch.db'}", sqlite_synchronous=synchronous)
    try:
        [(synced,)] = await database.transaction(lambda transaction: transaction.fetch("PRAGMA synchronous"))
        assert synced == level
    finally:
        await database.close()


async def test_work_that_is_done_meanwhile_leaves_the_connection_to_its_statement(database: Database) -> None:
    done: list[int] = []

    async def work(error: Exception | None) -> AsyncGenerator[None, None]:
        for number in itertools.count():
            done.append(number)
            yield
            if error is not None:
                raise error

    for rows, error, expected in (([engine(1)] * 2, None, Exception), ([engine(1)], BadInput("no"), BadInput)):

        async def fail(transaction: Transaction, rows: Sequence[Row] = rows, error: Exception | None = error) -> None:
            pieces = work(error)
            await transaction.meanwhile(transaction.insert("engines", COLUMNS, rows), pieces)
            await anext(pieces)
            await anext(pieces)

        with pytest.raises(expected):
            await database.transaction(fail)
        assert await engines(database) == []

    async def both(transaction: Transaction) -> set[str]:
        inserting = transaction.insert_missing("engines", COLUMNS, [engine(7)], key=("name",), returning="id")
        inserted = await transaction.meanwhile(inserting, pieces)
        assert bool(done) != transaction.dialect.writes_alone  # in one process they would wait for each other
        return inserted

    done.clear()
    pieces = work(None)
    assert await database.transaction(both) == {engine(7)[0]}
    await anext(pieces)  # what there was no time for is left
    assert done == [*range(len(done))]
    assert await engines(database) == [engine(7)]


async def test_work_and_statement_that_both_fail_are_one_error(database: Database) -> None:
    logged: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))

    async def work() -> AsyncGenerator[None, None]:
        yield
        raise BadInput("no")

    async def fail(transaction: Transaction) -> None:
        await transaction.meanwhile(transaction.insert("engines", COLUMNS, [engine(1)] * 2), work())

    expected = sqlite3.IntegrityError if database.dialect.writes_alone else BadInput  # SQLite begins no work
    with pytest.raises(expected):
        await database.transaction(fail)
    await asyncio.sleep(0)
    gc.collect()
    assert logged == []


async def test_one_row_is_updated_as_several_are(database: Database) -> None:
    rows = [(f"{number:032x}", number) for number in range(1, 4)]
    await put(database, *(engine(number) for number in (1, 2, 3)))
    for given in (rows[:1], rows[1:]):
        changed = [(id_, f"renamed {number}", number * 10) for id_, number in given]

        async def update(transaction: Transaction, changed: Sequence[Row] = changed) -> None:
            await transaction.update("engines", ("id", "name", "created_at"), changed, key=("id",))

        await database.transaction(update)
    assert await engines(database) == [
        (f"{number:032x}", f"renamed {number}", "NONE", number * 10) for number in (1, 2, 3)
    ]
