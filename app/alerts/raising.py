"""Raises alerts, keeps them open while their condition holds, and ends them. All of it under the lock of alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app import clock
from app.alerts import conditions, notices, rules, streaks
from app.alerts.notices import NoticeKind
from app.alerts.rules import AlertRule
from app.db import Reader, Transaction
from app.ids import new_id

# Open alerts of streaks that one look ends.
MAX_ENDED = 500

# A success after its first failure ends a streak, at the time of that success. Parameters: none.
_ENDED_STREAKS = """
SELECT a.id, a.rule_id, coalesce(
  (SELECT x.finished_at {successes} ORDER BY {first} LIMIT 1),
  CASE WHEN w.pruned_success_at > a.since THEN w.pruned_success_at END
) AS ended_at
FROM alerts a JOIN workflows w ON w.id = a.workflow_id
WHERE a.ended_at IS NULL AND a.subject IS NULL
"""


class Finding(NamedTuple):
    """That a condition holds, and since when. Its names are columns of alerts."""

    subject: str | None  # what the rule is armed for; None: a streak
    workflow_id: str
    since: int
    failures: int
    first_execution_id: str
    last_execution_id: str
    measured: int | None = None
    compared: int | None = None


class Ending(NamedTuple):
    """That an alert is over."""

    alert_id: str
    rule_id: str
    ended_at: int


async def fire(transaction: Transaction, rule: AlertRule, findings: Sequence[Finding], *, over: bool = False) -> None:
    """Write an alert for each finding, and tell of it. `over`: it is about a moment, and ends with it."""
    now = clock.now_us()
    columns = ("id", "rule_id", "fired_at", "condition", "met_at", "ended_at", *Finding._fields)
    about = (rule.id, now, conditions.encoded(rule.condition), now, now if over else None)
    rows = [(new_id(now), *about, *finding) for finding in findings]
    await transaction.insert("alerts", columns, rows)
    await notices.add(transaction, rule, NoticeKind.FIRED, [row[0] for row in rows])


async def settle(transaction: Transaction, rule: AlertRule, findings: Sequence[Finding], now: int) -> int:
    """Compare what holds now with the open alerts of a rule; returns how many fired or ended."""
    rows = await transaction.fetch(
        "SELECT id, subject, met_at FROM alerts WHERE rule_id = $1 AND subject IS NOT NULL AND ended_at IS NULL",
        rule.id,
    )
    met = {finding.subject: finding for finding in findings}
    new = [met[subject] for subject in met.keys() - {subject for _, subject, _ in rows}]
    await fire(transaction, rule, sorted(new))
    going_on = [id_ for id_, subject, _ in rows if subject in met]
    await transaction.fetch(
        f"UPDATE alerts SET met_at = $2 WHERE {transaction.any_of('id', 1, 'id')}", transaction.array(going_on), now
    )
    calm = rule.condition.calm
    over = [Ending(id_, rule.id, now) for id_, subject, met_at in rows if subject not in met and met_at + calm <= now]
    await end(transaction, over)
    return len(new) + len(over)


async def ended_streaks(reader: Reader) -> list[Ending]:
    """The open alerts of streaks that are over."""
    return [Ending(*row) for row in await reader.fetch(ended_statement(reader))]


def ended_statement(reader: Reader) -> str:
    """The statement that finds them."""
    successes = streaks.successes_since(reader, "a.workflow_id", "a.since", "a.first_execution_id")
    statement = _ENDED_STREAKS.format(successes=successes, first=streaks.order(reader, "ASC"))
    return f"SELECT * FROM ({statement}) e WHERE ended_at IS NOT NULL LIMIT {MAX_ENDED}"


async def end(transaction: Transaction, endings: Sequence[Ending]) -> None:
    """End alerts, and tell of it where their rules want that."""
    if not endings:
        return
    rows = [(each.alert_id, each.ended_at) for each in endings]
    await transaction.execute_many("UPDATE alerts SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", rows)
    known = await rules.by_ids(transaction, {each.rule_id for each in endings})
    for rule in known.values():
        if rule.notify_recovery and rule.enabled:
            ended = [each.alert_id for each in endings if each.rule_id == rule.id]
            await notices.add(transaction, rule, NoticeKind.ENDED, ended)
