"""What retention would delete now, counted beforehand: for the log, and for `runwatch prune --dry-run`."""

from __future__ import annotations

from collections.abc import Mapping

from app.db import Database
from app.retention import bulk_retries as expiry
from app.retention import others
from app.retention.excess import excess
from app.retention.pruning import ANY_AGE, OVER
from app.retention.rules import Rules, before

# Counting stops here: a hundred thousand take 30 ms.
MAX_COUNT = 100_000

# Number of rows by what they are; one of MAX_COUNT stands for that many or more.
Plan = Mapping[str, int]

_OF_STATE = "SELECT 1 FROM executions WHERE state = $1 AND queued_at < $2"


async def plan(database: Database, rules: Rules, now: int) -> Plan:
    """The numbers of rows that go, of each kind that has any."""
    found = {"executions": await _executions(database, rules, now)}
    if rules.others:
        rows = f"SELECT 1 FROM bulk_retries WHERE {expiry.OVER}"
        found["bulk_retries"] = await _count(database, rows, *expiry.over_before(now))
    if rules.alert_days is not None:
        found["alerts"] = await _count(database, others.old_alerts(database), before(now, rules.alert_days))
    if rules.audit_days is not None:
        at = before(now, rules.audit_days)
        found["audit_entries"] = await _count(database, "SELECT 1 FROM audit_entries WHERE at < $1", at)
    for name, table, days in (
        ("figures", "metric_rollups", rules.figure_days),
        ("error_groups", "metric_error_groups", rules.error_group_days),
    ):
        if days is not None:
            rows = f"SELECT 1 {others.old_kept_figures(table)}"
            found[name] = await _count(database, rows, others.whole_day(now, days))
    if rules.idle_workflow_days is not None:
        since = others.idle_since(now, rules.idle_workflow_days)
        found["workflows"] = await _count(database, others.IDLE, *since)
    return {name: number for name, number in found.items() if number}


async def _executions(database: Database, rules: Rules, now: int) -> int:
    by_age, over = 0, 0
    for state, at in rules.ages(now).items():
        by_age += await _count(database, _OF_STATE, int(state), at)
    too_many = await excess(database, rules)
    if too_many > by_age:  # but not those that run
        for state in OVER:
            over += await _count(database, _OF_STATE, int(state), ANY_AGE)
    return min(max(by_age, min(too_many, over)), MAX_COUNT)


async def _count(database: Database, rows: str, *params: object) -> int:
    found = await database.fetch_long(f"SELECT count(*) FROM ({rows} LIMIT {MAX_COUNT}) c", *params)
    return int(found[0][0])
