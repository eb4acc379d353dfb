"""Streaks: the failures of a workflow between two successes, in the order of (finishedAt, id).

The open streak is the one since the last success. Cancelled executions neither end a streak nor belong to it. One index
(executions_outcome) has everything to read, so a streak of ten costs the same in a history of ten and of a million.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.db import Overtaken, Reader, Row, Transaction
from app.db.dialect import Dialect
from app.ids import is_id
from app.lifecycle import Status
from app.paging.keyset import GREATEST_ID

# Counting stops here: 10,000 take 3 ms.
MAX_COUNT = 10_000
# Streaks that are over and looked at together, the newest: nobody has to be told a thousand times of a workflow that
# fails and succeeds by turns.
MAX_ENDED = 100

# When an execution finished, in µs since the epoch, and its id.
Position = tuple[int, str]

_GREATEST_ID = str(GREATEST_ID["uuid"])
# Before all successes, for a workflow that has none; and after them all.
NEVER: Position = (-(2**62), _GREATEST_ID)
FOREVER: Position = (2**62, _GREATEST_ID)


@dataclass(frozen=True, slots=True)
class Streak:
    """Failures of a workflow in a row, at most MAX_COUNT, and the successes that they follow and are followed by."""

    workflow_id: str
    failures: int
    after: Position = NEVER
    before: Position = FOREVER  # the streak is open


@dataclass(frozen=True, slots=True)
class End:
    """The first or the last failure of a streak."""

    execution_id: str
    finished_at: int


# Of the index, on Postgres.
_KEY = "x.status + 0, x.workflow_id, x.finished_at, x.id"
# Whether a pruned success is newer than the stored ones.
_PRUNED = "(e.id IS NULL OR g.pruned_success_at > e.finished_at)"
_STREAKS = f"""
SELECT w.id,
  (SELECT count(*) FROM (SELECT 1 {{failures}} LIMIT {MAX_COUNT}) c),
  w.after_at, w.after_id
FROM (
  SELECT g.id,
    CASE WHEN {_PRUNED} THEN coalesce(g.pruned_success_at, {NEVER[0]}) ELSE e.finished_at END AS after_at,
    CASE WHEN {_PRUNED} THEN {{greatest}} ELSE e.id END AS after_id
  FROM (
    SELECT id, pruned_success_at, (
      SELECT x.id {{successes}} ORDER BY {{newest}} LIMIT 1
    ) AS success_id
    FROM workflows WHERE {{condition}}
  ) g LEFT JOIN executions e ON e.id = g.success_id
) w
"""


async def of_workflows(reader: Reader, workflow_ids: Iterable[str]) -> dict[str, Streak]:
    """The open streak of each workflow, by its id, as the database or a transaction sees it."""
    known = [id_ for id_ in dict.fromkeys(workflow_ids) if is_id(id_)]
    rows = await reader.fetch(statement(reader), reader.array(known)) if known else []
    return {id_: Streak(id_, failures, (at, after)) for id_, failures, at, after in rows}


async def of_failures(reader: Reader, failures: Mapping[str, Collection[Position]]) -> list[Streak]:
    """The streaks that any of these failures, by the id of their workflow, lies in: of each workflow the oldest first.

    Of those that are over at most MAX_ENDED of a workflow, the newest.
    """
    found: list[Streak] = []
    for latest in (await of_workflows(reader, failures)).values():
        given = failures[latest.workflow_id]
        found += await _ended(reader, latest, given)
        if max(given) > latest.after:
            found.append(latest)
    return found


async def _ended(reader: Reader, latest: Streak, failures: Iterable[Position]) -> list[Streak]:
    found: list[Streak] = []
    until, workflow = latest.after, latest.workflow_id
    ways = {way: _successes(reader, way) for way in ("ASC", "DESC")}
    for position in sorted(failures, reverse=True):
        if position >= until:
            continue
        if len(found) == MAX_ENDED:
            break
        following = await reader.fetch(ways["ASC"], workflow, *position, *until)
        before = _position(following, until)
        preceding = await reader.fetch(ways["DESC"], workflow, *NEVER, *position)
        until = _position(preceding, NEVER)
        counted = await reader.fetch(_count(reader), workflow, *until, *before)
        found.append(Streak(workflow, counted[0][0], until, before))
    return found[::-1]


def _position(rows: Sequence[Row], otherwise: Position) -> Position:
    return (rows[0][0], rows[0][1]) if rows else otherwise


async def lengths(reader: Reader, workflow_ids: Iterable[str]) -> dict[str, int]:
    """How many failures in a row each workflow has, by its id, at most MAX_COUNT."""
    found = await of_workflows(reader, workflow_ids)
    return {id_: streak.failures for id_, streak in found.items()}


async def ends(reader: Reader, streak: Streak) -> tuple[End, End]:
    """The first and the last failure of a streak that has any. Raises Overtaken when it no longer has any."""
    failures = _between(reader, Status.FAILURE)
    found = []
    for way in ("ASC", "DESC"):
        sql = f"SELECT x.id, x.finished_at {failures} ORDER BY {order(reader, way)} LIMIT 1"
        rows = await reader.fetch(sql, streak.workflow_id, *streak.after, *streak.before)
        if not rows:
            raise Overtaken("the failures were corrected since the look at the streak")
        found.append(End(*rows[0]))
    return found[0], found[1]


async def remember_pruned(transaction: Transaction, executions: Iterable[tuple[str, Status, int | None]]) -> None:
    """Let successes end streaks after they were deleted. Takes each execution's workflow id, status and finishedAt."""
    newest: dict[str, int] = {}
    for workflow_id, status, finished_at in executions:
        if status is Status.SUCCESS and finished_at is not None:
            newest[workflow_id] = max(finished_at, newest.get(workflow_id, finished_at))
    await transaction.execute_many(
        "UPDATE workflows SET pruned_success_at = $2"
        " WHERE id = $1 AND (pruned_success_at IS NULL OR pruned_success_at < $2)",
        sorted(newest.items()),
    )


