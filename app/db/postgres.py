"""Postgres: a pool for writes, and one for reads, whose slow statements the server cuts off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from time import monotonic
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from app.db import READ_TIMEOUT_SECONDS, Database, Reading
from app.db.config import is_pooled, postgres_credentials
from app.db.dialect import Dialect
from app.db.lanes import Lane, end, is_rolled_back
from app.db.postgres_faults import SICK, explained, place_of
from app.db.postgres_pools import OWN_SETTINGS, POOL_SIZE, WRITE_TIMEOUT_SECONDS, close_pools, connected
from app.db.postgres_transaction import PostgresTransaction
from app.db.pulse import Pulse
from app.db.schema_version import APPLIED, refusal
from app.db.transaction import Held, Row, T, Transaction, TransientError
from app.db.watch import ANSWER_SECONDS, Locked, Newer, Refused, Watch
from app.errors import TimedOut, Unavailable

# How long a write that changes nothing waits for a connection, and for its answer.
PROBE_SECONDS = 3.0
DEAD = (
    asyncpg.PostgresConnectionError,  # also what a pooler says that does not reach its server
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a statement sent while the server was shutting down
    asyncpg.AdminShutdownError,
    asyncpg.CannotConnectNowError,
    OSError,  # refused, timed out, unknown host, no route
)
WRITE_NOTHING = """
SELECT current_setting('transaction_read_only') FROM pg_logical_emit_message(true, 'runwatch', '')
"""
# After these nothing more is sent on a connection: it waits for an answer, or is closed at the other end.
ENDS = (asyncpg.PostgresConnectionError, asyncpg.InternalClientError, TimeoutError)
TRY_AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class PostgresDatabase(Database):
    """A Postgres database, version 15 or later."""

    dialect = Dialect.POSTGRES

    def __init__(
        self,
        writes: asyncpg.Pool[Any],
        reads: asyncpg.Pool[Any],
        types: dict[str, dict[str, str]],
        place: str = "Postgres",
        *,
        pooled: bool = False,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        super().__init__(POOL_SIZE - 1)
        self._place = place
        self._writes = writes
        self._reads = reads
        begin = f"BEGIN READ ONLY; {OWN_SETTINGS}'{READ_TIMEOUT_SECONDS:g}s'" if pooled else ""
        self._lists, self._keys = Lane(reads, POOL_SIZE - 1, begin), Lane(reads, 1, begin)
        self._begin = f"BEGIN; {OWN_SETTINGS}'{WRITE_TIMEOUT_SECONDS}s'" if pooled else "BEGIN"
        self._writing: set[PoolConnectionProxy[Any]] = set()
        self._write_failed = False
        self._expiring: asyncio.Future[None] | None = None
        self._answer_seconds = answer_seconds
        self._watch = Watch(self._ask, self._end_connections, answer_seconds=answer_seconds)
        self._pulse = Pulse()
        self._column_types = types

    @classmethod
    async def open(cls, url: str, answer_seconds: float) -> PostgresDatabase:
        """Connect to the database of a `postgres://` URL; Unavailable if that is impossible, or it takes no writes."""
        place = place_of(postgres_credentials(url))
        try:
            pools = await connected(url)
            database = cls(*pools, place, pooled=is_pooled(url), answer_seconds=answer_seconds)
            try:
                await database.write_nothing()
            except BaseException:
                await database._close()
                raise
        except (*DEAD, *SICK, asyncpg.InsufficientPrivilegeError) as error:
            if isinstance(error, Unavailable):
                raise
            raise Unavailable(explained(error, place)) from error
        database._watch.start()
        database._pulse.start()
        return database

    def fetch(self, sql: str, *params: Any) -> Coroutine[Any, Any, Sequence[Row]]:
        """See Database. Runs again once when its connection turns out to be dead."""
        return self._fetch(self._lists, sql, params)

    def fetch_by_key(self, sql: str, *params: Any) -> Coroutine[Any, Any, Sequence[Row]]:
        """See Database."""
        return self._fetch(self._keys, sql, params)

    async def _fetch(self, lane: Lane, sql: str, params: Sequence[Any]) -> Sequence[Row]:
        self._watch.check()
        with Reading():
            return await self._fetch_now(lane, sql, params)

    def connections(self) -> dict[tuple[str, ...], float]:
        """See Database. Lanes keep idle connections, which their pool counts as used."""
        reading = sum(lane.busy for lane in (self._lists, self._keys))
        writing = self._writes.get_size() - self._writes.get_idle_size()
        return {
            ("read", "busy"): float(reading),
            ("read", "idle"): float(self._reads.get_size() - reading),
            ("read", "unopened"): float(POOL_SIZE - self._reads.get_size()),
            ("write", "busy"): float(writing),
            ("write", "idle"): float(self._writes.get_idle_size()),
            ("write", "unopened"): float(POOL_SIZE - self._writes.get_size()),
        }

    async def _ask(self) -> None:
        """See Watch: does it answer, is it of this version, and can it be written again?"""
        with suppress(asyncpg.UndefinedTableError):  # nobody has migrated it
            if reason := refusal(name for (name,) in await self._fetch_now(self._keys, APPLIED, ())):
                raise Newer(f"{self._place}: {reason}")
        if self._write_failed:
            await self.write_nothing()
            self._write_failed = False

    @property
    def outage(self) -> str | None:
        """See Database."""
        return self._watch.outline

    async def write_nothing(self) -> None:
        """See Database. A message to nobody is in the log of Postgres alone, and on disk with its commit."""
        try:
            async with self._writes.acquire(timeout=PROBE_SECONDS) as connection:
                if await connection.fetchval(WRITE_NOTHING, timeout=PROBE_SECONDS) == "on":
                    raise asyncpg.ReadOnlySQLTransactionError("transaction_read_only is on")
        except TimeoutError as error:
            raise Locked(explained(error, self._place)) from error
        except (*DEAD, *SICK, asyncpg.ObjectNotInPrerequisiteStateError) as error:
            await self._writes.expire_connections()  # whether it takes writes, a session may have heard at its start
            raise Refused(explained(error, self._place)) from error

    def _end_connections(self) -> None:
        """End all, with what waits for an answer on them: none will come."""
        for lane in (self._lists, self._keys):
            lane.end_all()
        for connection in self._writing:
            end(connection)
        # Those that are idle too: they lead to where nobody answers.
        self._expiring = asyncio.ensure_future(self._writes.expire_connections())

    async def _fetch_now(self, lane: Lane, sql: str, params: Sequence[Any]) -> Sequence[Row]:
        began = monotonic()
        try:
            try:
                return await lane.fetch(sql, params)
            except TimeoutError:
                await self._renew()  # a failover takes all connections at once
                raise  # as long as that is nobody to ask again
            except DEAD:
                self._watch.check()
                await self._renew()
                return await lane.fetch(sql, params)
            except asyncpg.QueryCanceledError:
                if not self._pulse.was_late_since(began):
                    raise
                return await lane.fetch(sql, params)  # the time was not the statement's
        except asyncpg.QueryCanceledError:
            raise TimedOut(READ_TIMEOUT_SECONDS, sql, params) from None
        except asyncpg.ReadOnlySQLTransactionError:
            raise  # the statement is wrong, not the server
        except (*DEAD, *SICK) as error:
            if isinstance(error, Unavailable):  # of the watch
                raise
            raise Unavailable(explained(error, self._place)) from error

    async def max_connections(self) -> int | None:
        """See Database: what the server does not keep for its administrators."""
        reserved = "current_setting('superuser_reserved_connections')::int"
        rows = await self.fetch(f"SELECT current_setting('max_connections')::int - {reserved}")
        return int(rows[0][0])

    async def _attempt(
        self, work: Callable[[Transaction], Awaitable[T]], patience: float | None
    ) -> tuple[T, list[Callable[[], None]]]:
        self._watch.check_write()
        try:
            connection = await self._writes.acquire()
        except (TimeoutError, *SICK) as error:
            raise Unavailable(explained(error, self._place)) from error
        except DEAD as error:
            raise TransientError("no connection") from error
        self._writing.add(connection)
        try:
            # One round trip, where asyncpg's own transactions take one for BEGIN alone.
            held = "" if patience is None else f"; SET LOCAL lock_timeout = {max(round(patience * 1000), 1)}"
            try:
                # BEGIN waits for nothing but its server.
                await connection.execute(f"{self._begin}{held}", timeout=self._answer_seconds)
            except DEAD as error:
                if isinstance(error, TimeoutError):
                    end(connection)
                await self._renew()
                raise TransientError("the connection had died") from error
            transaction = PostgresTransaction(connection, self.turns, self._column_types)
            try:
                result = await work(transaction)
            except BaseException as error:
                dead = isinstance(error, ENDS) or not await is_rolled_back(connection)
                if dead:
                    end(connection)
                if isinstance(error, TRY_AGAIN):
                    raise TransientError(type(error).__name__) from error
                if isinstance(error, asyncpg.LockNotAvailableError):
                    raise Held(str(error)) from error
                if isinstance(error, DEAD) and dead:
                    raise TransientError("the connection died before the commit") from error
                raise
            await self._commit(connection)
            return result, transaction.callbacks
        except SICK as error:
            raise await self._write_has_failed(error) from error
        finally:
            self._writing.discard(connection)
            await self._writes.release(connection)

    async def _commit(self, connection: PoolConnectionProxy[Any]) -> None:
        try:
            await connection.execute("COMMIT")
        except DEAD as error:
            # It may have committed, so it must not run again.
            end(connection)
            raise Unavailable(explained(error, self._place)) from error

    async def _write_has_failed(self, error: BaseException) -> Unavailable:
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            # A failover that left the connections to what was the primary open: new ones lead elsewhere.
            await self._renew()
        self._write_failed = True
        fault = Unavailable(explained(error, self._place))
        self._watch.failed(fault)
        return fault

    async def _renew(self) -> None:
        """Have every connection replaced before its next use."""
        await self._writes.expire_connections()
        await self._reads.expire_connections()
        await self._lists.renew()
        await self._keys.renew()

    def _lasting(self, error: BaseException) -> BaseException:
        """See Database."""
        return Unavailable(explained(error, self._place)) if isinstance(error, DEAD) else error

    async def _close(self) -> None:
        async with AsyncExitStack() as stack:
            pools, hangs = (self._writes, self._reads), self._watch.reason is not None
            stack.push_async_callback(close_pools, pools, hangs=hangs)
            for lane in (self._lists, self._keys):
                stack.push_async_callback(lane.close)
            stack.push_async_callback(self._watch.close)
            stack.callback(self._pulse.close)
