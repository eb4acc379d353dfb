"""A transaction of SQLite: its statements, in the thread of the writing connection, or of a short one in the loop."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import aiosqlite

from app.db.dialect import Dialect
from app.db.locks import Lock
from app.db.sqlite_loop import SECONDS, LoopReader
from app.db.sqlite_reader import numbered
from app.db.transaction import Row, Transaction, excluded
from app.turns import Turns, pieces

# Of one statement in the loop: 20 to 130 µs each.
MOST_ROWS_HERE = 128
# SQLite's default bound on parameters of one statement.
MAX_PARAMETERS = 32_766
# Statements that write begin otherwise, on SQLite.
_READS = re.compile(r"\s*(?:SELECT|WITH)\b")


class SqliteTransaction(Transaction):
    """A BEGIN IMMEDIATE on the writing connection, which `here` and the thread of `connection` use in turn.

    A way to the thread and back takes 50 to 100 µs, a statement of a single event 20; and while events arrive, loop and
    thread wait for each other's lock at every row.
    """

    dialect = Dialect.SQLITE

    def __init__(self, here: LoopReader, connection: aiosqlite.Connection, turns: Turns) -> None:
        super().__init__(turns)
        self._here = here
        self._connection = connection

    async def fetch(self, sql: str, *params: Any) -> Sequence[Row]:
        """The rows of one statement."""
        if not (self.is_short and _READS.match(sql)):
            return await self._written(numbered(sql), params)
        # What it finds may be long, however short the events are: all steps of a hundred executions.
        rows = await self._here.fetch(sql, params)
        return await self._in_thread(numbered(sql), params) if rows is None else rows

    async def lock(self, name: Lock) -> None:
        """Nothing to wait for: since its BEGIN IMMEDIATE the transaction is the only one of the file."""

    async def try_lock(self, name: Lock) -> bool:
        """Always: whoever else wants it has not begun, and waits for this transaction."""
        return True

    async def execute_many(self, sql: str, rows: Sequence[Row]) -> None:
        """One prepared statement, run for each row within one hop to SQLite's thread at most."""
        if not rows:
            return
        began = await self._begun() if len(rows) <= MOST_ROWS_HERE else None
        if began is None:
            await self._connection.executemany(numbered(sql), rows)
            return
        try:
            self._here.connection.executemany(numbered(sql), rows)
        finally:
            self._here.time.end(began)

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert new rows."""
        marks = ", ".join("?" * len(columns))
        await self.execute_many(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    async def insert_unseen(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], *, key: Sequence[str], returning: str
    ) -> set[Any]:
        """See Transaction. Nobody else has written since this one began."""
        await self.insert(table, columns, rows)
        place = columns.index(returning)
        return {row[place] for row in rows}

    async def insert_missing(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], *, key: Sequence[str], returning: str
    ) -> set[Any]:
        """Insert the rows whose key does not exist yet, many per statement so that RETURNING is possible."""
        mark = f"({', '.join('?' * len(columns))})"
        head = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "
        tail = f" ON CONFLICT ({', '.join(key)}) DO NOTHING RETURNING {returning}"
        inserted: set[Any] = set()
        # Two sizes only (the largest and one), so that the statement cache always hits.
        limit = min(MAX_PARAMETERS // len(columns), 100)
        for chunk in pieces(rows, limit):
            size = len(chunk) if len(chunk) == limit else 1
            sql = head + ", ".join([mark] * size) + tail
            for start in range(0, len(chunk), size):
                values = [value for row in chunk[start : start + size] for value in row]
                inserted.update(row[0] for row in await self._written(sql, values))
        return inserted

    async def upsert(self, table: str, columns: Sequence[str], rows: Sequence[Row], *, key: Sequence[str]) -> None:
        """Insert rows, or set their columns where the key exists."""
        marks = ", ".join("?" * len(columns))
        await self.execute_many(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
            f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {excluded(columns, key)}",
            rows,
        )

    async def update(self, table: str, columns: Sequence[str], rows: Sequence[Row], *, key: Sequence[str]) -> None:
        """Set columns of existing rows."""
        number = {name: place for place, name in enumerate(columns, 1)}
        where = " AND ".join(f"{name} = ?{number[name]}" for name in key)
        sets = ", ".join(f"{name} = ?{number[name]}" for name in columns if name not in key)
        await self.execute_many(f"UPDATE {table} SET {sets} WHERE {where}", rows)

    async def _in_thread(self, sql: str, params: Sequence[Any]) -> Sequence[Row]:
        return list(await self._connection.execute_fetchall(sql, params))

    async def _written(self, sql: str, params: Sequence[Any]) -> Sequence[Row]:
        began = await self._begun()
        if began is None:
            return await self._in_thread(sql, params)
        try:
            rows: Sequence[Row] = self._here.connection.execute(sql, params).fetchall()
            return rows
        finally:
            self._here.time.end(began)

    async def _begun(self) -> float | None:
        """When a statement of a short transaction begins in the loop; None if the thread is to run it."""
        if not self.is_short:
            return None
        if self._here.time.spent > SECONDS:
            await asyncio.sleep(0)
        return self._here.time.begin()
