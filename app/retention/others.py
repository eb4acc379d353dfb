"""What is deleted besides runs: alerts, audit entries, figures, error groups, bulk retries and idle workflows.

Each takes a few rows a transaction, the oldest first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from app import clock
from app.alerts import streaks
from app.db import Reader, Transaction
from app.db.locks import Lock
from app.ids import new_id
from app.retention import bulk_retries as expiry
from app.retention.pruning import Batch
from app.retention.rules import Rules, before

# Rows of a transaction, few of which have anything below them.
MAX_BATCH_ROWS = 500

Work = Callable[[Transaction, Rules, int], Awaitable[Batch]]

# An alert keeps its rule from firing again as long as its streak may go on: the newest of its rule and workflow stays
# while a failure of it is there. So does one that goes on, or that somebody still has to be told.
_ALERTS = """
SELECT a.id FROM alerts a WHERE a.fired_at < $1
  AND (a.subject IS NULL OR a.ended_at IS NOT NULL)
  AND NOT EXISTS (
    SELECT 1 FROM alert_notices n LEFT JOIN outbox o ON o.subject_id = coalesce(n.digest_id, n.id)
    WHERE n.alert_id = a.id AND (o.next_attempt_at IS NOT NULL OR n.held_until IS NOT NULL)
  )
  AND (
    a.subject IS NOT NULL
    OR EXISTS (
      SELECT 1 FROM alerts n WHERE n.workflow_id = a.workflow_id AND n.since > a.since AND n.rule_id = a.rule_id
    )
    OR EXISTS (SELECT 1 FROM alert_rules r WHERE r.id = a.rule_id AND r.deleted_at IS NOT NULL)
    OR NOT EXISTS (SELECT 1 {failures})
  )
"""
_RULES = """
SELECT r.id FROM alert_rules r WHERE r.deleted_at < $1
  AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.rule_id = r.id)
  AND NOT EXISTS (SELECT 1 FROM alert_notices n WHERE n.rule_id = r.id)
"""
# The ids of workflows that nothing refers to: not a run, a figure, an alert or a rule. Parameters: an id of the time
# before which they were new, and that time.
IDLE = """
SELECT w.id FROM workflows w WHERE w.id < $1 AND (w.pruned_at IS NULL OR w.pruned_at < $2)
  AND NOT EXISTS (SELECT 1 FROM executions x WHERE x.workflow_id = w.id)
  AND NOT EXISTS (SELECT 1 FROM metric_deltas m WHERE m.workflow_id = w.id)
  AND NOT EXISTS (SELECT 1 FROM metric_rollups m WHERE m.detail = 1 AND m.grain = 1 AND m.workflow_id = w.id)
  AND NOT EXISTS (SELECT 1 FROM alert_rules r WHERE r.workflow_id = w.id)
  AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.workflow_id = w.id)
  AND NOT EXISTS (SELECT 1 FROM alert_checks c WHERE c.workflow_id = w.id)
