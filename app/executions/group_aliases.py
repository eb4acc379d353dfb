"""What the error groups of older fingerprints have become (app/ingestion/regrouping.py)."""

from __future__ import annotations

from collections.abc import Iterable

from app.db import Database


async def successors(database: Database, ids: Iterable[str]) -> dict[str, list[str]]:
    """The groups that these have become, by the id of before. Leaves out all others."""
    condition, given = database.among("alias", 1, "id", ids)
    found: dict[str, list[str]] = {}
    for alias, id_ in await database.fetch(
        f"SELECT alias, error_group_id FROM error_group_aliases WHERE {condition} ORDER BY error_group_id", given
    ):
        found.setdefault(alias, []).append(id_)
    return found
