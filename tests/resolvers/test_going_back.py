"""An operation that is executed a second time counts once, and does not wait a second time for what took too long."""

from __future__ import annotations

from typing import Any

import pytest

from app.db import Database
from app.errors import LimitExceeded, TimedOut
from resolvers import budget
from tests.app.graphql.compiled.asking import by_core, by_plan
from tests.contexts import context_of


async def test_read_that_took_too_long_is_not_tried_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    read = database.fetch
    tried: list[str] = []

    async def fetch(sql: str, *params: Any) -> Any:
        tried.append(sql)
        if "FROM workflows" in sql:
            raise TimedOut(5, sql, params)
        return await read(sql, *params)

    monkeypatch.setattr(database, "fetch", fetch)
    document = "{ workflows(first: 2) { nodes { id } } engines { id } }"
    context = context_of(database)
    assert await by_plan(document, None, context) is None
    answer = await by_core(document, None, context)
    assert b"took longer than 5 s" in answer
    assert b'"engines":[]' in answer
    assert sum("FROM workflows" in each for each in tried) == 1
    # Another statement of the same text is.
    other = await by_core("{ workflows(first: 90) { nodes { id } } }", None, context)
    assert b"took longer than 5 s" in other
    assert sum("FROM workflows" in each for each in tried) == 2


async def test_going_back_keeps_what_was_asked_for_before(database: Database) -> None:
    context = context_of(database)
    most = budget.MAX_ROWS - budget.ROWS_OF_A_LIST
    context.budget.take_list(most)
    for _ in range(3):
        mark = context.mark()
        with pytest.raises(LimitExceeded):
            context.budget.take_list(1)
        context.go_back(mark, ValueError())
    assert context.budget.rows == budget.MAX_ROWS
    context.forget()
    context.budget.take_list(most)
