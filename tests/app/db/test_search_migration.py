"""Rows of versions that only folded case are found like new ones after the migration."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from tortoise import Tortoise, connections
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

from app.db import Database
from app.db.config import tortoise_config
from app.paging.search import search_text, searchable
from tests.factories import execution_row, insert_engine, insert_executions, insert_workflow

MIGRATION = importlib.import_module("app.migrations.0014_search")
MESSAGES = ["plain", "ＡＢＣ", "e\u0301", "\x1b[31mred", "Straße", "\x1f tabs\t too \x7f", "a" * 300, "x" * 10 + "é"]


async def test_only_what_is_odd_is_rewritten(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MIGRATION, "BATCH", 2)
    rows = [execution_row(external_id=f"Run {number}", error_message=each) for number, each in enumerate(MESSAGES)]
    await insert_executions(database, *rows)
    engine = await insert_engine(database, "one")
    await insert_workflow(database, engine, "ＡＢＣ")

    async def age(transaction: Any) -> None:
        for row in rows:
            old = "\x1f".join((row["workflow_name"], row["external_id"], row["error_message"])).casefold()
            await transaction.execute_many("UPDATE executions SET search_text = $1 WHERE id = $2", [(old, row["id"])])
        await transaction.fetch("UPDATE workflows SET search_text = lower(name)")

    await database.transaction(age)
    seen: list[str] = []

    def noting(*given: str) -> str:
        seen.append(given[2])
        return search_text(*given)

    columns = ("workflow_name", "external_id", "error_message")
    await Tortoise.init(config=tortoise_config(database_url), _enable_global_fallback=False)
    try:
        editor = BaseSchemaEditor(connections.get("default"), atomic=False)
        await MIGRATION.Rewrite("executions", columns, noting).database_forward("app", None, None, editor)
        await MIGRATION.Rewrite("workflows", ("name",), searchable).database_forward("app", None, None, editor)
    finally:
        await Tortoise.close_connections()
    for row in rows:
        ((text,),) = await database.fetch("SELECT search_text FROM executions WHERE id = $1", row["id"])
        assert text == search_text(row["workflow_name"], row["external_id"], row["error_message"])
    assert sorted(seen) == sorted([MESSAGES[1], MESSAGES[2], MESSAGES[3], MESSAGES[7]])  # "strasse" is in its form
    assert ("abc",) in await database.fetch("SELECT search_text FROM workflows")
