"""A database that fails to open or to close leaves no connection behind."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from asyncpg.pool import Pool

from app.db import open_database, postgres_pools, sqlite
from app.db.sqlite_reader import Reader
from app.errors import Unavailable
from specs.harness.waiting import until
from tests.app.leftovers import is_let_go


class BrokenError(Exception):
    """What fails here."""


async def test_a_connection_that_fails_to_close_keeps_no_other_open(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: Any = Reader if database_url.startswith("sqlite") else Pool
    really = connections.close
    closed: list[object] = []

    async def close(connection: object) -> None:
        closed.append(connection)
        if len(closed) == 1 and connections is Pool:
            raise BrokenError
        await really(connection)
        if len(closed) == 1:
            raise BrokenError  # its thread ends no other way

    database = await open_database(database_url)
    monkeypatch.setattr(connections, "close", close)
    with pytest.raises(BrokenError):
        await database.close()
    assert len(closed) == (sqlite.READERS + 1 if connections is Reader else 2)
    await until(lambda: is_let_go(database_url), "end of the connections")


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_an_opening_that_fails_leaves_no_connection(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: object) -> None:
        raise BrokenError

    monkeypatch.setattr(postgres_pools, "column_types", fail)
    with pytest.raises(BrokenError):
        await open_database(database_url)
    await until(lambda: is_let_go(database_url), "end of the connections")


async def test_closing_again_and_reading_afterwards_wait_for_nobody(database_url: str) -> None:
    database = await open_database(database_url)
    await database.close()
    await database.close()
    with pytest.raises((Unavailable, sqlite3.ProgrammingError)):
        await database.fetch("SELECT 1")
