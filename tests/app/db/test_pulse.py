"""What a database cuts off while this process stands still is asked again; what takes too long by itself is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.db import Database, open_database, postgres_pools, pulse
from app.errors import TimedOut
from specs.harness.servers import PostgresServer


@asynccontextmanager
async def hasty(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch, limit: float, takes: float
) -> AsyncIterator[tuple[Database, asyncio.Task[Any]]]:
    """A database that cuts reads off early, and a new read: this process stood still when its statement was parsed."""
    monkeypatch.setattr(postgres_pools, "READ_TIMEOUT_SECONDS", limit)
    monkeypatch.setattr(pulse, "EVERY_SECONDS", 0.05)
    monkeypatch.setattr(pulse, "LATE_SECONDS", 0.1)
    with server.database("hasty") as url:
        opened = await open_database(url)
        try:
            await opened.fetch("SELECT 1")  # so that the next one has a connection
            reading = asyncio.create_task(opened.fetch("SELECT 2, pg_sleep($1)", takes))
            await asyncio.sleep(0)  # it is sent to be parsed
            time.sleep(1.3 * limit)  # noqa: ASYNC251  # the stop: nobody takes the answer
            yield opened, reading
        finally:
            await opened.close()


@pytest.mark.slow
async def test_new_statement_survives_a_stop_between_parsing_and_running_it(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hasty(postgres_server, monkeypatch, limit=1.0, takes=0.0) as (_, reading):
        assert (await reading)[0][0] == 2


async def test_slow_statement_is_cut_off_whether_or_not_the_process_stood_still(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hasty(postgres_server, monkeypatch, limit=0.2, takes=60.0) as (database, reading):
        with pytest.raises(TimedOut):
            await reading
        with pytest.raises(TimedOut):
            await database.fetch("SELECT pg_sleep(60)")


async def test_only_stops_since_then_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(pulse, "LATE_SECONDS", 0.05)
    beats = pulse.Pulse()
    before = time.monotonic()
    beats.start()
    assert not beats.was_late_since(before)
    time.sleep(0.1)  # noqa: ASYNC251  # the stop
    await asyncio.sleep(0.02)
    assert beats.was_late_since(before)
    monkeypatch.setattr(pulse, "LATE_SECONDS", 60.0)
    assert not beats.was_late_since(time.monotonic())
    beats.close()
    beats.close()
