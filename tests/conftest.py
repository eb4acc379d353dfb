"""Fixtures of every white-box test: a fresh, migrated database, once on SQLite and once on Postgres."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import structlog
from structlog.dev import ConsoleRenderer, plain_traceback

from app.db import Database, open_database
from app.db.migrate import migrate
from app.db.postgres import PostgresDatabase
from app.db.postgres_pools import column_types, prepare_connection
from app.http.dashboard import Dashboard
from specs.harness.servers.pool import PostgresPool
from specs.harness.servers.postgres import PostgresServer

ColumnTypes = dict[str, dict[str, str]]

# By default structlog has rich draw each traceback, with the source in colours: 100 ms of CPU for an exception.
*_first, _ = structlog.get_config()["processors"]
structlog.configure([*_first, ConsoleRenderer(colors=False, exception_formatter=plain_traceback)])
# As a server does (app/server/logging.py): else pytest draws a traceback of each refusal, which takes longer than it.
logging.getLogger("strawberry").setLevel(logging.CRITICAL)


@pytest.fixture(scope="session", autouse=True)
def page() -> Iterator[None]:
    """The page's files are read once a process: 10 MB, 17 ms of each application."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.main.Dashboard", cache(Dashboard))
        yield


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy, which takes a millisecond where migrating takes fifty."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a migrated Postgres database to use as a template."""
    with postgres_server.database("template") as url:
        asyncio.run(migrate(url))
        yield urlsplit(url).path[1:]


@pytest.fixture(scope="session")
def postgres_pool(postgres_server: PostgresServer, migrated_postgres: str) -> Iterator[PostgresPool]:
    """Migrated databases that one test after the other uses."""
    pool = PostgresPool(postgres_server, migrated_postgres)
    yield pool
    pool.close()


@contextmanager
def _fresh(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    if kind == "sqlite":
        path = folder / "runwatch.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    pool: PostgresPool = request.getfixturevalue("postgres_pool")
    name = pool.take()
    yield pool.server.url(name)
    pool.give_back(name)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    with _fresh(request.param, request, tmp_path) as url:
        yield url


@pytest.fixture
def url_of_each(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """The URLs of a fresh, migrated SQLite and Postgres."""
    with _fresh("sqlite", request, tmp_path) as sqlite, _fresh("postgres", request, tmp_path) as postgres:
        yield [sqlite, postgres]


@pytest.fixture(scope="session")
def types_once() -> Callable[[asyncpg.Pool[Any]], Awaitable[ColumnTypes]]:
    """Asks a Postgres for its columns' types once: all that are fresh have the same."""
    known: list[ColumnTypes] = []

    async def types_of(pool: asyncpg.Pool[Any]) -> ColumnTypes:
        if not known:
            known.append(await column_types(pool))
        return known[0]

    return types_of


@pytest.fixture
async def database(
    database_url: str, types_once: Callable[[asyncpg.Pool[Any]], Awaitable[ColumnTypes]]
) -> AsyncIterator[Database]:
    """An open connection to a fresh, migrated database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.db.postgres_pools.column_types", types_once)
        opened = await open_database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def one_of_each(url_of_each: list[str]) -> AsyncIterator[list[Database]]:
    """Both databases, for a test that takes longer to make what it asks them than to ask."""
    opened = [await open_database(url) for url in url_of_each]
    yield opened
    for each in opened:
        await each.close()


@pytest.fixture
async def databases(database: Database, database_url: str) -> AsyncIterator[list[Database]]:
    """The database as two processes have it open, where two connections in one process are as good as that."""
    if database.dialect == "sqlite":  # Tortoise keeps one writing connection a process
        yield [database]
        return
    # Not open_database: Tortoise has one set of connections a process, and would close the first.
    assert isinstance(database, PostgresDatabase)
    async with asyncpg.create_pool(database_url, init=prepare_connection, min_size=1) as pool:
        second = PostgresDatabase(pool, pool, database._column_types)
        yield [database, second]
        await second.close()  # it keeps connections, for whose release the pool waits
