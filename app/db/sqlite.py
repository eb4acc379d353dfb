"""SQLite: one connection that writes, and a few that read.

With one connection for all, a read waits behind every write (0.9 s behind a 1 s import); with WAL, readers do not wait.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import aiosqlite

from app.db import Database, Reading
from app.db.config import SQLITE_OPEN_SECONDS, SQLITE_PRAGMAS, sqlite_path
from app.db.dialect import Dialect
from app.db.schema_version import APPLIED, refusal
from app.db.sqlite_faults import Place, fault_of
from app.db.sqlite_loop import LoopReader
from app.db.sqlite_reader import Reader
from app.db.sqlite_transaction import SqliteTransaction
from app.db.transaction import Row, T, Transaction
from app.db.watch import PAUSE_SECONDS, Locked, Lost, Newer, Refused, Watch
from app.errors import Unavailable

READERS = 4
# How long a write that changes nothing waits for others.
PROBE_SECONDS = 0.5


# Of the wait for another process's write, which nothing can break off, at a time: who ends has 10 s for everything.
STEP_MS = 500


class SqliteDatabase(Database):
    """An SQLite file in WAL mode."""

    dialect = Dialect.SQLITE

    def __init__(
        self,
        path: Path,
        writer: aiosqlite.Connection,
        writer_here: LoopReader,
        here: LoopReader,
        readers: list[Reader],
        keys: Reader,
    ) -> None:
        super().__init__(len(readers))
        self._path = path
        self._place = Place(path)
        self._writer = writer
        self._writer_here = writer_here  # the same connection
        self._schema_version = -1  # as it was when its migrations were looked at
        self._here = here
        self._keys = keys
        self._free_keys = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._readers = readers
        self._idle: asyncio.LifoQueue[Reader] = asyncio.LifoQueue()
        for reader in readers:
            self._idle.put_nowait(reader)
        self._write_failed = False
        self._patience = SQLITE_PRAGMAS["busy_timeout"] / 1000
        self._watch = Watch(self._ask, delay=PAUSE_SECONDS)

    @classmethod
    async def open(cls, url: str, synchronous: str) -> SqliteDatabase:
        """Open (or create) the file of a `sqlite:///path` URL; Unavailable if it cannot be written."""
        path = sqlite_path(url)
        try:
            async with AsyncExitStack() as undo:
                opened = _opened(path)
                writer = await aiosqlite.Connection(lambda: opened, iter_chunk_size=64)
                undo.push_async_callback(writer.close)
                own = {"synchronous": synchronous, "busy_timeout": min(SQLITE_PRAGMAS["busy_timeout"], STEP_MS)}
                pragmas = {**SQLITE_PRAGMAS, **own}.items()
                await writer.executescript("".join(f"PRAGMA {name} = {value};" for name, value in pragmas))
                await asyncio.to_thread(commit_nothing, path, SQLITE_OPEN_SECONDS)
                readers: list[Reader] = []
                for _ in range(READERS + 1):
                    readers.append(Reader(path))
                    undo.push_async_callback(readers[-1].close)
                keys = readers.pop()
                here = LoopReader.open(path)
                undo.callback(here.close)
                database = cls(path, writer, LoopReader(opened), here, readers, keys)
                undo.pop_all()
        except sqlite3.Error as error:
            if (fault := fault_of(error, path)) is None:
                raise
            raise fault from error
        database._watch.start()
        return database

    async def fetch(self, sql: str, *params: Any) -> Sequence[Row]:
        """The rows of one reading statement."""
        self._watch.check()
        try:
            with Reading():
                rows = await self._here.fetch(sql, params)
                return rows if rows is not None else await self._fetch_in_thread(sql, params)
        except sqlite3.DatabaseError as error:
            raise self._read_fault(error) or error from error.__cause__

    async def _fetch_in_thread(self, sql: str, params: Sequence[Any]) -> Sequence[Row]:
        reader = await self._idle.get()
        try:
            return await reader.fetch(sql, params)
        finally:
            self._idle.put_nowait(reader)

    async def fetch_by_key(self, sql: str, *params: Any) -> Sequence[Row]:
        """See Database."""
        self._watch.check()
        try:
            with Reading():
                return await self._fetch_by_key(sql, params)
        except sqlite3.DatabaseError as error:
            raise self._read_fault(error) or error from error.__cause__

    async def _fetch_by_key(self, sql: str, params: Sequence[Any]) -> Sequence[Row]:
        rows = await self._here.fetch(sql, params)
        if rows is not None:
            return rows
        async with self._free_keys:
            return await self._keys.fetch(sql, params)

    @property
    def is_writing(self) -> bool:
        """See Database."""
        return self._writing.locked()

    @property
    def folder(self) -> Path | None:
        """See Database."""
        return self._path.parent

    def connections(self) -> dict[tuple[str, ...], float]:
        """See Database."""
        reading, writing = len(self._readers) - self._idle.qsize(), int(self._writing.locked())
        return {
            ("read", "busy"): float(reading),
            ("read", "idle"): float(self._idle.qsize()),
            ("write", "busy"): float(writing),
            ("write", "idle"): float(1 - writing),
        }

    async def max_connections(self) -> int | None:
        """See Database: there is no server."""
        return None

    async def shrink(self, pages: int) -> None:
        """Cut so many free pages off the file, in a transaction of its own."""
        async with self._writing:
            # A script, which is stepped to its end: an ordinary statement without rows frees one page.
            await self._once_free(lambda: self._writer.executescript(f"PRAGMA incremental_vacuum({pages})"))

    async def _attempt(
        self, work: Callable[[Transaction], Awaitable[T]], patience: float | None
    ) -> tuple[T, list[Callable[[], None]]]:
        connection = self._writer
        async with self._writing:
            self._watch.check_write()
            try:
                await self._begin()
                transaction = SqliteTransaction(self._writer_here, connection, self.turns)
                try:
                    result = await work(transaction)
                    await connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        await connection.execute("ROLLBACK")
                    raise
                self._place.check()
            except sqlite3.DatabaseError as error:
                self._write_failed |= fault_of(error, self._path) is not None
                raise self._fault(error) or error from error.__cause__
            except (Lost, Refused) as error:
                self._watch.failed(error)
                raise
            return result, transaction.callbacks

    async def _begin(self) -> None:
        """Begin, unless a newer version has changed the schema: then SQLite has counted its version up."""
        connection = self._writer
        if connection.in_transaction:  # whose end failed
            await connection.execute("ROLLBACK")
        # Plain BEGIN takes the write lock at the first write; when two processes have read by then, one fails.
        _, (version,) = await self._once_free(
            lambda: asyncio.gather(
                connection.execute("BEGIN IMMEDIATE"), connection.execute_fetchall("PRAGMA schema_version")
            )
        )
        if version[0] == self._schema_version:
            return
        reason = refusal(name for (name,) in await self._applied())
        if reason is not None:
            await connection.execute("ROLLBACK")
            raise Newer(f"{self._path}: {reason}")
        self._schema_version = version[0]

    async def _once_free(self, statement: Callable[[], Awaitable[T]]) -> T:
        """The result of a statement, once no other process writes; who ends does not wait for that."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        while True:
            try:
                return await statement()
            except sqlite3.OperationalError as error:
                is_locked = isinstance(fault_of(error, self._path), Locked)
                if not is_locked or self.is_closing or loop.time() >= until:
                    raise

    async def _applied(self) -> Iterable[Row]:
        try:
            return await self._writer.execute_fetchall(APPLIED)
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            return ()  # nobody has migrated it

    def _fault(self, error: sqlite3.DatabaseError) -> Unavailable | None:
        fault = fault_of(error, self._path)
        if fault is not None:
            self._watch.failed(fault)
        return fault

    def _read_fault(self, error: sqlite3.DatabaseError) -> Unavailable | None:
        # A statement that would write, on a connection that only reads, is wrong itself; a sick file has a longer code.
        return None if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY else self._fault(error)

    async def _ask(self) -> None:
        """See Watch: is the file there, does it answer, is it of this version, and can it be written again?"""
        self._place.check()
        try:
            if reason := refusal(name for (name,) in await self._fetch_by_key(APPLIED, ())):
                raise Newer(f"{self._path}: {reason}")
            if self._write_failed:
                await self.write_nothing()
                self._write_failed = False
        except sqlite3.DatabaseError as error:
            if "no such table" not in str(error):  # nobody has migrated it
                raise fault_of(error, self._path) or error from error.__cause__

    @property
    def outage(self) -> str | None:
        """See Database."""
        return self._watch.outline

    async def write_nothing(self) -> None:
        """See Database. On a connection of its own: that which writes may be in use for long."""

        try:
            await asyncio.to_thread(commit_nothing, self._path, PROBE_SECONDS)
        except sqlite3.DatabaseError as error:
            fault = fault_of(error, self._path)
            raise (fault if isinstance(fault, Locked) else Refused(str(fault or error))) from error

    async def _close(self) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._writer.close)
            stack.callback(self._here.close)
            for reader in (self._keys, *self._readers):
                stack.push_async_callback(reader.close)
            stack.push_async_callback(self._watch.close)


def _opened(path: Path) -> sqlite3.Connection:
    """A connection for more than one thread. Its owner sees to it that one statement runs at a time."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    return connection


def commit_nothing(path: Path, patience: float) -> None:
    """A commit that goes to the disk as others do, and leaves no row: it sets a number of the head to what it is."""
    with closing(sqlite3.connect(path, timeout=patience, isolation_level=None)) as connection:
        # Of a file that is new: whoever writes first decides, and nobody after.
        connection.execute(f"PRAGMA auto_vacuum = {SQLITE_PRAGMAS['auto_vacuum']}")
        connection.execute("BEGIN IMMEDIATE")
        (number,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
