"""Families of retries: what is above and below an execution through retryOf."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from app.db import Database, Transaction
from app.lifecycle import Status

# Chains are a few long; one beyond this is a loop in an engine (app/ingestion/retry_links.py refuses longer ones).
MAX_ANCESTORS = 1_000


async def with_ancestors(database: Database, transaction: Transaction, ids: Collection[str]) -> set[str]:
    """The executions that exist among `ids`, and all above them. Nothing is locked."""
    if not ids:
        return set()
    rows = await transaction.fetch(
        f"""
        WITH RECURSIVE line (id, parent, depth) AS (
          SELECT id, retry_of, 1 FROM executions WHERE {database.any_of("id", 1, "id")}
          UNION
          SELECT above.id, above.retry_of, line.depth + 1
          FROM line JOIN executions above ON above.id = line.parent WHERE line.depth < {MAX_ANCESTORS}
        )
        SELECT DISTINCT id FROM line
        """,
        database.array(ids),
    )
    return {row[0] for row in rows}


async def refresh(database: Database, transaction: Transaction, ids: Iterable[str]) -> None:
    """Bring retry_succeeded of locked executions up to what is below them."""
    given = sorted(ids)
    if not given:
        return
    rows = await transaction.fetch(
        f"""
        WITH RECURSIVE below (top, id, status, depth) AS (
          SELECT retry_of, id, status, 1 FROM executions
          WHERE retry_of IS NOT NULL AND {database.any_of("retry_of", 1, "id")}
          UNION ALL
          SELECT below.top, child.id, child.status, below.depth + 1
          FROM below JOIN executions child ON child.retry_of = below.id WHERE below.depth < {MAX_ANCESTORS}
        )
        SELECT DISTINCT top FROM below WHERE status = {int(Status.SUCCESS)}
        """,
        database.array(given),
    )
    succeeded = {row[0] for row in rows}
    await transaction.update(
        "executions", ("id", "retry_succeeded"), [(id_, id_ in succeeded) for id_ in given], key=("id",)
    )


async def tell_ancestors(database: Database, transaction: Transaction, parents: Collection[str]) -> set[str]:
    """What is above an execution that moved, and reads differently by that; their rows must be locked."""
    above = await with_ancestors(database, transaction, parents)
    await refresh(database, transaction, above)
    return above


async def roots_of(database: Database, ids: Iterable[str]) -> dict[str, str]:
    """The id of the topmost execution above each of `ids` that has a retryOf; a deleted parent ends the line."""
    rows = await database.fetch(
        f"""
        WITH RECURSIVE line (id, top, parent, depth) AS (
          SELECT id, id, retry_of, 1 FROM executions WHERE {database.any_of("id", 1, "id")}
          UNION ALL
          SELECT line.id, above.id, above.retry_of, line.depth + 1
          FROM line JOIN executions above ON above.id = line.parent WHERE line.depth < {MAX_ANCESTORS}
        )
        SELECT id, top, depth FROM line ORDER BY depth
        """,
        database.array(ids),
    )
    return {row[0]: row[1] for row in rows}  # the deepest comes last


async def children_of(database: Database, ids: Iterable[str]) -> dict[str, Sequence[tuple[str, int]]]:
    """The direct retries of each execution, as (id, state), the newest first; those without any are left out."""
    condition = database.any_of("retry_of", 1, "id")
    rows = await database.fetch(
        f"SELECT retry_of, id, state FROM executions WHERE retry_of IS NOT NULL AND {condition}"
        " ORDER BY queued_at DESC, id DESC",
        database.array(ids),
    )
    found: dict[str, list[tuple[str, int]]] = {}
    for parent, id_, state in rows:
        found.setdefault(parent, []).append((id_, state))
    return dict(found)
