"""SQLite: one connection that writes, and a few that read.

With one connection for all, a read waits behind every write (0.9 s behind a 1 s import); with WAL, readers do not wait.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from itertools import islice
from typing import Any

import aiosqlite

from app.db import Database, Row, T, Transaction, TransientError, excluded
from app.db.config import SQLITE_PRAGMAS, sqlite_path
from app.db.dialect import Dialect
from app.db.locks import Lock
from app.db.sqlite_loop import LoopReader
from app.db.sqlite_reader import Reader, numbered

READERS = 4
# SQLite's default bound on parameters of one statement.
MAX_PARAMETERS = 32_766


class SqliteTransaction(Transaction):
    """A BEGIN IMMEDIATE on the writing connection."""

    dialect = Dialect.SQLITE

    def __init__(self, connection: aiosqlite.Connection) -> None:
        super().__init__()
        self._connection = connection

    async def fetch(self, sql: str, *params: Any) -> Sequence[Row]:
        """The rows of one statement."""
        return list(await self._connection.execute_fetchall(numbered(sql), params))

    async def lock(self, name: Lock) -> None:
        """Nothing to wait for: since its BEGIN IMMEDIATE the transaction is the only one of the file."""

    async def try_lock(self, name: Lock) -> bool:
        """Always: whoever else wants it has not begun, and waits for this transaction."""
        return True

    async def execute_many(self, sql: str, rows: Sequence[Row]) -> None:
        """One prepared statement, run for each row within one hop to SQLite's thread."""
        if rows:
            await self._connection.executemany(numbered(sql), rows)

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
        remaining = iter(rows)
        # Two sizes only (the largest and one), so that the statement cache always hits.
        limit = min(MAX_PARAMETERS // len(columns), 100)
        while chunk := list(islice(remaining, limit)):
            size = len(chunk) if len(chunk) == limit else 1
            sql = head + ", ".join([mark] * size) + tail
            for start in range(0, len(chunk), size):
                values = [value for row in chunk[start : start + size] for value in row]
                inserted.update(row[0] for row in await self._connection.execute_fetchall(sql, values))
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


class SqliteDatabase(Database):
    """An SQLite file in WAL mode."""

    dialect = Dialect.SQLITE

    def __init__(self, writer: aiosqlite.Connection, here: LoopReader, readers: list[Reader], keys: Reader) -> None:
        super().__init__(len(readers))
        self._writer = writer
        self._here = here
        self._keys = keys
        self._free_keys = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._readers = readers
        self._idle: asyncio.LifoQueue[Reader] = asyncio.LifoQueue()
        for reader in readers:
            self._idle.put_nowait(reader)

    @classmethod
    async def open(cls, url: str, synchronous: str) -> SqliteDatabase:
        """Open (or create) the file of a `sqlite:///path` URL."""
        path = sqlite_path(url)
        async with AsyncExitStack() as undo:
            writer = await aiosqlite.connect(path, isolation_level=None)
            undo.push_async_callback(writer.close)
            writer.row_factory = sqlite3.Row
            for name, value in {**SQLITE_PRAGMAS, "synchronous": synchronous}.items():
                await writer.execute(f"PRAGMA {name} = {value}")
            readers: list[Reader] = []
            for _ in range(READERS):
                readers.append(await Reader.open(path))
                undo.push_async_callback(readers[-1].close)
            keys = await Reader.open(path)
            undo.push_async_callback(keys.close)
            here = LoopReader(path)
            undo.pop_all()
        return cls(writer, here, readers, keys)

    async def fetch(self, sql: str, *params: Any) -> Sequence[Row]:
        """The rows of one reading statement."""
        rows = await self._here.fetch(sql, params)
        return rows if rows is not None else await self._fetch_in_thread(sql, params)

    async def _fetch_in_thread(self, sql: str, params: Sequence[Any]) -> Sequence[Row]:
        reader = await self._idle.get()
        try:
            return await reader.fetch(sql, params)
        finally:
            self._idle.put_nowait(reader)

    async def fetch_by_key(self, sql: str, *params: Any) -> Sequence[Row]:
        """See Database."""
        rows = await self._here.fetch(sql, params)
        if rows is not None:
            return rows
        async with self._free_keys:
            return await self._keys.fetch(sql, params)

    async def max_connections(self) -> int | None:
        """See Database: there is no server."""
        return None

    async def shrink(self, pages: int) -> None:
        """Cut so many free pages off the file, in a transaction of its own."""
        async with self._writing:
            # A script, which is stepped to its end: an ordinary statement without rows frees one page.
            await self._writer.executescript(f"PRAGMA incremental_vacuum({pages})")

    async def _attempt(
        self, work: Callable[[Transaction], Awaitable[T]], patience: float | None
    ) -> tuple[T, list[Callable[[], None]]]:
        connection = self._writer
        async with self._writing:
            try:
                # Plain BEGIN takes the write lock at the first write; when two processes have read by then, one fails.
                await connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise TransientError("the file is locked by another process") from error
            transaction = SqliteTransaction(connection)
            try:
                result = await work(transaction)
                await connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    await connection.execute("ROLLBACK")
                raise
            return result, transaction.callbacks

    async def _close(self) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._writer.close)
            stack.callback(self._here.close)
            for reader in (self._keys, *self._readers):
                stack.push_async_callback(reader.close)
