"""The models match the tables."""

from __future__ import annotations

import pytest
from tortoise.models import Model

from app.db import Database
from app.db.models import Engine, Token


@pytest.mark.parametrize("model", [Engine, Token])
async def test_columns_are_those_of_the_table(database: Database, model: type[Model]) -> None:
    """Every field is a column, every column a field."""
    table = model._meta.db_table
    if database.dialect == "sqlite":
        rows = await database.fetch(f"SELECT name FROM pragma_table_info('{table}')")
    else:
        rows = await database.fetch(f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}'")
    assert {row[0] for row in rows} == set(model._meta.fields_db_projection.values())
