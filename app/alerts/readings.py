"""What the clock finds for rules about windows of time and silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app import clock, executions
from app.alerts import streaks
from app.alerts.conditions import EngineSilent, FailureRate, NoRun, SlowRun
from app.alerts.raising import Finding
from app.alerts.rules import AlertRule
from app.alerts.streaks import Streak
from app.db import Database
from app.executions import gaps
from app.executions.gaps import OVERDUE_FACTOR
from app.lifecycle import State, Status

# Engines and workflows may report late after a start of the server, which nobody could reach before.
START = 5 * clock.MINUTE
# Usual is what the newest runs did: so many successes of so many days, and at least so many.
USUAL_RUNS, USUAL_DAYS, LEAST_RUNS = 500, 7, 20
# How long what is usual of a workflow is remembered, and of how many.
REMEMBERED, MAX_REMEMBERED = 10 * clock.MINUTE, 10_000
# Runs that a look compares with what is usual: those that finished since some looks ago, and those at work.
RECENT, MAX_RUNS = clock.MINUTE, 2_000

_FAILED = f"CASE WHEN status = {int(Status.FAILURE)} THEN 1 END"
_RATE = f"""
SELECT workflow_id, count({_FAILED}), count(*) FROM executions
WHERE finished_at > $1 AND finished_at <= $2 AND status IN ({int(Status.SUCCESS)}, {int(Status.FAILURE)}) {{only}}
GROUP BY workflow_id HAVING count(*) >= $3 AND count({_FAILED}) > 0
"""
_RUNS = f"""
SELECT * FROM (
  SELECT id, workflow_id, duration AS took, started_at AS began FROM executions
  WHERE finished_at > $1 AND duration IS NOT NULL {{only}} ORDER BY finished_at DESC LIMIT {MAX_RUNS}
) finished UNION ALL SELECT * FROM (
  SELECT id, workflow_id, $2 - started_at AS took, started_at AS began FROM executions
  WHERE state = {int(State.RUNNING)} AND started_at IS NOT NULL {{only}} ORDER BY queued_at LIMIT {MAX_RUNS}
) running
"""
_NEWEST = """
SELECT w.id, e.id, e.queued_at FROM (
  SELECT w.id, (
    SELECT x.id FROM executions x WHERE x.workflow_id = w.id ORDER BY x.queued_at DESC, x.id DESC LIMIT 1
  ) AS newest FROM workflows w {only}
) w JOIN executions e ON e.id = w.newest
"""
_SILENT = "SELECT id, last_seen_at FROM engines WHERE last_seen_at < $1 AND last_seen_at > $2 {only}"


class _Remembered(NamedTuple):
    at: int
    value: int | None

    def holds(self, now: int) -> bool:
        return abs(now - self.at) <= REMEMBERED  # after now: by a clock that is put back


@dataclass(slots=True)
class Readings:
    """Reads for the rules of one process. `started_at`: since when engines could reach it, in µs since the epoch."""

    started_at: int
    _p95: dict[str, _Remembered] = field(default_factory=dict)
    _gaps: dict[str, _Remembered] = field(default_factory=dict)

    async def of(self, database: Database, rule: AlertRule, now: int) -> list[Finding]:
        """What holds of a rule's condition. None of those that failing runs are held against."""
        self.started_at = min(self.started_at, now)  # by a clock that is put back
        match rule.condition:
            case FailureRate() as condition:
                return await _rate(database, rule, condition, now)
            case SlowRun() as condition:
                return await self._slow(database, rule, condition, now)
            case NoRun() as condition:
                return await self._no_run(database, rule, condition, now)
            case EngineSilent() as condition:
                return await self._silent(database, rule, condition, now)
        return []

    async def _slow(self, database: Database, rule: AlertRule, condition: SlowRun, now: int) -> list[Finding]:
        only, given = _only(rule, "workflow_id", 3)
        slowest: dict[str, tuple[int, str, int]] = {}
        for id_, workflow_id, took, began in await database.fetch(_RUNS.format(only=only), now - RECENT, now, *given):
            slowest[workflow_id] = max((took, id_, began), slowest.get(workflow_id, (0, "", 0)))
        found = []
        for workflow_id, (took, id_, began) in slowest.items():
            usual = await self._usual_p95(database, workflow_id, now)
            if usual is not None and took > usual * condition.factor:
                found.append(Finding(workflow_id, workflow_id, began, 0, id_, id_, took, usual))
        return found

    async def _usual_p95(self, database: Database, workflow_id: str, now: int) -> int | None:
        known = self._p95.get(workflow_id)
        if known is None or not known.holds(now):
            successes = streaks.successes_since(database, "$1", "$2", database.dialect.cast(f"'{'0' * 32}'", "uuid"))
            rows = await database.fetch(
                f"SELECT x.duration {successes} AND x.duration IS NOT NULL"
                f" ORDER BY {streaks.order(database, 'DESC')} LIMIT {USUAL_RUNS}",
                workflow_id,
                now - USUAL_DAYS * clock.DAY,
            )
            known = _remember(self._p95, workflow_id, now, p95([took for (took,) in rows]))
        return known.value

    async def _no_run(self, database: Database, rule: AlertRule, condition: NoRun, now: int) -> list[Finding]:
        if now < self.started_at + START:
            return []
        only, given = _only(rule, "w.id", 1, "WHERE")
        found = []
        for workflow_id, id_, queued_at in await database.fetch(_NEWEST.format(only=only), *given):
            limit = await self._limit(database, workflow_id, condition, now)
            if limit is not None and now - queued_at > limit and _is_news(rule, rule.workflow_id, queued_at + limit):
                found.append(Finding(workflow_id, workflow_id, queued_at, 0, id_, id_, now - queued_at, limit))
        return found

    async def _limit(self, database: Database, workflow_id: str, condition: NoRun, now: int) -> int | None:
        if condition.minutes is not None:
            return condition.minutes * clock.MINUTE
        known = self._gaps.get(workflow_id)
        if known is None or not known.holds(now):
            recent = await executions.recent_of_workflows(database, [workflow_id])
            pauses = await gaps.longest_pauses(database, [workflow_id])
            gap = gaps.usual_gap(recent.get(workflow_id, []), pauses.get(workflow_id))
            known = _remember(self._gaps, workflow_id, now, gap)
        return OVERDUE_FACTOR * known.value if known.value else None

    async def _silent(self, database: Database, rule: AlertRule, condition: EngineSilent, now: int) -> list[Finding]:
        if now < self.started_at + START:
            return []
        after = condition.minutes * clock.MINUTE
        # Of all engines only those that fall silent while the rule is there.
        since = 0 if condition.engine_id else rule.updated_at - after
        only, given = ("", []) if condition.engine_id is None else ("AND id = $3", [condition.engine_id])
        found = []
        for engine_id, seen_at in await database.fetch(_SILENT.format(only=only), now - after, since, *given):
            of_engine = _NEWEST.format(only="WHERE w.engine_id = $1")
            newest = await database.fetch(f"{of_engine} ORDER BY e.queued_at DESC, e.id DESC LIMIT 1", engine_id)
            for workflow_id, id_, _ in newest:
                found.append(Finding(engine_id, workflow_id, seen_at, 0, id_, id_, now - seen_at, after))
        return found


