"""Postgres: a pool for writes, and one for reads, whose slow statements the server cuts off."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, suppress
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from app.db import READ_TIMEOUT_SECONDS, Database, Held, Row, T, Transaction, TransientError
from app.db.config import CONNECT_SECONDS, postgres_credentials
from app.db.dialect import Dialect
from app.db.lanes import Lane, end
from app.db.postgres_transaction import PostgresTransaction
from app.db.watch import Watch
from app.errors import TimedOut, Unavailable

POOL_SIZE = 10
# In characters. asyncpg keeps statements up to 15,360 prepared; with percentiles one has the 24,000 of all bounds.
CACHEABLE_STATEMENT = 64 * 1024
# A write that waits longer waits for something that will not happen.
WRITE_TIMEOUT_SECONDS = 60
# Of the time-outs above, which are the server's: from then on it does not answer at all.
MARGIN_SECONDS = 0.5
# Data that nobody acknowledges, and a connection that is silent: the other host is gone.
UNACKNOWLEDGED_MS, IDLE_SECONDS, PROBE_SECONDS, PROBES = 5_000, 10, 2, 3
CLOSE_SECONDS = 3.0
DEAD = (
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a statement sent while the server was shutting down
    asyncpg.AdminShutdownError,
    asyncpg.CannotConnectNowError,
    OSError,  # refused, timed out, unknown host, no route
)
TRY_AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


async def _prepare_connection(connection: asyncpg.Connection[Any]) -> None:
    """Ids are 32 hexadecimal digits on the Python side, in rows, parameters, arrays and COPY alike."""
    await connection.set_type_codec(
        "uuid", schema="pg_catalog", encoder=bytes.fromhex, decoder=bytes.hex, format="binary"
    )
    _notice_dead_hosts(connection)


def _notice_dead_hosts(connection: asyncpg.Connection[Any]) -> None:
    """Have the system end the connection soon when the other host is gone: of itself it takes a quarter of an hour."""
    transport = getattr(connection, "_transport", None)  # asyncpg has no other way to the socket
    opened = transport and transport.get_extra_info("socket")
    if not opened or opened.family not in (socket.AF_INET, socket.AF_INET6):
        return
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", IDLE_SECONDS),
        ("TCP_KEEPINTVL", PROBE_SECONDS),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_MS),
    ):
        if option := getattr(socket, name, None):  # not every system has all
            opened.setsockopt(socket.IPPROTO_TCP, option, value)


async def _leave_as_is(connection: asyncpg.Connection[Any]) -> None:
    """Replaces asyncpg's reset query, a round trip at each release: nothing here changes a connection's settings."""


class PostgresDatabase(Database):
    """A Postgres database, version 15 or later."""

    dialect = Dialect.POSTGRES

    def __init__(self, writes: asyncpg.Pool[Any], reads: asyncpg.Pool[Any], types: dict[str, dict[str, str]]) -> None:
        super().__init__(POOL_SIZE - 1)
        self._writes = writes
        self._reads = reads
        self._lists, self._keys = Lane(reads, POOL_SIZE - 1), Lane(reads, 1)
        self._writing: set[PoolConnectionProxy[Any]] = set()
        self._watch = Watch(self._ask, self._end_connections)
        self._column_types = types

    @classmethod
    async def open(cls, url: str) -> PostgresDatabase:
        """Connect to the database of a `postgres://` URL."""
        own = {"init": _prepare_connection, "reset": _leave_as_is, "min_size": 1, "max_size": POOL_SIZE}
        options: dict[str, Any] = {"timeout": CONNECT_SECONDS, **postgres_credentials(url), **own}
        settings = {"jit": "off", "application_name": "runwatch"}
        with ExitStack() as undo:
            writes = await asyncpg.create_pool(
                **options,
                command_timeout=WRITE_TIMEOUT_SECONDS + MARGIN_SECONDS,
                server_settings={**settings, "statement_timeout": f"{WRITE_TIMEOUT_SECONDS}s"},
            )
            undo.callback(writes.terminate)
            reads = await asyncpg.create_pool(
                **{**options, "max_cacheable_statement_size": CACHEABLE_STATEMENT},
                command_timeout=READ_TIMEOUT_SECONDS + MARGIN_SECONDS,
                server_settings={
                    **settings,
                    "statement_timeout": f"{READ_TIMEOUT_SECONDS:g}s",
                    "default_transaction_read_only": "on",
                },
            )
            undo.callback(reads.terminate)
            types = await _column_types(writes)
            undo.pop_all()
        database = cls(writes, reads, types)
        database._watch.start()
        return database

    async def fetch(self, sql: str, *params: Any) -> Sequence[Row]:
        """See Database. Runs again once when its connection turns out to be dead."""
        return await self._fetch(self._lists, sql, params)

    async def fetch_by_key(self, sql: str, *params: Any) -> Sequence[Row]:
        """See Database."""
        return await self._fetch(self._keys, sql, params)

    async def _fetch(self, lane: Lane, sql: str, params: Sequence[Any]) -> Sequence[Row]:
        self._watch.check()
        return await self._fetch_now(lane, sql, params)

    async def _ask(self) -> None:
        with suppress(asyncpg.TooManyConnectionsError):  # an answer too
            await self._fetch_now(self._keys, "SELECT 1", ())

    def _end_connections(self) -> None:
        """End all, with what waits for an answer on them: none will come."""
        for lane in (self._lists, self._keys):
            lane.end_all()
        for connection in self._writing:
            end(connection)

    async def _fetch_now(self, lane: Lane, sql: str, params: Sequence[Any]) -> Sequence[Row]:
        try:
            try:
                return await lane.fetch(sql, params)
            except TimeoutError:
                raise  # as long as that is nobody to ask again
            except DEAD:
                self._watch.check()
                await self._reads.expire_connections()
                await self._lists.renew()
                await self._keys.renew()
                return await lane.fetch(sql, params)
        except asyncpg.QueryCanceledError:
            raise TimedOut(READ_TIMEOUT_SECONDS, sql, params) from None
        except (*DEAD, asyncpg.TooManyConnectionsError) as error:  # existing connections continue
            raise Unavailable(f"{type(error).__name__}: {error}") from error

    async def max_connections(self) -> int | None:
        """See Database: what the server does not keep for its administrators."""
        reserved = "current_setting('superuser_reserved_connections')::int"
        rows = await self.fetch(f"SELECT current_setting('max_connections')::int - {reserved}")
        return int(rows[0][0])

    async def _attempt(
        self, work: Callable[[Transaction], Awaitable[T]], patience: float | None
    ) -> tuple[T, list[Callable[[], None]]]:
        self._watch.check()
        try:
            connection = await self._writes.acquire()
        except TimeoutError as error:
            raise Unavailable(f"{type(error).__name__}: {error}") from error
        except DEAD as error:
            raise TransientError("no connection") from error
        self._writing.add(connection)
        try:
            # One round trip, where asyncpg's own transactions take one for BEGIN alone.
            held = "" if patience is None else f"; SET LOCAL lock_timeout = {max(round(patience * 1000), 1)}"
            try:
                await connection.execute(f"BEGIN{held}")
            except DEAD as error:
                await self._writes.expire_connections()
                raise TransientError("the connection had died") from error
            transaction = PostgresTransaction(connection, self._column_types)
            try:
                result = await work(transaction)
            except BaseException as error:
                if isinstance(error, (asyncpg.InternalClientError, TimeoutError)):
                    end(connection)
                dead = _is_dead(connection)
                if not dead:
                    await connection.execute("ROLLBACK")
                if isinstance(error, TRY_AGAIN):
                    raise TransientError(type(error).__name__) from error
                if isinstance(error, asyncpg.LockNotAvailableError):
                    raise Held(str(error)) from error
                if isinstance(error, DEAD) and dead:
                    raise TransientError("the connection died before the commit") from error
                raise
            await connection.execute("COMMIT")
            return result, transaction.callbacks
        finally:
            self._writing.discard(connection)
            await self._writes.release(connection)

    def _lasting(self, error: BaseException) -> BaseException:
        """See Database."""
        return Unavailable(f"{type(error).__name__}: {error}") if isinstance(error, DEAD) else error

    async def _close(self) -> None:
        async with AsyncExitStack() as stack:
            for pool in (self._writes, self._reads):
                stack.push_async_callback(_close_pool, pool)
            for lane in (self._lists, self._keys):
                stack.push_async_callback(lane.close)
            stack.push_async_callback(self._watch.close)


async def _close_pool(pool: asyncpg.Pool[Any]) -> None:
    try:
        await asyncio.wait_for(pool.close(), CLOSE_SECONDS)
    except TimeoutError:
        pool.terminate()
    except BaseException:
        pool.terminate()
        raise


def _is_dead(connection: PoolConnectionProxy[Any]) -> bool:
    """Whether it was lost. The pool takes such a connection back at once, and its proxy then refuses questions."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


async def _column_types(pool: asyncpg.Pool[Any]) -> dict[str, dict[str, str]]:
    """The types of all columns, for the casts of unnest."""
    types: dict[str, dict[str, str]] = {}
    # Not information_schema.columns, which takes 9 ms of CPU instead of 3.
    for table, column, kind in await pool.fetch(
        "SELECT relname, attname, typname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " JOIN pg_type ON pg_type.oid = atttypid"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped"
    ):
        types.setdefault(table, {})[column] = kind
    return types
