"""Postgres databases of one schema, emptied and used again: emptying takes 10 ms, making and dropping one 130 ms.

A database comes back as its template made it, or not at all. Whatever else a test may have changed (the schema,
statistics, settings, extensions) shows in the database's state, and a database whose state is another is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

from specs.harness.servers.backends import Backends, backends_of
from specs.harness.servers.postgres import PostgresServer, unique_name

Result = TypeVar("Result")

# The name of the pool's own connections, one a database.
APPLICATION = "postgres-pool"

# Everything but rows that a test can leave behind in a database, and that another one would notice. A planner looks at
# the numbers of rows and pages, at statistics and at settings; relfilenode is apart, since emptying changes it.
_STATE = """
SELECT md5(string_agg(part::text, ';' ORDER BY kind, part::text)) FROM (
    SELECT 'relation', (oid, relname, relkind, relnatts, reloptions, relhasindex, relhasrules,
        CASE WHEN relkind <> 'i' OR reltuples > 0 THEN (reltuples, relpages) END) -- else 0 or -1 rows
        FROM pg_class WHERE oid >= 16384
    UNION ALL SELECT 'column', (attrelid, attname, atttypid, attnotnull, atthasdef, attstattarget, attoptions::text)
        FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0
    UNION ALL SELECT 'default', (oid, adbin::text) FROM pg_attrdef WHERE oid >= 16384
    UNION ALL SELECT 'index', (indexrelid, indisvalid, indisunique) FROM pg_index WHERE indexrelid >= 16384
    UNION ALL SELECT 'constraint', (oid, conname, convalidated) FROM pg_constraint WHERE oid >= 16384
    UNION ALL SELECT 'trigger', (oid, tgname, tgenabled) FROM pg_trigger WHERE oid >= 16384
    UNION ALL SELECT 'function', (oid, proname, prosrc) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT 'schema', (oid, nspname) FROM pg_namespace WHERE oid >= 16384 AND nspname NOT LIKE 'pg_%'
    UNION ALL SELECT 'extension', (oid, extname) FROM pg_extension
    UNION ALL SELECT 'statistics', (starelid, staattnum) FROM pg_statistic WHERE starelid >= 16384
    UNION ALL SELECT 'more statistics', (oid, stxname) FROM pg_statistic_ext
    UNION ALL SELECT 'setting', (setrole, setconfig::text) FROM pg_db_role_setting
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL SELECT 'limit', (datallowconn, datconnlimit) FROM pg_database WHERE datname = current_database()
    UNION ALL SELECT 'sequence', (schemaname, sequencename, last_value) FROM pg_sequences
) AS parts (kind, part)
"""
_OTHERS_OUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL ($1::int[])
"""
# Not those that have rows: a table whose rows were deleted still has pages, which the planner counts.
_WITH_PAGES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
"""
# Rows, and where they are. A table that has the template's where they were put is left alone: each takes 2 ms to empty.
_ROWS = """
SELECT md5(concat(pg_relation_size('"{table}"'), string_agg(concat(ctid, rows), ';' ORDER BY ctid))) FROM "{table}" rows
"""
_ROWS_AS_SQL = """
SELECT format('INSERT INTO %1$I SELECT (rows).* FROM unnest(%2$L::%1$I[]) rows WHERE NOT EXISTS (SELECT FROM %1$I)',
    '{table}', array_agg(rows)) FROM "{table}" rows
"""


class PostgresPool:
    """Databases that are copies of `template`, to which nobody may be connected."""

    def __init__(self, server: PostgresServer, template: str) -> None:
        self.made = 0
        self.dropped = 0
        self.server = server
        self._template = template
        self._idle: list[str] = []
        self._state = ""
        self._refill = ""  # inserts the template's rows, into tables that have none
        self._full = _WITH_PAGES  # finds the tables to empty
        # A loop in a thread of its own, so that fixtures may call this inside and outside of an event loop.
        self._thread = ThreadPoolExecutor(1, "postgres-pool")
        self._runner = self._thread.submit(asyncio.Runner).result()
        self._admin: asyncpg.Connection | None = None
        self._connections: dict[str, asyncpg.Connection] = {}  # to databases that were emptied
        at = urlsplit(server.url())  # another's may be far away, and ask for TLS
        self._backends = Backends() if server.external else backends_of((at.hostname or "", at.port or 5432))

    def take(self) -> str:
        """The name of a database that is as the template."""
        return self._idle.pop() if self._idle else self._run(self._make)

    def give_back(self, name: str) -> None:
        """Empty it for the next one, or drop it; whoever is still connected is thrown out."""
        if self._run(lambda: self._empty(name)):
            self._idle.append(name)
        else:
            self.dropped += 1
            self._run(lambda: self._drop(name))

    def close(self) -> None:
        """Drop what is left."""

        async def end() -> None:
            for name in self._idle:
                await self._drop(name)
            if self._admin is not None:
                await self._admin.close()

        self._run(end)
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()

    def _run(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        return self._thread.submit(lambda: self._runner.run(work())).result()

    async def _make(self) -> str:
        name = unique_name("pool")
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}" STRATEGY FILE_COPY')
        self.made += 1
        self._backends.databases.add(name)
        if not self._state:
            await self._look_at_the_first(name)
        return name

    async def _look_at_the_first(self, name: str) -> None:
        """Keep the template's rows, and the state that follows from an emptying."""
        connection = await asyncpg.connect(self.server.url(name))
        try:
            tables = [table for (table,) in await connection.fetch(_WITH_PAGES)]
            inserts = [await connection.fetchval(_ROWS_AS_SQL.format(table=table)) for table in tables]
            self._refill = "; ".join(inserts)
            await self._restore(connection)
            for table in tables:
                rows = _ROWS.format(table=table)
                self._full += f"AND NOT (relname = '{table}' AND ({rows}) = '{await connection.fetchval(rows)}')"
            self._state = await connection.fetchval(_STATE)
        finally:
            await connection.close()

    async def _empty(self, name: str) -> bool:
        """Whether it is as the template again."""
        for kept in (True, False):
            connection = self._connections.pop(name, None) if kept else await self._connect(name)
            if connection is None:
                continue
            try:
                await connection.execute(_OTHERS_OUT, self._backends.pids(name))
                await self._restore(connection)
                state: str = await connection.fetchval(_STATE)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):  # a test may have thrown it out
                connection.terminate()
                continue
            self._connections[name] = connection
            return state == self._state
        return False

    async def _connect(self, name: str) -> asyncpg.Connection | None:
        """A connection that stays: a new one costs 15 ms of CPU, most of it for what its server has to look up anew."""
        with suppress(asyncpg.PostgresError, OSError):
            # The lock's time-out is for those of somebody who could not be thrown out.
            settings = {"application_name": APPLICATION, "lock_timeout": "2s"}
            return await asyncpg.connect(self.server.url(name), timeout=5, server_settings=settings)
        return None

    async def _restore(self, connection: asyncpg.Connection) -> None:
        if full := await connection.fetch(self._full):
            tables = ", ".join(f'"{table}"' for (table,) in full)
            await connection.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE; {self._refill}")

    async def _drop(self, name: str) -> None:
        if name in self._connections:
            self._connections.pop(name).terminate()
        self._backends.forget(name)
        await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def _execute(self, statement: str) -> None:
        if self._admin is None or self._admin.is_closed():
            self._admin = await asyncpg.connect(self.server.url())
        await self._admin.execute(statement)
