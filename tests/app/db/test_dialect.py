"""What differs between the databases is hidden by Dialect: both give the same answer to the same question."""

from __future__ import annotations

import asyncio
import re
from itertools import product
from pathlib import Path

import pytest

import app
from app.db import Database, Transaction
from app.db.dialect import Dialect, Kind

ID, OTHER = "0" * 31 + "1", "0" * 31 + "2"
COLUMNS = ("id", "name", "kind", "created_at")
# Where a whole statement differs, and a comment says why. Whoever adds one here has tried a method of Dialect first.
DIFFERENT = {
    "main.py",  # which database is in use, for those who watch
    "alerts/streaks.py",  # the index begins with an expression on Postgres
    "error_groups/listing.py",  # Postgres has to be led to an index, as in executions/scans.py
    "changes/revisions.py",  # an UPDATE within a WITH, which SQLite does not know
    "executions/log_pages.py",  # a sort of whole lines, which SQLite would copy
    "executions/scans.py",  # LATERAL, which SQLite does not know
    "executions/searching.py",  # only Postgres has an index of trigrams
    "executions/steps.py",  # lists of pairs
    "executions/trigrams.py",  # SQLite's index for search
    "metrics/rollups.py",  # LATERAL over lists of keys
    "metrics/sources.py",  # width_bucket and array_agg, which SQLite does not know
}


async def put(database: Database, *ids: str) -> None:
    rows = [(id_, f"engine {id_[-1]}", "NONE", int(id_, 16)) for id_ in ids]
    await database.transaction(lambda transaction: transaction.insert("engines", COLUMNS, rows))


@pytest.mark.parametrize(
    ("column", "kind", "listed"),
    [("id", "id", [ID, OTHER[:-1] + "f"]), ("name", "text", ["engine 1", "a ' \" $1 ?1"])],
)
async def test_one_of_a_list(database: Database, column: str, kind: Kind, listed: list[str]) -> None:
    await put(database, ID, OTHER)

    async def ids(values: list[str]) -> list[str]:
        sql = f"SELECT id FROM engines WHERE {database.any_of(column, 1, kind)}"
        return [row[0] for row in await database.fetch(sql, database.array(values))]

    assert await ids(listed) == [ID]
    assert await ids([]) == []
    assert await ids(listed * 2_000) == [ID]


async def test_among_one_or_several(database: Database) -> None:
    await put(database, ID, OTHER)

    async def ids(*wanted: str) -> list[str]:
        condition, given = database.among("id", 2, "id", iter(wanted))
        assert (condition == "id = $2") == (len(wanted) == 1)
        sql = f"SELECT id FROM engines WHERE kind = $1 AND {condition} ORDER BY id"
        return [row[0] for row in await database.fetch(sql, "NONE", given)]

    assert await ids() == []
    assert await ids(ID) == [ID]
    assert await ids(OTHER, ID, ID) == [ID, OTHER]
    assert await ids(OTHER[:-1] + "f") == []


async def test_a_transaction_says_it_as_its_database_does(database: Database) -> None:
    async def work(transaction: Transaction) -> None:
        assert transaction.dialect is database.dialect
        assert transaction.any_of("id", 3, "id") == database.any_of("id", 3, "id")
        assert transaction.array([ID]) == database.array([ID])
        assert transaction.for_update == database.dialect.for_update

    await database.transaction(work)


async def test_types_and_hidden_parameters(database: Database) -> None:
    await put(database, ID, OTHER)
    dialect = database.dialect
    literal = dialect.cast(f"'{OTHER}'", "uuid")
    sql = f"SELECT {literal}, id FROM engines WHERE created_at < {dialect.hidden(1, 'bigint')}"
    (row,) = await database.fetch(sql, 2)
    assert tuple(row) == (OTHER, ID)
    if dialect is Dialect.POSTGRES:
        ((type_,),) = await database.fetch(f"SELECT pg_typeof({literal})::text")
        assert type_ == "uuid"


