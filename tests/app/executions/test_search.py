"""Searches that are easy to get wrong: wildcards, letters that fold to several, cursors of other lists, lateness."""

from __future__ import annotations

import pytest

from app.db import Database, open_database, postgres_pools, sqlite_reader
from app.errors import BadInput, LimitExceeded
from app.executions import ExecutionFilter, ExecutionOrder, OrderField, count, list_page
from app.paging import PageRequest
from app.workflows import list_page as list_workflows
from tests.factories import execution_row, insert_engine, insert_executions, insert_workflow

MESSAGES = ["50% off", "a_b", "a\\b", "axb", "Straße", "İstanbul", "500 off"]
TERMS = ["0% o", "%", "a_b", "_", "a\\b", "\\", "STRASSE", "straße", "ß", "ss", "İ", "istanbul", "%%%", "___", "\\\\\\"]


async def test_terms_are_taken_literally_and_casefolded(database: Database) -> None:
    rows = [execution_row(error_message=message, external_id=f"zz{n}") for n, message in enumerate(MESSAGES)]
    await insert_executions(database, *rows)
    for term in TERMS:
        where = ExecutionFilter(search=term)
        found = {
            execution.id for execution in (await list_page(database, where, ExecutionOrder(), PageRequest())).items
        }
        expected = {
            row["id"] for row, message in zip(rows, MESSAGES, strict=True) if term.casefold() in message.casefold()
        }
        assert found == expected, term
        assert (await count(database, where)).value == len(expected)


async def test_a_cursor_of_workflows_is_none_of_executions(database: Database) -> None:
    engine = await insert_engine(database, "one")
    await insert_workflow(database, engine, "n")
    cursor = (await list_workflows(database, None, PageRequest())).end_cursor
    for field in OrderField:
        for descending in (True, False):
            with pytest.raises(BadInput):
                await list_page(
                    database, ExecutionFilter(), ExecutionOrder(field, descending), PageRequest(after=cursor)
                )


async def test_slow_searches_are_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (postgres_pools, sqlite_reader):
        monkeypatch.setattr(module, "READ_TIMEOUT_SECONDS", 0.001)
    database = await open_database(database_url)
    try:
        await insert_executions(database, *(execution_row(error_message="x" * 2000) for _ in range(6000)))
        with pytest.raises(LimitExceeded):
            await list_page(database, ExecutionFilter(search="nowhere to be found"), ExecutionOrder(), PageRequest())
        with pytest.raises(LimitExceeded):
            await count(database, ExecutionFilter(search="no"))
    finally:
        await database.close()
