"""Streaks: the failures of a workflow since its last success, in the order of (finishedAt, id).

Cancelled executions neither end a streak nor belong to it. All that is read is in one index (executions_outcome), so a
streak of ten costs the same in a history of ten and of a million.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from app.db import Database, Overtaken, Row, Transaction
from app.ids import is_id
from app.keyset import GREATEST_ID
from app.lifecycle import Status

# Counting stops here: 10,000 take 2 ms.
COUNT_MAX = 10_000
# Before all times, for a workflow that never succeeded.
NEVER = -(2**62)

Fetch = Callable[..., Awaitable[Sequence[Row]]]


@dataclass(frozen=True, slots=True)
class Streak:
    """Failures of a workflow in a row, at most COUNT_MAX, and the position (finishedAt in µs, id) that they follow."""

    workflow_id: str
    failures: int
    after: tuple[int, str]


@dataclass(frozen=True, slots=True)
class End:
    """The first or the last failure of a streak."""

    execution_id: str
    finished_at: int


# By comparison of whole rows: with `workflow_id = w.id` alone Postgres may think an index by time cheaper.
_FAILURES = f"""
FROM executions f WHERE f.workflow_id = {{workflow}} AND f.status = {int(Status.FAILURE)} AND f.finished_at IS NOT NULL
  AND (f.workflow_id, f.status, f.finished_at, f.id) > ({{workflow}}, {int(Status.FAILURE)}, {{at}}, {{id}})
"""
# Whether a success that was pruned is newer than those that are there.
_PRUNED = "(e.id IS NULL OR g.pruned_success_at > e.finished_at)"
_STREAKS = f"""
SELECT w.id,
  (SELECT count(*) FROM (SELECT 1 {_FAILURES.format(workflow="w.id", at="w.after_at", id="w.after_id")}
    LIMIT {COUNT_MAX}) c),
  w.after_at, w.after_id
FROM (
  SELECT g.id,
    CASE WHEN {_PRUNED} THEN coalesce(g.pruned_success_at, {NEVER}) ELSE e.finished_at END AS after_at,
    CASE WHEN {_PRUNED} THEN {{greatest}} ELSE e.id END AS after_id
  FROM (
    SELECT id, pruned_success_at, (
      SELECT x.id FROM executions x
      WHERE x.workflow_id = workflows.id AND x.status = {int(Status.SUCCESS)} AND x.finished_at IS NOT NULL
      ORDER BY x.workflow_id DESC, x.status DESC, x.finished_at DESC, x.id DESC LIMIT 1
    ) AS success_id
    FROM workflows WHERE {{condition}}
  ) g LEFT JOIN executions e ON e.id = g.success_id
) w
"""


async def of_workflows(database: Database, fetch: Fetch, workflow_ids: Iterable[str]) -> dict[str, Streak]:
    """The streak of each workflow, by its id, as `fetch` (of the database, or of a transaction) sees it."""
    known = [id_ for id_ in dict.fromkeys(workflow_ids) if is_id(id_)]
    rows = await fetch(statement(database), database.array(known)) if known else []
    return {id_: Streak(id_, failures, (at, after)) for id_, failures, at, after in rows}


async def lengths(database: Database, workflow_ids: Iterable[str]) -> dict[str, int]:
    """How many failures in a row each workflow has, by its id, at most COUNT_MAX."""
    found = await of_workflows(database, database.fetch, workflow_ids)
    return {id_: streak.failures for id_, streak in found.items()}


async def ends(database: Database, transaction: Transaction, streak: Streak) -> tuple[End, End]:
    """The first and the last failure of a streak that has any. Raises Overtaken when it has none any more."""
    typed = {"workflow": "$1::uuid", "at": "$2::bigint", "id": "$3::uuid"}
    plain = {"workflow": "$1", "at": "$2", "id": "$3"}
    failures = _FAILURES.format(**(typed if database.dialect == "postgres" else plain))
    found = []
    for way in ("ASC", "DESC"):
        order = ", ".join(f"f.{name} {way}" for name in ("workflow_id", "status", "finished_at", "id"))
        sql = f"SELECT f.id, f.finished_at {failures} ORDER BY {order} LIMIT 1"
        rows = await transaction.fetch(sql, streak.workflow_id, *streak.after)
        if not rows:
            raise Overtaken("the failures were corrected since the look at the streak")
        found.append(End(*rows[0]))
    return found[0], found[1]


async def remember_pruned(transaction: Transaction, executions: Iterable[tuple[str, Status, int | None]]) -> None:
    """Let successes end streaks after they were deleted; of each execution the workflow's id, status and finishedAt."""
    newest: dict[str, int] = {}
    for workflow_id, status, finished_at in executions:
        if status is Status.SUCCESS and finished_at is not None:
            newest[workflow_id] = max(finished_at, newest.get(workflow_id, finished_at))
    await transaction.execute_many(
        "UPDATE workflows SET pruned_success_at = $2"
        " WHERE id = $1 AND (pruned_success_at IS NULL OR pruned_success_at < $2)",
        sorted(newest.items()),
    )


def statement(database: Database) -> str:
    """The statement that reads streaks; its parameter is the array of workflow ids."""
    greatest = f"'{GREATEST_ID['uuid']}'" + ("::uuid" if database.dialect == "postgres" else "")
    return _STREAKS.format(condition=database.any_of("id", 1, "id"), greatest=greatest)