async def test_a_term_occurs_as_python_finds_it(database: Database) -> None:
    occurs = database.dialect.occurs(database.dialect.cast("$1", "text"), database.dialect.cast("$2", "text"))
    for term, text in product(["%", "_", "\\", "ä", "b", "B", ""], ["50 %", "a_b", "ab\\c", "ÄB", "ab"]):
        rows = await database.fetch(f"SELECT CASE WHEN {occurs} THEN 1 ELSE 0 END", term, text)
        assert bool(rows[0][0]) is (term in text), (term, text)


async def test_locked_rows_are_waited_for(databases: list[Database]) -> None:
    """Read, then written: without the lock one of the two additions would be lost."""
    await put(databases[0], ID)

    async def add(transaction: Transaction) -> None:
        sql = f"SELECT created_at FROM engines WHERE id = $1 {transaction.for_update}"
        ((value,),) = await transaction.fetch(sql, ID)
        await asyncio.sleep(0.05)
        await transaction.fetch("UPDATE engines SET created_at = $2 WHERE id = $1", ID, value + 1)

    await asyncio.gather(*(database.transaction(add) for database in (databases[0], databases[-1])))
    rows = await databases[0].fetch("SELECT created_at FROM engines")
    assert rows[0][0] == 3


async def test_locked_rows_are_left_to_their_holder(databases: list[Database]) -> None:
    await put(databases[0], ID, OTHER)
    held, go_on = asyncio.Event(), asyncio.Event()
    skipping = f"SELECT id FROM engines ORDER BY id LIMIT 1 {databases[0].dialect.for_update_skip_locked}"

    async def hold(transaction: Transaction) -> list[str]:
        rows = await transaction.fetch(skipping)
        held.set()
        await go_on.wait()
        await transaction.fetch("DELETE FROM engines WHERE id = $1", rows[0][0])
        return [row[0] for row in rows]

    async def other(transaction: Transaction) -> list[str]:
        return [row[0] for row in await transaction.fetch(skipping)]

    holder = asyncio.create_task(databases[0].transaction(hold))
    await held.wait()
    taking = asyncio.create_task(databases[-1].transaction(other))
    if not databases[0].dialect.writes_alone:
        assert await asyncio.wait_for(taking, 30) == [OTHER]
    go_on.set()
    assert await holder == [ID]
    assert await taking == [OTHER]


async def test_whether_writers_are_alone(databases: list[Database]) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def stay(transaction: Transaction) -> None:
        await transaction.fetch("SELECT 1")
        began.set()
        await go_on.wait()

    first = asyncio.create_task(databases[0].transaction(stay))
    await began.wait()
    second = asyncio.create_task(databases[-1].transaction(lambda tx: tx.fetch("SELECT 1")))
    if databases[0].dialect.writes_alone:
        done, _ = await asyncio.wait([second], timeout=0.1)
        assert not done
    else:
        await second
    go_on.set()
    await asyncio.gather(first, second)


async def test_the_connections_that_there_are(database: Database) -> None:
    there = await database.max_connections()
    if database.dialect is Dialect.SQLITE:
        assert there is None
    else:
        rows = await database.fetch(
            "SELECT current_setting('max_connections'), current_setting('superuser_reserved_connections')"
        )
        assert there == int(rows[0][0]) - int(rows[0][1])


def test_only_statements_that_really_differ_ask_for_the_dialect() -> None:
    root = Path(app.__file__).parent
    asks = re.compile(r"Dialect\.(POSTGRES|SQLITE)|dialect\s*(==|!=|is\b)|dialect\.(name|value)|\[\w*\.?_?dialect\]")
    asking = {path.relative_to(root).as_posix() for path in root.rglob("*.py") if asks.search(path.read_text())}
    assert {path for path in asking if not path.startswith(("db/", "migrations/"))} == DIFFERENT
