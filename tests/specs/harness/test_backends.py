"""Processes of Postgres that are kept: a connection finds nothing of the one before, and those that must end do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import asyncpg
import pytest

from specs.harness.servers import PostgresServer
from specs.harness.servers.pool import PostgresPool
from specs.harness.waiting import soon

_SESSION = """
SET search_path = pg_catalog; SET statement_timeout = 12345; CREATE TEMP TABLE mine (n int); LISTEN news;
PREPARE one AS SELECT 1; SELECT pg_advisory_lock(7); DECLARE here CURSOR WITH HOLD FOR SELECT 1
"""
_LEFT = """
SELECT current_setting('search_path'), current_setting('statement_timeout'), to_regclass('mine')::text,
    (SELECT count(*) FROM pg_listening_channels()), (SELECT count(*) FROM pg_cursors),
    (SELECT count(*) FROM pg_prepared_statements WHERE from_sql),
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())
"""


@pytest.fixture(scope="module")
def pool(postgres_server: PostgresServer) -> Iterator[PostgresPool]:
    with postgres_server.database("backends_template") as url:
        made = PostgresPool(postgres_server, url.rpartition("/")[2].partition("?")[0])
        yield made
        made.close()


@pytest.fixture
def url(pool: PostgresPool) -> Iterator[str]:
    name = pool.take()
    yield pool.server.url(name)
    pool.give_back(name)


async def connected(url: str, **settings: str) -> asyncpg.Connection:
    return await asyncpg.connect(url, server_settings={"application_name": "backends", **settings})


async def used(url: str, statement: str = "SELECT 1", **settings: str) -> int:
    """The process of a connection that has executed the statement and was closed."""
    connection = await connected(url, **settings)
    pid: int = connection.get_server_pid()
    await connection.execute(statement)
    await connection.close()
    return pid


async def test_next_connection_finds_nothing_of_the_one_before(url: str) -> None:
    new = await connected(url)
    before = tuple(await new.fetchrow(_LEFT))
    await new.close()
    first = await used(url, _SESSION)
    connection = await connected(url)
    assert connection.get_server_pid() == first == new.get_server_pid()
    assert tuple(await connection.fetchrow(_LEFT)) == before
    assert await connection.fetchval("SELECT pg_backend_pid()") == first
    await connection.close()


async def test_process_is_for_who_begins_in_the_same_way(url: str) -> None:
    first = await used(url)
    other = await connected(url, statement_timeout="5s")
    assert other.get_server_pid() != first
    assert await other.fetchval("SHOW statement_timeout") == "5s"
    second = await connected(url)
    third = await connected(url)
    assert second.get_server_pid() == first
    assert third.get_server_pid() not in (first, other.get_server_pid())
    for connection in (other, second, third):
        await connection.close()


async def test_process_can_be_told_to_cancel(url: str) -> None:
    await used(url)
    connection = await connected(url)
    with pytest.raises(TimeoutError):
        await connection.execute("SELECT pg_sleep(60)", timeout=0.05)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


@pytest.mark.parametrize("ending", ["BEGIN", "BEGIN; SELECT 1/0"])
async def test_process_amid_a_transaction_is_ended(url: str, ending: str) -> None:
    connection = await connected(url)
    first: int = connection.get_server_pid()
    with suppress(asyncpg.DivisionByZeroError):
        await connection.execute(ending)
    await connection.close()
    assert await used(url) != first


async def test_process_amid_a_statement_is_ended(url: str) -> None:
    connection = await connected(url)
    first: int = connection.get_server_pid()
    waiting = asyncio.create_task(connection.execute("SELECT pg_sleep(60)"))
    await asyncio.sleep(0)  # it is sent
    connection.terminate()
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
        await waiting
    assert await used(url) != first


async def test_process_that_was_killed_is_not_used_again(url: str) -> None:
    first = await used(url)
    killer = await connected(url, statement_timeout="5s")
    await killer.execute("SELECT pg_terminate_backend($1)", first)
    await soon(lambda: gone(killer, first))
    assert await used(url) != first
    await killer.close()


async def gone(connection: asyncpg.Connection, pid: int) -> bool:
    return not await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", pid)


async def test_processes_outlive_an_emptying_and_end_with_their_database(pool: PostgresPool) -> None:
    name = pool.take()
    url = pool.server.url(name)
    first = await used(url)
    await asyncio.to_thread(pool.give_back, name)
    assert await asyncio.to_thread(pool.take) == name
    assert await used(url) == first
    await used(url, "CREATE TABLE more (n int)")
    await asyncio.to_thread(pool.give_back, name)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await connected(url)


async def test_other_databases_keep_none(postgres_server: PostgresServer, pool: PostgresPool) -> None:
    with postgres_server.database("unpooled") as url:
        assert await used(url) != await used(url)
