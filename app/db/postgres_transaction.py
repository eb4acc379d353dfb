"""A transaction of Postgres: its bulk statements, and what runs beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from functools import lru_cache
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from app.db.dialect import Dialect
from app.db.locks import Lock
from app.db.transaction import Overtaken, Row, T, Transaction, excluded
from app.turns import Turns, pieces

# From so many rows on, COPY is worth the statement that asks for the types of its columns.
WORTH_COPYING = 50
# Rows of a COPY: asyncpg encodes all of them, in 1 to 5 ms for so many, before others have a turn.
MOST_COPIED = 1_000
# Rows of a statement: asyncpg looks twice at each value of an array, 2 ms for so many rows, before it sends any.
MOST_ROWS = 128


class PostgresTransaction(Transaction):
    """An open transaction on a connection of the writing pool."""

    dialect = Dialect.POSTGRES

    def __init__(
        self, connection: PoolConnectionProxy[Any], turns: Turns, column_types: dict[str, dict[str, str]]
    ) -> None:
        super().__init__(turns)
        self._connection = connection
        self._column_types = column_types

    async def fetch(self, sql: str, *params: Any) -> Sequence[Row]:
        """The rows of one statement."""
        rows: Sequence[Row] = await self._connection.fetch(sql, *params)
        return rows

    async def lock(self, name: Lock) -> None:
        """An advisory lock of the transaction."""
        await self._connection.fetch("SELECT pg_advisory_xact_lock($1)", name)

    async def try_lock(self, name: Lock) -> bool:
        """An advisory lock of the transaction."""
        return bool(await self._connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", name))

    async def execute_many(self, sql: str, rows: Sequence[Row]) -> None:
        """One prepared statement; asyncpg sends the rows in one pipeline."""
        if rows:
            await self._connection.executemany(sql, rows)

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """COPY in Postgres's binary format. A few rows go faster as one INSERT, which needs fewer round trips."""
        if len(rows) >= WORTH_COPYING:
            for piece in pieces(rows, MOST_COPIED):
                await self._connection.copy_records_to_table(table, columns=columns, records=piece)
        else:
            await self._insert(table, columns, rows)

    async def insert_unseen(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], *, key: Sequence[str], returning: str
    ) -> set[Any]:
        """See Transaction. COPY takes half the time of an INSERT that looks out for conflicts."""
        if len(rows) < WORTH_COPYING:
            return await self.insert_missing(table, columns, rows, key=key, returning=returning)
        try:
            await self.insert(table, columns, rows)
        except asyncpg.UniqueViolationError as error:
            raise Overtaken(f"{table}: inserted since it was looked for") from error
        place = columns.index(returning)
        return {row[place] for row in rows}

    async def meanwhile(self, statement: Coroutine[Any, Any, T], work: AsyncIterator[None]) -> T:
        """See Transaction."""
        running = asyncio.create_task(statement)
        await asyncio.sleep(0)  # it is sent before anything else is done
        try:
            async for _ in work:
                await asyncio.sleep(0)
                if running.done():
                    break
        finally:
            await asyncio.wait([running])  # the connection is its own until then
            if not running.cancelled():
                running.exception()  # where the work fails too, nobody else asks for it, and asyncio would log that
        return running.result()

    async def insert_missing(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], *, key: Sequence[str], returning: str
    ) -> set[Any]:
        """An INSERT for many rows."""
        tail = f" ON CONFLICT ({', '.join(key)}) DO NOTHING RETURNING {returning}"
        return {row[0] for row in await self._insert(table, columns, rows, tail)}

    async def upsert(self, table: str, columns: Sequence[str], rows: Sequence[Row], *, key: Sequence[str]) -> None:
        """An INSERT for many rows."""
        tail = f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {excluded(columns, key)}"
        await self._insert(table, columns, rows, tail)

    async def update(self, table: str, columns: Sequence[str], rows: Sequence[Row], *, key: Sequence[str]) -> None:
        """An UPDATE for many rows."""
        if len(rows) == 1:  # of a list Postgres would plan the update anew each time
            await self._connection.execute(_update_of_one(table, tuple(columns), tuple(key)), *rows[0])
            return
        sets = ", ".join(f"{name} = given.{name}" for name in columns if name not in key)
        where = " AND ".join(f"{table}.{name} = given.{name}" for name in key)
        given = f"{self._unnest(table, columns)} AS given ({', '.join(columns)})"
        sql = f"UPDATE {table} SET {sets} FROM {given} WHERE {where}"
        for piece in pieces(rows, MOST_ROWS):
            await self._connection.execute(sql, *zip(*piece, strict=True))

    async def _insert(self, table: str, columns: Sequence[str], rows: Sequence[Row], tail: str = "") -> Sequence[Row]:
        sql = f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM {self._unnest(table, columns)}{tail}"
        inserted: list[Row] = []
        for piece in pieces(rows, MOST_ROWS):
            inserted += await self._connection.fetch(sql, *zip(*piece, strict=True))
        return inserted

    def _unnest(self, table: str, columns: Sequence[str]) -> str:
        types = self._column_types[table]
        return f"unnest({', '.join(f'${number}::{types[name]}[]' for number, name in enumerate(columns, 1))})"


@lru_cache(maxsize=64)
def _update_of_one(table: str, columns: Sequence[str], key: Sequence[str]) -> str:
    marks = {name: f"${number}" for number, name in enumerate(columns, 1)}
    sets = ", ".join(f"{name} = {marks[name]}" for name in columns if name not in key)
    return f"UPDATE {table} SET {sets} WHERE {' AND '.join(f'{name} = {marks[name]}' for name in key)}"
