"""What is pruned counts on, or is taken away, as the setting says."""

from __future__ import annotations

import pytest

from app import clock
from app.db import Database
from app.error_groups import counts
from app.ingestion import Ingestion
from app.metrics.figures import summary, summary_and_trend
from app.metrics.filters import MetricsFilter
from app.metrics.folding import fold
from app.metrics.windows import Bucket
from app.retention.pruning import prune
from tests.app.reports import NOON, events, report, select
from tests.sealing import SEALER

HOUR = NOON - NOON % clock.HOUR
WHERE = MetricsFilter.of(start=HOUR, end=HOUR + clock.HOUR)
REPORTS = [
    report("execution.finished", "good", at=1, state="SUCCEEDED"),
    report("execution.finished", "bad", at=1, state="FAILED", error={"message": "m"}),
    report("execution.finished", "worse", at=2, state="FAILED", error={"message": "m"}),
    report("execution.started", "lost"),
]


@pytest.mark.parametrize("folded_before", [True, False])
async def test_kept(database: Database, folded_before: bool) -> None:
    await Ingestion(database, SEALER).record(events(REPORTS))
    if folded_before:
        await fold(database)
    before = await summary(database, WHERE)
    assert (before.succeeded.count, before.failed.count, before.pending) == (1, 2, 1)
    assert await prune(database, NOON + 2 * clock.SECOND) == 2
    for _ in range(2):
        assert await summary(database, WHERE) == before
        # Within the hour there is nothing but the executions to count from.
        whole, minutes = await summary_and_trend(database, WHERE, Bucket.MINUTE)
        assert sum(point.figures.total for point in minutes) == 2
        assert whole == before
        # A group counts on while one of its failures is left.
        assert [number for _, number in await counts.top(database, WHERE, 5)] == [2]
        await fold(database)
    assert {row["kept"] for row in await select(database, "metric_rollups", "1 = 1")} == {0, 1}
    await prune(database, NOON + clock.MINUTE)
    assert await summary(database, WHERE) == before
    assert await counts.top(database, WHERE, 5) == []


@pytest.mark.parametrize("folded_before", [True, False])
async def test_taken_away(database: Database, folded_before: bool) -> None:
    await Ingestion(database, SEALER).record(events(REPORTS))
    if folded_before:
        await fold(database)
    assert await prune(database, NOON + clock.MINUTE, keep_metrics=False) == 3
    for _ in range(2):
        figures = await summary(database, WHERE)
        assert (figures.total, figures.pending) == (1, 1)
        await fold(database)
    assert await select(database, "metric_rollups", "1 = 1") == []
    assert await select(database, "metric_error_groups", "1 = 1") == []
