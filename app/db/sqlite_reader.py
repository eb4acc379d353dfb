"""A connection to an SQLite file that only reads, in a thread of its own, and gives up at its deadline.

The way to the thread and back takes half the CPU of aiosqlite's.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

from app.db import READ_TIMEOUT_SECONDS, Row
from app.errors import TimedOut

# How many steps of SQLite's virtual machine lie between two looks at the clock: every millisecond or so.
STEPS_PER_CHECK = 50_000
READER = "sqlite-reader"  # the name of its thread
# Who writes keeps nobody from reading; only a file that somebody uses alone does.
PRAGMAS = ("query_only = ON", f"busy_timeout = {READ_TIMEOUT_SECONDS * 1000:.0f}", "cache_size = -32768")


@lru_cache(maxsize=1024)
def numbered(sql: str) -> str:
    """`$1` as SQLite writes a numbered parameter: `?1`."""
    # Python 3.12.0 to 3.12.3 warn of each, which only `-W` and `-X dev` show (gh-117995).
    return sql.replace("$", "?")


_Job = tuple[asyncio.AbstractEventLoop, asyncio.Future[Any], Callable[..., Any], tuple[Any, ...]]


class Reader:
    """One connection. Its owner sees to it that one statement runs at a time.

    Before its first statement it has the file open, and neither a thread nor the schema, which takes a millisecond to
    read: most statements run in the loop.
    """

    def __init__(self, path: Path) -> None:
        self._deadline = 0.0
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._ended = False
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.set_progress_handler(self._is_late, STEPS_PER_CHECK)
        self._is_prepared = False
        self._thread = Thread(target=self._work, name=READER, daemon=True)

    async def fetch(self, sql: str, params: Sequence[Any]) -> Sequence[Row]:
        """The rows of one statement; TimedOut when it takes longer than READ_TIMEOUT_SECONDS."""
        self._deadline = time.monotonic() + READ_TIMEOUT_SECONDS
        try:
            rows: Sequence[Row] = await self._do(self._execute, numbered(sql), params)
        except asyncio.CancelledError:
            # Its statement may still be running: end it now, and wait for that, or the next reader would wait for it
            # and lose its own time.
            self._deadline = 0.0
            await self._do(self._execute, "SELECT 1", ())
            raise
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise TimedOut(READ_TIMEOUT_SECONDS, sql, params) from None
            raise
        return rows

    async def close(self) -> None:
        """Close it after its statement, and end the thread. Again does nothing."""
        if self._ended:
            return
        if self._thread.ident is None:
            self._connection.close()
        else:
            await self._do(self._connection.close)
        self._ended = True
        self._jobs.put(None)

    def _execute(self, sql: str, params: Sequence[Any]) -> Sequence[Row]:
        if not self._is_prepared:
            for pragma in PRAGMAS:
                self._connection.execute(f"PRAGMA {pragma}")
            self._is_prepared = True
        return self._connection.execute(sql, params).fetchall()

    def _is_late(self) -> int:
        return int(time.monotonic() > self._deadline)

    async def _do(self, function: Callable[..., Any], *args: Any) -> Any:
        if self._ended:  # nobody would answer
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
        if self._thread.ident is None:
            self._thread.start()
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._jobs.put((loop, future, function, args))
        return await future

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            loop, future, function, args = job
            settle: Callable[[asyncio.Future[Any], Any], None]
            result: Any
            try:
                settle, result = _succeed, function(*args)
            except BaseException as error:
                settle, result = _fail, error
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(settle, future, result)
            # Rows may have megabytes, and the next job may be long in coming.
            del job, loop, future, function, args, result


def _succeed(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
