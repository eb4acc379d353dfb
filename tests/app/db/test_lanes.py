"""Lanes: connections that stay with their readers, and return to the pool when something went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.db import Database
from app.db.lanes import Lane
from app.db.sqlite import SqliteDatabase


@pytest.fixture
async def pool(postgres_server: Any) -> AsyncIterator[asyncpg.Pool[Any]]:
    async with asyncpg.create_pool(postgres_server.url(), min_size=1, max_size=3) as pool:
        yield pool


async def test_lane_keeps_as_many_connections_as_run_at_once(pool: asyncpg.Pool[Any]) -> None:
    lane = Lane(pool, 2)
    pids = [row[0][0] for row in await asyncio.gather(*(lane.fetch("SELECT pg_backend_pid()", ()) for _ in range(20)))]
    assert len(set(pids)) == 2
    assert pool.get_size() - pool.get_idle_size() == 2
    assert await pool.fetchval("SELECT 1") == 1, "the third connection is still the pool's"
    await lane.close()
    assert pool.get_size() == pool.get_idle_size()


async def test_cancelled_and_failed_statements_give_their_connection_back(pool: asyncpg.Pool[Any]) -> None:
    lane = Lane(pool, 1)
    for _ in range(20):
        sleeping = asyncio.create_task(lane.fetch("SELECT pg_sleep(60)", ()))
        await asyncio.sleep(0.005)
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping
        with pytest.raises(asyncpg.UndefinedColumnError):
            await lane.fetch("SELECT nothing", ())
        assert (await lane.fetch("SELECT $1::int", (7,)))[0][0] == 7
    await lane.close()
    assert pool.get_size() == pool.get_idle_size()


async def test_lost_connections_of_transactions_go_back_to_the_pool(pool: asyncpg.Pool[Any]) -> None:
    """A ROLLBACK that fails as well must not keep them: with all of the pool kept, every reader would wait for ever."""
    lane = Lane(pool, 2, "BEGIN READ ONLY")
    for _ in range(4):
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await lane.fetch("SELECT pg_terminate_backend(pg_backend_pid())", ())
        sleeping = asyncio.create_task(lane.fetch("SELECT pg_sleep(60)", ()))
        await asyncio.sleep(0.005)
        lane.end_all()
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping
    async with asyncio.timeout(30):
        assert (await lane.fetch("SELECT $1::int", (7,)))[0][0] == 7
    await lane.close()
    assert pool.get_size() == pool.get_idle_size()


async def test_prepared_statement_is_read_anew_once_its_table_has_changed(pool: asyncpg.Pool[Any]) -> None:
    """As a newer version's migration does, while this one serves."""
    lane = Lane(pool, 1)
    await pool.execute("DROP TABLE IF EXISTS lane_changes; CREATE TABLE lane_changes (number int)")
    await pool.execute("INSERT INTO lane_changes VALUES (7)")
    try:
        for _ in range(3):
            assert [tuple(row) for row in await lane.fetch("SELECT * FROM lane_changes", ())] == [(7,)]
        await pool.execute("ALTER TABLE lane_changes ADD COLUMN more text DEFAULT 'x'")
        for _ in range(3):
            assert [tuple(row) for row in await lane.fetch("SELECT * FROM lane_changes", ())] == [(7, "x")]
        await pool.execute("ALTER TABLE lane_changes ALTER COLUMN number TYPE text")
        assert [tuple(row) for row in await lane.fetch("SELECT * FROM lane_changes", ())] == [("7", "x")]
    finally:
        await lane.close()
        await pool.execute("DROP TABLE lane_changes")


async def test_prepared_statement_ends_at_the_time_limit_of_its_connection(postgres_server: Any) -> None:
    async with asyncpg.create_pool(postgres_server.url(), min_size=1, max_size=1, command_timeout=0.2) as pool:
        lane = Lane(pool, 1)
        assert len(await lane.fetch("SELECT pg_sleep($1::float)", (0.0,))) == 1
        with pytest.raises(TimeoutError):
            await lane.fetch("SELECT pg_sleep($1::float)", (60.0,))
        assert len(await lane.fetch("SELECT pg_sleep($1::float)", (0.0,))) == 1
        await lane.close()


async def test_closed_lane_gives_back_what_was_in_use(pool: asyncpg.Pool[Any]) -> None:
    lane = Lane(pool, 1)
    running = asyncio.create_task(lane.fetch("SELECT pg_sleep(0.1)", ()))
    await asyncio.sleep(0.02)
    await lane.close()
    await running
    assert pool.get_size() == pool.get_idle_size()


async def test_reading_by_key_does_not_wait_for_lists(database: Database) -> None:
    if isinstance(database, SqliteDatabase):
        # On SQLite it has a connection of its own in this thread: every reader may be taken.
        for _ in range(4):
            await database._idle.get()
        assert await database.fetch_by_key("SELECT 1 WHERE 1 = $1", 1)
        return
    lists = [asyncio.create_task(database.fetch("SELECT pg_sleep(60)")) for _ in range(20)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(30):
        assert (await database.fetch_by_key("SELECT $1::int", 1))[0][0] == 1
    for each in lists:
        each.cancel()
    await asyncio.gather(*lists, return_exceptions=True)
