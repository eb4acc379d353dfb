"""Families of retries: the ancestors and descendants of an execution through retryOf. Only it follows links."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from app import executions
from app.db import Database, Reader, Transaction
from app.executions import Execution
from app.ids import is_id
from app.lifecycle import State, Status

# Chains are a few long; one beyond this is a loop in an engine, which app/ingestion/retry_links.py refuses. A cycle,
# which only a broken database has, ends here too.
MAX_ANCESTORS = 1_000


class DirectRetry(NamedTuple):
    """A direct retry of an execution."""

    id: str
    state: State


async def with_ancestors(transaction: Transaction, ids: Collection[str]) -> set[str]:
    """The executions that exist among `ids`, and all their ancestors. Locks nothing."""
    if not ids:
        return set()
    condition, given = transaction.among("id", 1, "id", ids)
    # UNION, and no column of who asked: the ancestors that many have in common are followed once for all of them.
    rows = await transaction.fetch(
        f"""
        WITH RECURSIVE line (id, parent, depth) AS (
          SELECT id, retry_of, 1 FROM executions WHERE {condition}
          UNION
          SELECT above.id, above.retry_of, line.depth + 1
          FROM line JOIN executions above ON above.id = line.parent WHERE line.depth < {MAX_ANCESTORS}
        )
        SELECT DISTINCT id FROM line
        """,
        given,
    )
    return {id_ for (id_,) in rows}


async def lock_with_ancestors(transaction: Transaction, ids: Iterable[str]) -> dict[str, Execution]:
    """Executions and all above them, by id, locked in the order of their ids; unknown ones are left out."""
    family = await with_ancestors(transaction, [id_ for id_ in ids if is_id(id_)])
    return await executions.lock(transaction, family)


async def with_descendants(transaction: Transaction, ids: Collection[str]) -> set[str]:
    """The executions that exist among `ids`, and all retries of them, however deep. Locks nothing."""
    return {id_ for _, id_, _ in await _below(transaction, ids)} if ids else set()


async def refresh_roots(transaction: Transaction, linked: Collection[str]) -> set[str]:
    """Update root_id of executions whose retryOf was set, and of all below them; returns the ids of those that moved.

    All these rows, and those of their ancestors, must be locked. An original has a root_id, itself, from its first
    retry on: so one index range is a whole family, and the many runs without a retry are not in it.
    """
    condition, given = transaction.among("id", 1, "id", linked)
    line = _upwards(condition, "root_id")
    rows = await transaction.fetch(f"{line} SELECT start, id, parent, root_id FROM line ORDER BY depth", given)
    roots: dict[str, str] = {}
    written: dict[str, str] = {}
    for start, id_, parent, root in rows:  # the topmost comes last
        # Above a deleted execution nobody can follow, but those below it know where they stem from.
        roots[start] = id_ if parent is None else (root if root is not None and id_ != start else parent)
        if parent is None and root is None:
            written[id_] = id_
    moved = {id_: roots[top] for top, id_, root in await _below(transaction, linked) if root != roots[top]}
    written |= moved
    await transaction.update("executions", ("id", "root_id"), sorted(written.items()), key=("id",))
    return set(moved)


async def refresh_ancestors(transaction: Transaction, parents: Collection[str]) -> set[str]:
    """Update retry_succeeded and resolved_by_hand of `parents` and all their ancestors; returns their ids.

    Their rows must be locked. Call it when a retry of `parents` moved, or a resolution of theirs came or went: they
    then read differently.
    """
    above = await with_ancestors(transaction, parents)
    if not above:
        return above
    condition, given = transaction.among("retry_of", 1, "id", sorted(above))
    own, _ = transaction.among("execution_id", 1, "id", above)
    rows = await transaction.fetch(
        f"""
        WITH RECURSIVE below (top, id, status, depth) AS (
          SELECT retry_of, id, status, 1 FROM executions
          WHERE retry_of IS NOT NULL AND {condition}
          UNION ALL
          SELECT below.top, child.id, child.status, below.depth + 1
          FROM below JOIN executions child ON child.retry_of = below.id WHERE below.depth < {MAX_ANCESTORS}
        )
        SELECT DISTINCT top, 0 FROM below WHERE status = {int(Status.SUCCESS)}
        UNION ALL SELECT DISTINCT b.top, 1 FROM below b JOIN resolutions r ON r.execution_id = b.id
        UNION ALL SELECT execution_id, 1 FROM resolutions WHERE {own}
        """,
        given,
    )
    found = set(map(tuple, rows))
    written = [(id_, (id_, 0) in found, (id_, 1) in found) for id_ in sorted(above)]
    await transaction.update("executions", ("id", "retry_succeeded", "resolved_by_hand"), written, key=("id",))
    return above


async def roots_of(database: Database, ids: Iterable[str]) -> dict[str, str]:
    """The id of the topmost ancestor of each of `ids` that has a retryOf. A deleted parent ends the chain."""
    condition, given = database.among("id", 1, "id", ids)
    rows = await database.fetch(f"{_upwards(condition)} SELECT start, id FROM line ORDER BY depth", given)
    roots: dict[str, str] = {}
    for start, id_ in rows:
        roots[start] = id_  # the topmost comes last
    return roots


async def attempts_of(database: Database, ids: Iterable[str]) -> dict[str, int]:
    """The attempt of each execution: 1 + the number of its ancestors through retryOf, deleted parents included.

    An unknown id is 1. One statement, whatever the depth.
    """
    attempts = {id_: 1 for id_ in ids if is_id(id_)}
    if not attempts:
        return {}
    condition, given = database.among("id", 1, "id", attempts)
    # A deleted parent has no row of its own.
    attempt = "max(CASE WHEN parent IS NULL THEN depth ELSE depth + 1 END)"
    rows = await database.fetch(f"{_upwards(condition)} SELECT start, {attempt} FROM line GROUP BY start", given)
    attempts.update((id_, found) for id_, found in rows)
    return attempts


async def line_of(transaction: Transaction, id_: str) -> list[tuple[str, str]]:
    """An execution and its ancestors, nearest first, as (engine id, external id); empty for an unknown execution."""
    line = _upwards("id = $1", "engine_id", "external_id")
    rows = await transaction.fetch(f"{line} SELECT engine_id, external_id FROM line ORDER BY depth", id_)
    return [(engine_id, external_id) for engine_id, external_id in rows]


async def _below(transaction: Transaction, ids: Collection[str]) -> list[tuple[str, str, str | None]]:
    """Each of `ids` that exists, and all retries of it: (which of them, id, root_id)."""
    condition, given = transaction.among("id", 1, "id", ids)
    rows = await transaction.fetch(
        f"""
        WITH RECURSIVE below (top, id, root_id, depth) AS (
          SELECT id, id, root_id, 1 FROM executions WHERE {condition}
          UNION ALL
          SELECT below.top, child.id, child.root_id, below.depth + 1
          FROM below JOIN executions child ON child.retry_of = below.id WHERE below.depth < {MAX_ANCESTORS}
        )
        SELECT top, id, root_id FROM below
        """,
        given,
    )
    return [(top, id_, root) for top, id_, root in rows]


def line_in(family: dict[str, Execution], id_: str | None) -> list[str]:
    """An execution and its ancestors, the nearest first, as far as they are in `family`."""
    line: list[str] = []
    while id_ in family and id_ not in line:
        line.append(id_)
        id_ = family[id_].retry_of
    return line


async def retries_of(reader: Reader, ids: Iterable[str]) -> dict[str, Sequence[DirectRetry]]:
    """The direct retries of each execution, newest first. Leaves out executions without any."""
    condition, given = reader.among("retry_of", 1, "id", ids)
    rows = await reader.fetch(
        f"SELECT retry_of, id, state FROM executions WHERE retry_of IS NOT NULL AND {condition}"
        " ORDER BY queued_at DESC, id DESC",
        given,
    )
    found: dict[str, list[DirectRetry]] = {}
    for parent, id_, state in rows:
        found.setdefault(parent, []).append(DirectRetry(id_, State(state)))
    return dict(found)


def _upwards(condition: str, *columns: str) -> str:
    """A CTE `line`: of each execution that meets `condition`, as `start`, itself (depth 1) and all above it."""
    own = "".join(f", {name}" for name in columns)
    of_parent = "".join(f", above.{name}" for name in columns)
    return f"""
    WITH RECURSIVE line (start, id, parent, depth{own}) AS (
      SELECT id, id, retry_of, 1{own} FROM executions WHERE {condition}
      UNION ALL
      SELECT line.start, above.id, above.retry_of, line.depth + 1{of_parent}
      FROM line JOIN executions above ON above.id = line.parent WHERE line.depth < {MAX_ANCESTORS}
    )
    """
