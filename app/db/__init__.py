"""The database: plain SQL, with Tortoise for migrations.

SQL is written once, with `$1` parameters. Where the two databases differ in a word, Dialect hides it.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from app.db.transaction import Held, Overtaken, Reader, Row, T, Transaction, TransientError
from app.db.watch import ANSWER_SECONDS
from app.log import get_logger
from app.monitor import numbers
from app.turns import Turns

__all__ = ["Database", "Held", "Overtaken", "Reader", "Row", "Transaction", "TransientError", "open_database"]

log = get_logger(__name__)

# A slower read has a bad query or a missing index. It must not hold up the others.
READ_TIMEOUT_SECONDS = 5.0
# A deadlock, or a connection that died before COMMIT was sent: the work runs again from its start.
ATTEMPTS = 4


class Reading:
    """Counts a reading statement, and its time: enter it around one."""

    __slots__ = ("_began",)

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        numbers.STATEMENTS.add(1, "ok" if kind is None else "failed")
        numbers.STATEMENT_SECONDS.add(perf_counter() - self._began)


class Database(Reader):
    """One database with connections for reads and for writes."""

    def __init__(self, readers: int) -> None:
        self.turns = Turns()  # of transactions
        self._running: set[asyncio.Task[Any]] = set()
        self._long = asyncio.Semaphore(readers - 1)
        self.is_closing = False
        self.committed_at = 0.0  # by the clock of the loop

    async def fetch_by_key(self, sql: str, *params: Any) -> Sequence[Row]:
        """The rows of one statement that finds them by a unique key, on a connection for such alone.

        No list that others read makes it wait, so everybody can sign in.
        """
        return await self.fetch(sql, *params)

    async def fetch_long(self, sql: str, *params: Any) -> Sequence[Row]:
        """The rows of one statement that may read much to find them: a search, a count, figures.

        However many there are, they leave one of the reading connections to everything else.
        """
        async with self._long:
            return await self.fetch(sql, *params)

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]], *, patience: float | None = None) -> T:
        """Run `work` in a write transaction and commit it.

        Held when it waits for a lock of another transaction for longer than `patience` seconds; on SQLite, which runs
        one at a time, it never does.

        It runs as its own task: when the caller is cancelled (a client hung up), the transaction still ends, and its
        connection returns to the pool. Cancelling inside a transaction is what leaks connections.
        """
        task = asyncio.create_task(self._with_attempts(work, patience))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def connections(self) -> dict[tuple[str, ...], float]:
        """How many connections there are, by (pool, busy or idle), and how many more there may be (pool, unopened)."""
        return {}

    async def shrink(self, pages: int) -> None:
        """Cut so many free pages off an SQLite file; Postgres does that by itself."""

    async def close(self) -> None:
        """Wait for running transactions, then close every connection."""
        self.is_closing = True
        if self._running:
            await asyncio.wait(self._running)
        await self._close()

    @abstractmethod
    async def fetch(self, sql: str, *params: Any) -> Sequence[Row]:
        """The rows of one reading statement; LimitExceeded when it takes longer than READ_TIMEOUT_SECONDS."""

    @property
    @abstractmethod
    def outage(self) -> str | None:
        """What everybody may know of why the database cannot be used as it should; None if it can."""

    @property
    def is_writing(self) -> bool:
        """Whether a transaction of this process keeps all other writes waiting."""
        return False

    @property
    def progress(self) -> tuple[float, int]:
        """Another one as soon as a transaction of this process has been committed, or goes on with long work."""
        return self.committed_at, self.turns.pauses

    @property
    def folder(self) -> Path | None:
        """Where it is on a disk of this machine; None if it is a server."""
        return None

    @abstractmethod
    async def write_nothing(self) -> None:
        """Commit a write that leaves nothing behind; Unavailable if that fails, or another one is in its way."""

    @abstractmethod
    async def max_connections(self) -> int | None:
        """How many connections all processes together may open; None: as many as they like."""

    @abstractmethod
    async def _attempt(
        self, work: Callable[[Transaction], Awaitable[T]], patience: float | None
    ) -> tuple[T, list[Callable[[], None]]]: ...

    @abstractmethod
    async def _close(self) -> None: ...

    async def _with_attempts(self, work: Callable[[Transaction], Awaitable[T]], patience: float | None) -> T:
        began, outcome = perf_counter(), "failed"
        try:
            result = await self._committed(work, patience)
            outcome = "committed"
            return result
        finally:
            numbers.TRANSACTIONS.add(1, outcome)
            numbers.TRANSACTION_SECONDS.add(perf_counter() - began)

    async def _committed(self, work: Callable[[Transaction], Awaitable[T]], patience: float | None) -> T:
        attempt = 0
        while True:
            try:
                result, callbacks = await self._attempt(work, patience)
            except Overtaken:
                continue
            except TransientError as error:
                attempt += 1
                if attempt == ATTEMPTS:
                    raise self._lasting(error.__cause__ or error) from None
                log.info("transaction_retried", attempt=attempt, reason=str(error))
                continue
            self.committed_at = asyncio.get_running_loop().time()
            for callback in callbacks:
                try:
                    callback()
                except Exception:
                    # The commit stands. A failing listener must not make the caller believe otherwise.
                    log.exception("after_commit_failed")
            return result

    def _lasting(self, error: BaseException) -> BaseException:
        """What a transaction fails with, for what its last attempt failed with: Unavailable, if a later one may not."""
        return error

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # marks it as retrieved: when the caller is gone, nobody else can receive it


async def open_database(
    url: str, *, sqlite_synchronous: str = "FULL", answer_seconds: float = ANSWER_SECONDS
) -> Database:
    """Connect to `postgres://user:password@host:port/name` or `sqlite:///path/to/file`.

    A Postgres that has not answered for `answer_seconds` is away.
    """
    # Each when it is asked for: asyncpg takes a tenth of a second of CPU to import.
    if url.startswith("sqlite:"):
        from app.db.sqlite import SqliteDatabase

        return await SqliteDatabase.open(url, sqlite_synchronous)
    from app.db.postgres import PostgresDatabase

    return await PostgresDatabase.open(url, answer_seconds)
