"""What an event does to the figures is written with it: nothing, a delta, or two of opposite signs."""

from __future__ import annotations

from typing import Any

import pytest

from app import clock
from app.db import Database
from app.executions.resolved_filters import MAX_BRANCHES
from app.ingestion import Ingestion
from app.lifecycle import Status
from app.metrics.figures import summary
from app.metrics.filters import MetricsFilter
from app.metrics.folding import fold
from app.metrics.workflows import Order, by_workflow
from tests.app.reports import NOON, events, report, row_of, select
from tests.sealing import SEALER

WHERE = MetricsFilter.of(start=NOON - clock.DAY, end=NOON + clock.DAY)


async def deltas(database: Database) -> list[dict[str, Any]]:
    return await select(database, "metric_deltas", "1 = 1 ORDER BY id")


async def test_a_run_counts_when_it_finishes(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events([report("execution.queued", workflow="nightly", trigger={"kind": "api"})]))
    await ingestion.record(events([report("execution.started", at=1)]))
    assert await deltas(database) == []
    assert (await summary(database, WHERE)).pending == 1
    finish = report("execution.finished", at=4, state="FAILED", error={"message": "m"})
    await ingestion.record(events([finish]))
    (delta,) = await deltas(database)
    row = await row_of(database)
    assert (delta["sign"], delta["kept"], delta["status"]) == (1, 0, Status.FAILURE)
    assert (delta["hour"], delta["duration"]) == (NOON - NOON % clock.HOUR, 3 * clock.SECOND)
    assert (delta["workflow_id"], delta["trigger_kind"]) == (row["workflow_id"], "api")
    assert delta["error_group_id"] == row["error_group_id"] is not None
    # The same again, and what changes nothing that is counted.
    await ingestion.record(events([finish, report("execution.heartbeat", at=9)]))
    assert len(await deltas(database)) == 1
    figures = await summary(database, WHERE)
    assert (figures.pending, figures.failed.count, figures.failed.duration_sum) == (0, 1, 3 * clock.SECOND)


async def test_a_correction_takes_back_what_it_corrects(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events([report("execution.finished", at=4, state="SUCCEEDED")]))
    await ingestion.record(events([report("execution.finished", at=5, state="CANCELLED")]))
    assert [(each["sign"], each["status"]) for each in await deltas(database)] == [
        (1, Status.SUCCESS),
        (-1, Status.SUCCESS),
        (1, Status.CANCELLED),
    ]
    # A start that comes late gives a duration; an earlier time of queueing moves it to another hour.
    await ingestion.record(events([report("execution.started", at=1)]))
    await ingestion.record(events([report("execution.queued", at=-3600)]))
    last = (await deltas(database))[3:]
    assert [(each["sign"], each["duration"]) for each in last] == [
        (-1, None),
        (1, 4_000_000),
        (-1, 4_000_000),
        (1, 4_000_000),
    ]
    assert last[2]["hour"] - last[3]["hour"] == clock.HOUR
    while await fold(database, 1):
        pass
    (stored,) = await select(database, "metric_rollups", "detail = 2 AND grain = 0")
    assert (stored["status"], stored["executions"], stored["start"]) == (Status.CANCELLED, 1, last[3]["hour"])


async def test_a_late_name_moves_the_figures(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events([report("execution.finished", at=4, state="SUCCEEDED")]))
    await fold(database)
    (unknown,) = await by_workflow(database, WHERE, Order.TOTAL, 10)
    await ingestion.record(events([report("execution.queued", workflow="nightly", trigger={"kind": "cron"})]))
    for _ in range(2):  # before the fold and after it
        (named,) = await by_workflow(database, WHERE, Order.TOTAL, 10)
        assert named.workflow.id == (await row_of(database))["workflow_id"] != unknown.workflow.id
        assert named.figures.succeeded.count == 1
        kinds = MetricsFilter.of(trigger_kinds=("cron",), start=WHERE.start, end=WHERE.end)
        assert (await summary(database, kinds)).total == 1
        await fold(database)
    assert len(await select(database, "metric_rollups", "detail = 0 AND grain = 0")) == 1


async def test_a_filter_of_many_workflows(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    for name in ("one", "two"):
        await ingestion.record(events([report("execution.finished", name, state="SUCCEEDED", at=1)]))
        await ingestion.record(events([report("execution.started", name, workflow=name)]))
    given = ((await row_of(database, "one"))["workflow_id"], *(f"{number:032x}" for number in range(MAX_BRANCHES)))
    where = MetricsFilter.of(workflow_ids=given, start=WHERE.start, end=WHERE.end)
    for _ in range(2):
        assert (await summary(database, where)).succeeded.count == 1
        await fold(database)


@pytest.mark.slow
async def test_runs_that_start_in_1970_overflow_nothing(database: Database) -> None:
    """10,000 of them have more µs in all than 64 bits hold."""
    ingestion = Ingestion(database, SEALER)
    for start in range(0, 10_000, 2_500):
        reports = []
        for number in range(start, start + 2_500):
            began = {**report("execution.started", f"run-{number}"), "time": "1970-01-01T00:00:00Z"}
            reports += [began, report("execution.finished", f"run-{number}", at=1, state="SUCCEEDED")]
        await ingestion.record(events(reports))
    where = MetricsFilter.of(start=0, end=clock.DAY)
    expected = 10_000 * (NOON + clock.SECOND)
    assert expected > 2**63
    for _ in range(3):
        figures = await summary(database, where)
        assert (figures.succeeded.count, figures.succeeded.duration_sum) == (10_000, expected)
        cut = MetricsFilter.of(start=0, end=clock.MINUTE)
        assert (await summary(database, cut, histograms=False)).succeeded.duration_sum == expected
        await fold(database)
