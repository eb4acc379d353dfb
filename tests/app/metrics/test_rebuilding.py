"""Rebuilding finds no difference, unless somebody made one; then it puts that right."""

from __future__ import annotations

import importlib

import pytest

from app import clock
from app.db import Database, Transaction
from app.db.ddl import WORDS
from app.ingestion import Ingestion
from app.metrics.figures import summary
from app.metrics.filters import MetricsFilter
from app.metrics.folding import fold
from app.metrics.rebuilding import rebuild
from app.retention.pruning import prune
from tests.app.metrics.oracle import check
from tests.app.reports import NOON, events, report, select
from tests.sealing import SEALER

WHERE = MetricsFilter.of(start=NOON - 40 * clock.DAY, end=NOON + clock.DAY)


async def fill(database: Database) -> None:
    """Thirty runs over three days and another one long before; some folded, some not."""
    ingestion = Ingestion(database, SEALER)
    for number in (*range(30), 300):
        subject, at = f"run-{number}", -number * 3 * 3600
        state = ("SUCCEEDED", "FAILED", "CANCELLED")[number % 3]
        reports = [report("execution.started", subject, at), report("execution.finished", subject, at + 9, state=state)]
        await ingestion.record(events(reports))
        if number == 20:
            await fold(database)


async def run(database: Database, sql: str) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.fetch(sql)

    await database.transaction(work)


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM metric_rollups WHERE grain = 1",
        "DELETE FROM metric_rollups WHERE detail = 2 AND grain = 0",
        "UPDATE metric_rollups SET executions = executions + 1 WHERE detail = 1",
        "UPDATE metric_rollups SET timed = 0",
        "UPDATE metric_rollups SET duration_micros = 7 WHERE grain = 0",
        "UPDATE metric_rollups SET histogram = (SELECT max(histogram) FROM metric_rollups r) WHERE status = 3",
        "UPDATE metric_rollups SET start = start - 864000000000",
        "DELETE FROM metric_error_groups",
        "UPDATE metric_error_groups SET failures = failures + 1 WHERE grain = 0",
        "DELETE FROM metric_deltas",
    ],
)
async def test_damaged_rows_are_corrected(database: Database, harm: str) -> None:
    await fill(database)
    assert await rebuild(database, fix=False) == 0
    before = await select(database, "metric_rollups", "1 = 1")
    if "histogram" in harm:  # all of them took the same time
        await run(database, "UPDATE executions SET duration = NULL WHERE status = 2")
        await rebuild(database)
    await run(database, harm)
    differing = await rebuild(database, fix=False)
    assert differing > 0
    days: list[int] = []
    assert await rebuild(database, progress=days.append) == differing
    assert days == sorted(set(days))
    assert all(day % clock.DAY == 0 for day in days)
    assert await rebuild(database, fix=False) == 0
    await check(database, WHERE)
    while await fold(database):
        pass
    await check(database, WHERE)
    assert await rebuild(database, fix=False) == 0
    assert before


async def test_kept_figures_stay(database: Database) -> None:
    await fill(database)
    await prune(database, NOON - clock.DAY)
    before = await summary(database, WHERE)
    assert before.total == 31
    assert await rebuild(database) == 0
    await fold(database)
    assert await rebuild(database) == 0
    await run(database, "DELETE FROM metric_rollups WHERE kept = 0")
    assert await rebuild(database) > 0
    assert await summary(database, WHERE) == before


async def test_executions_from_before_there_were_figures_count(database: Database) -> None:
    """The migration's last statement, on a database that has executions already."""
    await fill(database)
    await run(database, "DELETE FROM metric_deltas")
    await run(database, "DELETE FROM metric_rollups")
    await run(database, "DELETE FROM metric_error_groups")
    statement = importlib.import_module("app.migrations.0006_metrics").OPERATIONS[-1].sql
    assert "FROM executions" in statement
    await run(database, statement.format_map(WORDS[database.dialect]))
    await check(database, WHERE)
    assert await rebuild(database, fix=False) == 0
    await fold(database)
    await check(database, WHERE)


async def test_durations_below_zero_leave_the_figures_with_the_migration(database: Database) -> None:
    await fill(database)
    await run(database, "UPDATE executions SET duration = -60000000 WHERE status = 2")  # as clocks that disagree had it
    while await fold(database):
        pass
    assert await rebuild(database) > 0
    first, *rest = importlib.import_module("app.migrations.0016_time_marks").Migration.operations
    assert "time_marks" in first.sql
    for operation in rest:
        await run(database, operation.sql)
    await check(database, WHERE)
    assert await rebuild(database, fix=False) == 0
    while await fold(database):
        pass
    await check(database, WHERE)
    assert await rebuild(database, fix=False) == 0
