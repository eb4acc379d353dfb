"""Recomputes the rollups from the executions, a day at a time: to prove that they are right, or to correct them.

The kept figures of pruned executions cannot be recomputed, and stay.
"""

from __future__ import annotations

from collections.abc import Callable

from app import clock
from app.db import Database, Transaction
from app.db.locks import Lock
from app.lifecycle import Status
from app.metrics import rollups
from app.metrics.rollups import GROUP_KEYS, KEYS, VALUES, Detail, Grain, RollupChanges

# What rollups should have: the executions without unfolded deltas, as of one moment, in rows of Delta.
_EXPECTED = f"""
SELECT x.queued_at - x.queued_at % {clock.HOUR} AS hour, x.workflow_id, x.trigger_kind, x.status, x.duration,
  CASE WHEN x.status = {int(Status.FAILURE)} THEN x.error_group_id END AS error_group_id, count(*) AS times, 0
FROM executions x
WHERE x.status <> {int(Status.PENDING)} AND x.queued_at >= $1 AND x.queued_at < $2
GROUP BY 1, 2, 3, 4, 5, 6
UNION ALL
SELECT d.hour, d.workflow_id, d.trigger_kind, d.status, d.duration, d.error_group_id, -d.sign, 0
FROM metric_deltas d WHERE d.kept = 0 AND d.hour >= $1 AND d.hour < $2
"""
_SPAN = "kept = 0 AND start >= $1 AND start < $2"
_ROLLUPS = f"""
SELECT {KEYS.columns}, {VALUES.columns} FROM metric_rollups
WHERE detail IN ({", ".join(str(int(detail)) for detail in Detail)}) AND grain IN (0, 1) AND {_SPAN}
"""
_GROUPS = f"SELECT {GROUP_KEYS.columns}, failures FROM metric_error_groups WHERE grain IN (0, 1) AND {_SPAN}"

# The next time that has anything; each part is one look into an index.
_NEXT = " UNION ALL ".join(
    [
        "SELECT min(queued_at) AS at FROM executions WHERE queued_at >= $1",
        "SELECT min(hour) FROM metric_deltas WHERE hour >= $1",
        *(
            "SELECT min(start) FROM metric_rollups"
            f" WHERE detail = {int(detail)} AND grain = {int(grain)} AND start >= $1"
            for detail in Detail
            for grain in Grain
        ),
        *(f"SELECT min(start) FROM metric_error_groups WHERE grain = {int(grain)} AND start >= $1" for grain in Grain),
    ]
)


async def rebuild(database: Database, *, fix: bool = True, progress: Callable[[int], None] = lambda day: None) -> int:
    """How many rows of rollups differed from the executions; with `fix` it corrects them.

    Safe while serving, and to break off: each day (UTC) is a transaction, during which nothing is folded. Calls
    `progress` with the start of each day, in µs since the epoch, after it.
    """
    differing = 0
    day: int | None = await _day_from(database, 0)
    while day is not None:
        differing += await database.transaction(lambda tx, day=day: _rebuild(tx, day, fix))  # type: ignore[misc]
        progress(day)
        day = await _day_from(database, day + clock.DAY)
    return differing


async def _day_from(database: Database, start: int) -> int | None:
    rows = await database.fetch(f"SELECT min(n.at) FROM ({_NEXT}) n", start)
    at: int | None = rows[0][0]
    return None if at is None else at - at % clock.DAY


async def _rebuild(transaction: Transaction, day: int, fix: bool) -> int:
    await transaction.lock(Lock.ROLLUPS)
    span = (day, day + clock.DAY)
    missing = RollupChanges.of(await transaction.fetch(_EXPECTED, *span))
    for row in await transaction.fetch(_ROLLUPS, *span):
        key, values = KEYS.split(row)
        missing.tallies[key].add(VALUES.read(values).tally, -1)
    for row in await transaction.fetch(_GROUPS, *span):
        group, [failures] = GROUP_KEYS.split(row)
        missing.groups[group] -= failures
    differing = sum(not tally.empty for tally in missing.tallies.values())
    differing += sum(failures != 0 for failures in missing.groups.values())
    if fix and differing:
        await rollups.apply(transaction, missing)
    return differing
