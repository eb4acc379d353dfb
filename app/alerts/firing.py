"""Fires rules: compares them with the streaks of workflows that had a failure, in the background of every server.

One process per database does it at a time. Alerts, their deliveries and the end of the checks are one commit: wherever
a process is killed, the next one fires what was not fired.

A rule fires when a streak with a new failure has as many failures as the rule says, and none of the rule's alerts of
that workflow began within that streak. The streak may be over by then: five failures and then a success, before anybody
looked, are five failures. Finish times count as they are known at that moment: a late success from before the streak
changes nothing; one from within divides the alerted streak, and what follows it is another streak.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.alerts import groups, raising, rules, streaks
from app.alerts.conditions import FailuresInARow, NewErrorGroup, RegressedErrorGroup
from app.alerts.raising import Finding
from app.alerts.rules import AlertRule
from app.alerts.streaks import Position, Streak
from app.changes.commits import Committed
from app.db import Database, Transaction
from app.db.locks import Lock
from app.log import get_logger
from app.sweep import Sweep

log = get_logger(__name__)


# Checks per transaction. A streak takes 0.3 ms to read, and 3 ms when it has 10,000 failures.
MAX_BATCH_CHECKS = 500
MIN_PAUSE_SECONDS = 0.25
SWEEP_SECONDS = 1.0

_TAKE = f"""
DELETE FROM alert_checks WHERE id IN (SELECT id FROM alert_checks ORDER BY id LIMIT {MAX_BATCH_CHECKS})
RETURNING workflow_id, finished_at, execution_id
"""
# Also by the current position of the first failure: a finish that Runwatch made itself moves back in time when its
# engine reports an earlier one, and the streak that began with it is then part of that one.
_FIRED = """
SELECT a.rule_id FROM alerts a LEFT JOIN executions x ON x.id = a.first_execution_id
WHERE a.subject IS NULL AND a.workflow_id = $1 AND (a.since, a.first_execution_id) > ($2, $3)
  AND (coalesce(x.finished_at, a.since), a.first_execution_id) > ($2, $3)
  AND (coalesce(x.finished_at, a.since), a.first_execution_id) < ($4, $5)
"""


@dataclass(frozen=True, slots=True)
class Fired:
    """The result of looking at a batch of checks."""

    checks: int = 0
    alerts: int = 0


async def fire(database: Database) -> Fired:
    """Look at a batch of checks, in one transaction; None if another process is doing so."""
    return await database.transaction(lambda tx: _fire(tx))


async def _fire(transaction: Transaction) -> Fired:
    if not await transaction.try_lock(Lock.ALERTS):
        return Fired()
    taken = await transaction.fetch(_TAKE)
    failures: defaultdict[str, set[Position]] = defaultdict(set)
    for workflow_id, finished_at, execution_id in taken:
        failures[workflow_id].add((finished_at, execution_id))
    known = await rules.enabled(transaction, failures) if taken else []
    alerts = 0
    in_a_row = [(rule, rule.condition.count) for rule in known if isinstance(rule.condition, FailuresInARow)]
    if in_a_row:
        for streak in await streaks.of_failures(transaction, failures):
            wanting = [
                rule for rule, count in in_a_row if _covers(rule, streak.workflow_id) and streak.failures >= count
            ]
            alerts += await _fire_streak(transaction, streak, wanting)
    about_groups = [rule for rule in known if isinstance(rule.condition, (NewErrorGroup, RegressedErrorGroup))]
    if about_groups:
        alerts += await groups.fire(transaction, about_groups, [execution_id for _, _, execution_id in taken])
    return Fired(len(taken), alerts)


def _covers(rule: AlertRule, workflow_id: str) -> bool:
    return rule.workflow_id in (None, workflow_id)


async def _fire_streak(transaction: Transaction, streak: Streak, wanting: Sequence[AlertRule]) -> int:
    """Fire the rules that have not fired in this streak; returns how many."""
    if not wanting:
        return 0
    fired = await transaction.fetch(_FIRED, streak.workflow_id, *streak.after, *streak.before)
    done = {rule_id for (rule_id,) in fired}
    due = [rule for rule in wanting if rule.id not in done]
    if not due:
        return 0
    first, last = await streaks.ends(transaction, streak)
    finding = Finding(
        *(None, streak.workflow_id, first.finished_at, streak.failures, first.execution_id, last.execution_id)
    )
    for rule in due:
        await raising.fire(transaction, rule, [finding])
    return len(due)


class Firing(Sweep):
    """Fires soon after each commit of this process that `on_commit` receives, and each second in any case.

    Calls `deliver` when there is something to deliver.
    """

    def __init__(self, database: Database, deliver: Callable[[], None] = lambda: None) -> None:
        super().__init__(self.fire_all, "alerts_not_fired", seconds=SWEEP_SECONDS, least_pause=MIN_PAUSE_SECONDS)
        self._database = database
        self._deliver = deliver

    def on_commit(self, _: Committed) -> None:
        """Listener of commits."""
        self.wake()

    async def fire_all(self) -> int:
        """Look at all checks; returns the number of alerts."""
        alerts = 0
        # A reader looks first: on SQLite a transaction would wait for any writer, each second, for nothing.
        while await self._database.fetch("SELECT 1 FROM alert_checks ORDER BY id LIMIT 1"):
            fired = await fire(self._database)
            if fired.alerts:
                alerts += fired.alerts
                log.info("alerts_fired", alerts=fired.alerts)
                self._deliver()
            if fired.checks < MAX_BATCH_CHECKS:
                break
        return alerts
