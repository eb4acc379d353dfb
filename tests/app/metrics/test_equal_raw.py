"""Whatever happens to executions, in any order, and whenever it is folded: figures are those of the rows there are."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import clock
from app.db import Database
from app.ingestion import Ingestion
from app.ingestion.contact import ContactSweep
from app.metrics.filters import MetricsFilter
from app.metrics.folding import fold
from app.metrics.rebuilding import rebuild
from app.retention.pruning import prune
from specs.harness.counts import count
from tests.app.metrics.oracle import check
from tests.app.reports import NOON, events, report, select
from tests.factories import empty
from tests.sealing import SEALER

TABLES = (
    *("executions", "execution_payloads", "execution_revisions", "steps", "workflows"),
    *("metric_deltas", "metric_rollups", "metric_error_groups"),
)
DAYS = 3
SUBJECTS = [f"run-{number}" for number in range(8)]

slow_but_sure = settings(
    max_examples=count("examples of figures", 20, 1_000),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

# Seconds before noon: some close together, some in another hour or day, some at the edge of one.
_edge = NOON // clock.SECOND % 3600
moments = st.one_of(
    st.integers(-DAYS * 86_400, 0),
    st.integers(-120, 0),
    st.integers(-DAYS * 24 + 1, 0).flatmap(
        lambda hours: st.sampled_from([hours * 3600 - _edge, hours * 3600 - _edge - 1])
    ),
)
claims = st.fixed_dictionaries(
    {},
    optional={
        "workflow": st.sampled_from(["nightly", "weekly"]),
        "trigger": st.sampled_from([{"kind": "schedule"}, {"kind": "manual"}]),
    },
)
endings = st.fixed_dictionaries(
    {"state": st.sampled_from(["SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED", "SKIPPED"])},
    optional={"error": st.sampled_from([{"message": "disk full"}, {"message": "no route"}])},
)


@st.composite
def reports(draw: st.DrawFn) -> dict[str, Any]:
    """An event of a run: late, early, repeated or contradicting, as they come."""
    kind = draw(st.sampled_from(["execution.queued", "execution.started", *["execution.finished"] * 3]))
    data: dict[str, Any] = draw(endings if kind == "execution.finished" else claims)
    if data.get("error") is not None and data["state"] not in ("FAILED", "TIMED_OUT"):
        data = {"state": data["state"]}
    at = draw(moments)
    return report(kind, draw(st.sampled_from(SUBJECTS)), at, f"{kind}@{at}-{draw(st.integers(0, 1))}", **data)


actions = st.one_of(
    st.tuples(st.just("record"), st.lists(reports(), min_size=1, max_size=12)),
    st.tuples(st.just("record"), st.lists(reports(), min_size=1, max_size=12)),
    st.tuples(st.just("fold"), st.integers(1, 5)),
    st.tuples(st.just("fold"), st.just(1000)),
    st.tuples(st.just("prune"), moments),
    st.tuples(st.just("prune and keep"), moments),
    st.tuples(st.just("rebuild"), st.none()),
)


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int, dict[str, Any]]:
    """A window that cuts hours or does not, and what else is asked for."""
    first, last = sorted((draw(moments), draw(moments)))
    others = st.fixed_dictionaries(
        {},
        optional={
            "trigger_kinds": st.sampled_from([("schedule",), ("schedule", "unknown"), ()]),
            "engines": st.sampled_from([("engine",), ("nobody",)]),
            "workflow": st.sampled_from(["nightly", "(unknown)"]),
        },
    )
    start, end = NOON + first * clock.SECOND, NOON + last * clock.SECOND + draw(st.sampled_from([1, clock.SECOND]))
    return start, end, draw(others)


async def do(database: Database, action: str, given: Any, kept: list[dict[str, Any]]) -> None:
    if action == "record":
        await Ingestion(database, SEALER).record(events(given))
    elif action == "fold":
        await fold(database, given)
    elif action == "rebuild":
        assert await rebuild(database, fix=False) == 0
    else:
        before = NOON + given * clock.SECOND
        if action == "prune and keep":
            kept += await select(database, "executions", "status <> 0 AND queued_at < $1", before)
        await prune(database, before, keep_metrics=action == "prune and keep")


async def filter_of(database: Database, window: tuple[int, int, dict[str, Any]]) -> MetricsFilter:
    start, end, others = window
    wanted = dict(others)
    if (name := wanted.pop("workflow", None)) is not None:
        rows = await database.fetch("SELECT id FROM workflows WHERE name = $1", name)
        wanted["workflow_ids"] = tuple(row[0] for row in rows)
    return MetricsFilter.of(start=start, end=end, **wanted)


EVERYTHING: tuple[int, int, dict[str, Any]] = (NOON - (DAYS + 1) * clock.DAY, NOON + clock.HOUR, {})


@pytest.mark.slow
@slow_but_sure
@given(happening=st.lists(actions, max_size=12), asked=st.lists(windows(), min_size=1, max_size=3))
async def test_figures_are_those_of_the_rows(
    database: Database, happening: list[tuple[str, Any]], asked: list[tuple[int, int, dict[str, Any]]]
) -> None:
    await empty(database, *TABLES)
    kept: list[dict[str, Any]] = []
    for action, what in happening:
        await do(database, action, what, kept)
    for window in (*asked, EVERYTHING):
        await check(database, await filter_of(database, window), kept)
    assert await rebuild(database, fix=False) == 0
    while await fold(database, 3):
        pass
    for window in (*asked, EVERYTHING):
        await check(database, await filter_of(database, window), kept)
    assert await rebuild(database, fix=False) == 0


async def test_writers_and_folders_at_once(databases: list[Database]) -> None:
    """Sixteen writers of the same runs, two folders, one who prunes and one who rebuilds, and finds no difference."""
    database = databases[0]
    choice = random.Random(5)
    states = ("SUCCEEDED", "FAILED", "CANCELLED")
    given = []
    for number in range(120):
        subject, at = f"run-{number}", -choice.randint(0, 2 * 86_400)
        given.append(report("execution.queued", subject, at, workflow=f"workflow {number % 3}"))
        given.append(report("execution.started", subject, at + choice.randint(0, 9)))
        for take in range(choice.randint(0, 3)):
            state = choice.choice(states)
            given.append(report("execution.finished", subject, at + take + 9, f"end-{take}", state=state))
    given += choice.choices(given, k=100)
    choice.shuffle(given)
    ingestions = [Ingestion(one, SEALER) for one in databases]
    writing = True
    folds: list[int] = []

    async def write(number: int) -> None:
        share = given[number::16]
        while share:
            await ingestions[number % len(ingestions)].record(events(share[:3]))
            share = share[3:]

    async def fold_on(one: Database) -> None:
        while writing:
            folds.append(await fold(one, 7))
            await asyncio.sleep(0)

    async def prune_on() -> None:
        while writing:
            await prune(database, NOON - choice.randint(86_400, 3 * 86_400) * clock.SECOND, keep_metrics=False)
            await asyncio.sleep(0.01)

    differing: list[int] = []

    async def rebuild_on() -> None:
        while writing:
            differing.append(await rebuild(databases[-1], fix=len(differing) % 2 == 0))
            await asyncio.sleep(0)

    others = [asyncio.create_task(fold_on(databases[n % len(databases)])) for n in range(2)]
    others += [asyncio.create_task(prune_on()), asyncio.create_task(rebuild_on())]
    await asyncio.gather(*(write(number) for number in range(16)))
    await ContactSweep(database, 1e-6).sweep()
    writing = False
    await asyncio.gather(*others)
    assert sum(folds) > 0
    assert set(differing) == {0}
    everything = MetricsFilter.of(start=EVERYTHING[0], end=EVERYTHING[1])
    cut = MetricsFilter.of(start=NOON - 30 * clock.HOUR - 1, end=NOON - 7)
    for where in (everything, cut):
        await check(database, where)
    assert await rebuild(database, fix=False) == 0
    while await fold(database):
        pass
    for where in (everything, cut):
        await check(database, where)
    assert await rebuild(database, fix=False) == 0
