"""Rules about error groups: held against failing runs, as streaks are (app/alerts/firing.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from app import clock
from app.alerts import checks, raising
from app.alerts.conditions import NewErrorGroup
from app.alerts.raising import Finding
from app.alerts.rules import AlertRule
from app.db import Transaction
from app.db.rows import RowsOf
from app.executions import group_members

_OLDEST = """
SELECT finished_at FROM executions WHERE error_group_id IS NOT NULL AND {among} ORDER BY queued_at, id LIMIT 1
"""
_COUNTED = "SELECT 1 FROM metric_error_groups WHERE kept = 1 AND {among} LIMIT 1"
# 1: that it is resolved (app/error_groups/marks.py, a floor above this one).
_RESOLVED = "SELECT at FROM error_group_marks WHERE group_id = $1 AND kind = 1"
_TOLD = "SELECT 1 FROM alerts WHERE rule_id = $1 AND subject = $2 AND fired_at > $3 LIMIT 1"


class _Failure(msgspec.Struct):
    id: str
    workflow_id: str
    error_group_id: str
    queued_at: int
    finished_at: int


_FAILURES = RowsOf(_Failure)


@dataclass(frozen=True, slots=True)
class _Group:
    """An error group that a run has failed with."""

    id: str
    is_new: bool
    resolved_at: int | None

    def told_since(self, rule: AlertRule, failure: _Failure) -> int | None:
        """Since when the rule must not have fired to fire now; None: its condition does not hold."""
        if isinstance(rule.condition, NewErrorGroup):
            return 0 if self.is_new else None
        return self.resolved_at if self.resolved_at is not None and failure.queued_at > self.resolved_at else None


async def fire(transaction: Transaction, about_groups: Sequence[AlertRule], execution_ids: Sequence[str]) -> int:
    """Fire rules about error groups whose condition one of these failures fulfils; returns how many alerts."""
    rows = await transaction.fetch(
        f"SELECT {_FAILURES.columns} FROM executions WHERE error_group_id IS NOT NULL"
        f" AND {transaction.any_of('id', 1, 'id')} ORDER BY finished_at, id",
        transaction.array(execution_ids),
    )
    failures = _FAILURES.read_all(rows)
    led = await group_members.lead(transaction, [each.error_group_id for each in failures])
    known: dict[str, _Group] = {}
    alerts = 0
    for failure in failures:
        id_ = led.groups[failure.error_group_id][0]
        if id_ not in known:
            known[id_] = await _group(transaction, id_, led.members[id_])
        finding = Finding(
            *(id_, failure.workflow_id, failure.finished_at, 1, failure.id, failure.id),
        )
        for rule in about_groups:
            since = known[id_].told_since(rule, failure)
            if since is None or rule.workflow_id not in (None, failure.workflow_id):
                continue
            if not await transaction.fetch(_TOLD, rule.id, id_, since):
                await raising.fire(transaction, rule, [finding], over=True)
                alerts += 1
    return alerts


async def _group(transaction: Transaction, id_: str, members: Sequence[str]) -> _Group:
    resolved = await transaction.fetch(_RESOLVED, id_)
    return _Group(id_, await _is_new(transaction, {id_, *members}), resolved[0][0] if resolved else None)


async def _is_new(transaction: Transaction, fingerprints: set[str]) -> bool:
    """Whether the first failure of a group is news. Pruned ones are in the figures that are kept."""
    given, among = transaction.array(fingerprints), transaction.any_of("error_group_id", 1, "id")
    oldest = await transaction.fetch(_OLDEST.format(among=among), given)
    if not oldest or (oldest[0][0] or 0) < clock.now_us() - checks.NEWS:
        return False
    return not await transaction.fetch(_COUNTED.format(among=among), given)
