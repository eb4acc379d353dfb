"""How often a rule would have fired in the days before, reckoned from the runs of that time."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from app import clock
from app.alerts.conditions import (
    CALM,
    AnyCondition,
    EngineSilent,
    FailureRate,
    FailuresInARow,
    NewErrorGroup,
    NoRun,
    RegressedErrorGroup,
    SlowRun,
)
from app.alerts.readings import p95
from app.db import Database
from app.db.rows import RowsOf
from app.errors import BadInput
from app.executions import MAX_RECENT
from app.executions.gaps import OVERDUE_FACTOR, STEP, usual_gap
from app.lifecycle import Status

MAX_DAYS = 30
# The newest; 20,000 take 0.1 s. A preview says since when it knows.
MAX_RUNS = 20_000
# They cost as much as one of so many whole rows of an answer.
RUNS_OF_A_ROW = 20
# Times that it tells; it says how many there are.
MAX_TIMES = 1_000


class Run(msgspec.Struct, frozen=True):
    """What a preview needs of a run. Times are in µs since the epoch."""

    id: str
    workflow_id: str
    engine_id: str
    status: int
    queued_at: int
    finished_at: int | None
    duration: int | None
    error_group_id: str | None
    retry_of: str | None


@dataclass(frozen=True, slots=True)
class Past:
    """The runs of some time, oldest first, since when they are known, and the error groups that are older."""

    runs: Sequence[Run]
    since: int
    now: int
    complete: bool
    older_groups: frozenset[str]
    resolved_at: Mapping[str, int]  # of the error groups that are resolved now


@dataclass(frozen=True, slots=True)
class Preview:
    """When a rule would have fired, in µs since the epoch, oldest first; in the runs since a time."""

    times: Sequence[int]
    count: int
    runs: int
    since: int
    complete: bool  # whether all runs of the days were looked at


_RUNS = RowsOf(Run)


async def preview(database: Database, condition: AnyCondition, workflow_id: str | None, days: int) -> Preview:
    """When a rule about a workflow, or about each, would have fired. Raises BadInput for days out of range."""
    if not 1 <= days <= MAX_DAYS:
        raise BadInput(f"days: must be 1 to {MAX_DAYS}, not {days}")
    condition.check()
    return of_past(await past(database, workflow_id, days), condition)


async def past(database: Database, workflow_id: str | None, days: int) -> Past:
    """The newest runs of so many days."""
    now = clock.now_us()
    since = now - days * clock.DAY
    only, given = ("", []) if workflow_id is None else ("AND workflow_id = $2", [workflow_id])
    rows = await database.fetch(
        f"SELECT {_RUNS.columns} FROM executions WHERE queued_at > $1 {only}"
        f" ORDER BY queued_at DESC, id DESC LIMIT {MAX_RUNS + 1}",
        since,
        *given,
    )
    complete = len(rows) <= MAX_RUNS
    runs = _RUNS.read_all(rows[:MAX_RUNS])[::-1]
    since = since if complete else runs[0].queued_at
    groups = {run.error_group_id for run in runs if run.error_group_id is not None}
    older = await database.fetch(
        "SELECT DISTINCT error_group_id FROM executions WHERE error_group_id IS NOT NULL"
        f" AND {database.any_of('error_group_id', 1, 'id')} AND queued_at <= $2",
        database.array(groups),
        since,
    )
    marks = await database.fetch("SELECT group_id, at FROM error_group_marks WHERE kind = 1")
    return Past(runs, since, now, complete, frozenset(row[0] for row in older), {row[0]: row[1] for row in marks})


def of_past(past: Past, condition: AnyCondition) -> Preview:
    """When a rule would have fired among these runs."""
    times = sorted(_times(past, condition))
    return Preview(times[-MAX_TIMES:], len(times), len(past.runs), past.since, past.complete)


def _times(past: Past, condition: AnyCondition) -> Iterator[int]:
    if isinstance(condition, NewErrorGroup):
        yield from _firsts(past, lambda run, group: group not in past.older_groups)
    elif isinstance(condition, RegressedErrorGroup):
        yield from _firsts(past, lambda run, group: run.queued_at > past.resolved_at.get(group, past.now))
    else:
        yield from _of_subjects(past, condition)


def _of_subjects(past: Past, condition: AnyCondition) -> Iterator[int]:
    by_engine = isinstance(condition, EngineSilent)
    each: defaultdict[str, list[Run]] = defaultdict(list)
    for run in past.runs:
        each[run.engine_id if by_engine else run.workflow_id].append(run)
    for subject, runs in each.items():
        match condition:
            case FailuresInARow():
                yield from _in_a_row(_finished(runs), condition.count)
            case FailureRate():
                yield from _rate(_finished(runs), condition)
            case SlowRun():
                yield from _slow(_finished(runs), condition.factor)
            case NoRun(minutes=None):
                yield from _overdue([run for run in runs if run.retry_of is None], past.now)
            case NoRun(minutes=int(minutes)):
                yield from _gaps([run.queued_at for run in runs], minutes * clock.MINUTE, past.now)
            case EngineSilent() if condition.engine_id in (None, subject):
                seen = [at for run in runs for at in (run.queued_at, run.finished_at) if at is not None]
                yield from _gaps(sorted(seen), condition.minutes * clock.MINUTE, past.now)


def _finished(runs: Iterable[Run]) -> list[tuple[int, Run]]:
    counted = (Status.SUCCESS, Status.FAILURE)
    found = [(run.finished_at, run) for run in runs if run.finished_at is not None and run.status in counted]
    return sorted(found, key=lambda each: (each[0], each[1].id))


def _in_a_row(finished: Sequence[tuple[int, Run]], count: int) -> Iterator[int]:
    streak = 0
    for at, run in finished:
        streak = streak + 1 if run.status == Status.FAILURE else 0
        if streak == count:
            yield at


def _rate(finished: Sequence[tuple[int, Run]], condition: FailureRate) -> Iterator[int]:
    window: deque[tuple[int, bool]] = deque()
    failed, met_at = 0, None
    for at, run in finished:
        is_failure = run.status == Status.FAILURE
        window.append((at, is_failure))
        failed += is_failure
        while window[0][0] <= at - condition.calm:
            failed -= window.popleft()[1]
        if failed and len(window) >= condition.minimum_runs and failed * 100 >= condition.percent * len(window):
            if met_at is None or at - met_at > condition.calm:
                yield at
            met_at = at


def _slow(finished: Sequence[tuple[int, Run]], factor: float) -> Iterator[int]:
    usual = p95([run.duration for _, run in finished if run.status == Status.SUCCESS and run.duration is not None])
    met_at = None
    for at, run in finished:
        if usual is not None and run.duration is not None and run.duration > usual * factor:
            if met_at is None or at - met_at > CALM:
                yield at
            met_at = at


def _overdue(runs: Sequence[Run], now: int) -> Iterator[int]:
    """By what was known of the workflow then."""
    longest = 0
    for index, (earlier, later) in enumerate(pairwise([*(run.queued_at for run in runs), now])):
        pause = longest if earlier - runs[0].queued_at >= STEP else None
        if later - earlier > longest:  # else it is too short, and to know how often it ran would cost
            gap = usual_gap(runs[max(0, index + 1 - MAX_RECENT) : index + 1][::-1], pause)
            if gap is not None and later - earlier > OVERDUE_FACTOR * gap:
                yield earlier + OVERDUE_FACTOR * gap
        longest = max(longest, later - earlier)


def _gaps(times: Sequence[int], limit: int, now: int) -> Iterator[int]:
    yield from (earlier + limit for earlier, later in pairwise([*times, now]) if later - earlier > limit)


def _firsts(past: Past, counts: Callable[[Run, str], bool]) -> Iterator[int]:
    told = set()
    for at, run in _finished(past.runs):
        group = run.error_group_id
        if group is not None and group not in told and counts(run, group):
            told.add(group)
            yield at