"""
# Aliases of groups that nothing is in any more.
_ALIASES = """
SELECT DISTINCT g.error_group_id FROM error_group_aliases g
WHERE NOT EXISTS (
  SELECT 1 FROM executions x WHERE x.error_group_id IS NOT NULL AND x.error_group_id = g.error_group_id
)
"""


def old_alerts(reader: Reader) -> str:
    """The ids of alerts that go; their parameter is the time before which they were fired."""
    return _ALERTS.format(failures=streaks.failures_since(reader, "a.workflow_id", "a.since"))


def old_kept_figures(table: str) -> str:
    """The kept figures before a time, which is the beginning of a day: hours and days lose the same."""
    # Each value of what the index begins with.
    details = "detail IN (0, 1, 2, 3) AND " if table == "metric_rollups" else ""
    return f"FROM {table} WHERE {details}grain IN (0, 1) AND start < $1 AND kept = 1"


def idle_since(now: int, days: float) -> tuple[str, int]:
    """The parameters of IDLE."""
    at = before(now, days)
    return new_id(at)[:12] + "0" * 20, at


def whole_day(now: int, days: float) -> int:
    """The beginning of the day that was so many days ago."""
    at = before(now, days)
    return at - at % clock.DAY


async def alerts(transaction: Transaction, rules: Rules, now: int) -> Batch:
    """Alerts with their deliveries, and rules that were deleted."""
    if rules.alert_days is None:
        return Batch(0, more=False)
    at = before(now, rules.alert_days)
    rows = await transaction.fetch(f"{old_alerts(transaction)} ORDER BY a.fired_at, a.id LIMIT {MAX_BATCH_ROWS}", at)
    ids = [id_ for (id_,) in rows]
    await _notices(transaction, ids)
    await _delete(transaction, "alerts", "id", ids)
    gone = await transaction.fetch(f"{_RULES} ORDER BY r.id LIMIT {MAX_BATCH_ROWS}", at)
    await _delete(transaction, "alert_rules", "id", [id_ for (id_,) in gone])
    return _batch(ids)


async def _notices(transaction: Transaction, alert_ids: Sequence[str]) -> None:
    """Delete what was told of alerts; a digest with the last alert in it."""
    notices = await transaction.fetch(
        f"SELECT id, digest_id FROM alert_notices WHERE {transaction.any_of('alert_id', 1, 'id')}",
        transaction.array(alert_ids),
    )
    await _delete(transaction, "alert_notices", "id", [id_ for id_, _ in notices])
    empty = await transaction.fetch(
        f"DELETE FROM alert_notices WHERE {transaction.any_of('id', 1, 'id')} AND NOT EXISTS ("
        " SELECT 1 FROM alert_notices n WHERE n.digest_id = alert_notices.id) RETURNING id",
        transaction.array({id_ for _, id_ in notices if id_ is not None}),
    )
    await _delete(transaction, "outbox", "subject_id", [id_ for id_, *_ in (*notices, *empty)])


async def audit(transaction: Transaction, rules: Rules, now: int) -> Batch:
    """Entries of the audit log."""
    if rules.audit_days is None:
        return Batch(0, more=False)
    at = before(now, rules.audit_days)
    return await _oldest(transaction, "audit_entries", "id", "FROM audit_entries WHERE at < $1 ORDER BY at, id", at)


async def figures(transaction: Transaction, rules: Rules, now: int) -> Batch:
    """Figures that are kept of runs that were deleted."""
    if rules.figure_days is None or not await transaction.try_lock(Lock.ROLLUPS):
        return Batch(0, more=False)
    return await _kept(transaction, "metric_rollups", whole_day(now, rules.figure_days))


async def error_groups(transaction: Transaction, rules: Rules, now: int) -> Batch:
    """Counts of error groups of runs that were deleted, and aliases of groups without any run."""
    if rules.error_group_days is None or not await transaction.try_lock(Lock.ROLLUPS):
        return Batch(0, more=False)
    batch = await _kept(transaction, "metric_error_groups", whole_day(now, rules.error_group_days))
    if batch.more or await transaction.fetch("SELECT 1 FROM regrouping"):
        return batch
    rows = await transaction.fetch(f"{_ALIASES} LIMIT {MAX_BATCH_ROWS}")
    ids = [id_ for (id_,) in rows]
    await _delete(transaction, "error_group_aliases", "error_group_id", ids)
    return Batch(batch.deleted + len(ids), more=len(ids) == MAX_BATCH_ROWS)


async def bulk_retries(transaction: Transaction, rules: Rules, now: int) -> Batch:
    """Bulk retries and their snapshots, whose ages are no settings."""
    return Batch(await expiry.forget(transaction, now), more=False)


async def workflows(transaction: Transaction, rules: Rules, now: int) -> Batch:
    """Workflows without runs and figures.

    A process may still know the id of one for an hour (app/ingestion/registry.py). It had a run then, and so either has
    one, or `pruned_at` says that it had one within that hour.
    """
    if rules.idle_workflow_days is None:
        return Batch(0, more=False)
    since = idle_since(now, rules.idle_workflow_days)
    rows = await transaction.fetch(f"{IDLE} ORDER BY w.id LIMIT {MAX_BATCH_ROWS}", *since)
    ids = [id_ for (id_,) in rows]
    given, among = transaction.array(ids), transaction.any_of("w.id", 3, "id")
    if ids:
        # Whoever registers a run of one holds its row: wait, and look once more.
        await transaction.fetch(
            f"SELECT id FROM workflows WHERE {transaction.any_of('id', 1, 'id')} ORDER BY id {transaction.for_update}",
            given,
        )
        left = await transaction.fetch(f"{IDLE} AND {among}", *since, given)
        await _delete(transaction, "workflows", "id", [id_ for (id_,) in left])
    return _batch(ids)


# In the order in which they have to go: a workflow goes after what refers to it.
KINDS: dict[str, Work] = {
    "bulk_retries": bulk_retries,
    "alerts": alerts,
    "audit_entries": audit,
    "figures": figures,
    "error_groups": error_groups,
    "workflows": workflows,
}


async def _kept(transaction: Transaction, table: str, at: int) -> Batch:
    return await _oldest(transaction, table, transaction.dialect.row_number, old_kept_figures(table), at)


async def _oldest(transaction: Transaction, table: str, key: str, rows: str, at: int) -> Batch:
    gone = await transaction.fetch(
        f"DELETE FROM {table} WHERE {key} IN (SELECT {key} {rows} LIMIT {MAX_BATCH_ROWS}) RETURNING 1", at
    )
    return _batch(gone)


async def _delete(transaction: Transaction, table: str, column: str, ids: Sequence[str]) -> None:
    if ids:
        condition = transaction.any_of(column, 1, "id")
        await transaction.fetch(f"DELETE FROM {table} WHERE {condition}", transaction.array(ids))


def _batch(gone: Sequence[object]) -> Batch:
    return Batch(len(gone), more=len(gone) == MAX_BATCH_ROWS)