def failures_since(reader: Reader, workflow: str, at: str) -> str:
    """Failures of a workflow that finished at a time or later, both of them expressions; a statement from FROM on."""
    return _range(reader, Status.FAILURE, workflow, at, _literal(reader, "0" * 32))


def successes_since(reader: Reader, workflow: str, at: str, id_: str) -> str:
    """Successes of a workflow after a position; all three are expressions; a statement from FROM on."""
    return _range(reader, Status.SUCCESS, workflow, at, id_)


def order(reader: Reader, way: str) -> str:
    """The order of a range, ASC or DESC."""
    # Of the index: see `_range`.
    key = "x.finished_at, x.id" if reader.dialect is Dialect.SQLITE else _KEY
    return ", ".join(f"{column} {way}" for column in key.split(", "))


def statement(reader: Reader) -> str:
    """The statement that reads streaks; its parameter is the array of workflow ids."""
    failures = _range(reader, Status.FAILURE, "w.id", "w.after_at", "w.after_id") + _few(reader, "w.id")
    return _STREAKS.format(
        condition=reader.any_of("id", 1, "id"),
        failures=failures,
        successes=_range(reader, Status.SUCCESS, "workflows.id", str(NEVER[0]), _literal(reader, NEVER[1])),
        greatest=_literal(reader, _GREATEST_ID),
        newest=order(reader, "DESC"),
    )


def _successes(reader: Reader, way: str) -> str:
    """The first position of a success between two: of workflow $1, after $2 and $3, before $4 and $5."""
    successes = _between(reader, Status.SUCCESS)
    return f"SELECT x.finished_at, x.id {successes} ORDER BY {order(reader, way)} LIMIT 1"


def _count(reader: Reader) -> str:
    failures = _between(reader, Status.FAILURE) + _few(reader, "$1")
    return f"SELECT count(*) FROM (SELECT 1 {failures} LIMIT {MAX_COUNT}) c"


def _few(reader: Reader, workflow: str) -> str:
    """Not for the index, but for what Postgres expects: from the range alone it expects a ninth of all executions."""
    if reader.dialect is Dialect.SQLITE:
        return ""
    return f" AND x.workflow_id = {workflow} AND x.status + 0 = {int(Status.FAILURE)}"


def _between(reader: Reader, status: Status) -> str:
    """Executions of workflow $1 and a status after the position ($2, $3) and before ($4, $5)."""
    types = ("uuid", *("bigint", "uuid") * 2)
    return _range(reader, status, *(reader.dialect.cast(f"${number}", type_) for number, type_ in enumerate(types, 1)))


def _range(
    reader: Reader, status: Status, workflow: str, at: str, id_: str, until: str = "", until_id: str = ""
) -> str:
    """Executions `x` of a workflow and status between two positions, as a range of executions_outcome.

    On Postgres that index begins with an expression, as no other does, and the range is one between whole rows. By
    plain columns Postgres may also read the executions of all workflows by time, or all of one, and sort.
    """
    if reader.dialect is Dialect.SQLITE:
        columns = f"x.workflow_id = {workflow} AND x.status = {int(status)} AND (x.finished_at, x.id) > ({at}, {id_})"
        columns += f" AND (x.finished_at, x.id) < ({until}, {until_id})" if until else ""
    else:
        first, end = f"{int(status)}, {workflow}", until or str(FOREVER[0])
        end_id = until_id or _literal(reader, FOREVER[1])
        columns = f"({_KEY}) > ({first}, {at}, {id_}) AND ({_KEY}) < ({first}, {end}, {end_id})"
    return f"FROM executions x WHERE x.finished_at IS NOT NULL AND {columns}"


def _literal(reader: Reader, id_: str) -> str:
    return reader.dialect.cast(f"'{id_}'", "uuid")