async def _rate(database: Database, rule: AlertRule, condition: FailureRate, now: int) -> list[Finding]:
    only, given = _only(rule, "workflow_id", 4)
    start = now - condition.minutes * clock.MINUTE
    found = []
    for workflow_id, failed, runs in await database.fetch_long(
        _RATE.format(only=only), start, now, condition.minimum_runs, *given
    ):
        if failed * 100 >= condition.percent * runs:
            window = Streak(workflow_id, failed, (start, streaks.NEVER[1]))
            first, last = await streaks.ends(database, window)
            found.append(
                Finding(
                    *(workflow_id, workflow_id, first.finished_at, failed),
                    *(first.execution_id, last.execution_id, failed, runs),
                )
            )
    return found


def p95(durations: Sequence[int]) -> int | None:
    """What 95 of 100 durations do not exceed; None of fewer than LEAST_RUNS."""
    if len(durations) < LEAST_RUNS:
        return None
    return sorted(durations)[-(-95 * len(durations) // 100) - 1]


def _is_news(rule: AlertRule, named: str | None, began: int) -> bool:
    """A rule about everything does not fire for what was so before it was saved: there may be a thousand."""
    return named is not None or began > rule.updated_at


def _remember(memory: dict[str, _Remembered], key: str, now: int, value: int | None) -> _Remembered:
    if len(memory) >= MAX_REMEMBERED:
        memory.clear()
    memory[key] = found = _Remembered(now, value)
    return found


def _only(rule: AlertRule, column: str, parameter: int, word: str = "AND") -> tuple[str, list[str]]:
    """The condition that a row is of the rule's workflow, if it has one, and the parameter."""
    return ("", []) if rule.workflow_id is None else (f"{word} {column} = ${parameter}", [rule.workflow_id])
