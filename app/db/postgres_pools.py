"""The two pools of connections to Postgres: one that writes, and one that reads, whose slow statements are cut off."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import asyncpg

from app.db import READ_TIMEOUT_SECONDS
from app.db.config import CONNECT_SECONDS, is_pooled, postgres_credentials

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
# More than a transaction writes: asyncpg then never waits amid a COPY until it may write on. Nobody would wake it when
# the connection is lost: it waited for the whole time-out of a write.
UNSENT_BYTES = 1024 * 1024 * 1024

# Behind a pooler in transaction mode a session is anybody's: each transaction brings its settings along.
OWN_SETTINGS = "SET LOCAL jit = off; SET LOCAL statement_timeout = "

Pools = tuple["asyncpg.Pool[Any]", "asyncpg.Pool[Any]", dict[str, dict[str, str]]]


async def connected(url: str) -> Pools:
    """The pool that writes, the one that reads, and the types of all columns, of a `postgres://` URL."""
    own = {"init": prepare_connection, "reset": _leave_as_is, "min_size": 1, "max_size": POOL_SIZE}
    options: dict[str, Any] = {"timeout": CONNECT_SECONDS, **postgres_credentials(url), **own}
    settings = {"application_name": "runwatch"}
    writing, reading = dict(settings), dict(settings)
    if not is_pooled(url):
        settings["jit"] = "off"
        writing = {**settings, "statement_timeout": f"{WRITE_TIMEOUT_SECONDS}s"}
        reading = {
            **settings,
            "statement_timeout": f"{READ_TIMEOUT_SECONDS:g}s",
            "default_transaction_read_only": "on",
        }
    with ExitStack() as undo:
        writes = await asyncpg.create_pool(
            **options,
            command_timeout=WRITE_TIMEOUT_SECONDS + MARGIN_SECONDS,
            server_settings=writing,
        )
        undo.callback(writes.terminate)
        reads = await asyncpg.create_pool(
            **{**options, "max_cacheable_statement_size": CACHEABLE_STATEMENT},
            command_timeout=READ_TIMEOUT_SECONDS + MARGIN_SECONDS,
            server_settings=reading,
        )
        undo.callback(reads.terminate)
        types = await column_types(writes)
        undo.pop_all()
    return writes, reads, types


async def prepare_connection(connection: asyncpg.Connection[Any]) -> None:
    """Ids are 32 hexadecimal digits on the Python side, in rows, parameters, arrays and COPY alike."""
    await connection.set_type_codec(
        "uuid", schema="pg_catalog", encoder=bytes.fromhex, decoder=bytes.hex, format="binary"
    )
    transport = getattr(connection, "_transport", None)  # asyncpg has no other way to it, nor to the socket
    if transport is not None:
        transport.set_write_buffer_limits(high=UNSENT_BYTES)
        _notice_dead_hosts(transport)


def _notice_dead_hosts(transport: asyncio.Transport) -> None:
    """Have the system end the connection soon when the other host is gone: of itself it takes a quarter of an hour."""
    opened = transport.get_extra_info("socket")
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


async def close_pools(pools: Iterable[asyncpg.Pool[Any]], *, hangs: bool) -> None:
    """Close pools, or, when the server keeps silent, end their connections. `hangs`: it is known to."""
    await asyncio.gather(*(_close_pool(pool, 0 if hangs else CLOSE_SECONDS) for pool in pools))


async def _close_pool(pool: asyncpg.Pool[Any], patience: float) -> None:
    try:
        await asyncio.wait_for(pool.close(), patience)
    except TimeoutError:
        pool.terminate()
    except BaseException:
        pool.terminate()
        raise


async def column_types(pool: asyncpg.Pool[Any]) -> dict[str, dict[str, str]]:
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
