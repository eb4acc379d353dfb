"""A report with a trend has the same figures as one without, which reads less."""

from __future__ import annotations

import random

import pytest

from app import clock
from app.db import Database
from app.errors import BadInput
from app.ingestion import Ingestion
from app.metrics.filters import MAX_WINDOW, MetricsFilter
from app.metrics.folding import fold
from app.metrics.report import report
from app.metrics.windows import MAX_BUCKETS, MAX_FITTING, Bucket
from tests.app import reports
from tests.app.metrics.oracle import SHARES, chosen, same
from tests.app.reports import NOON, events, select
from tests.databases import before_any_statement
from tests.factories import record_statements
from tests.sealing import SEALER

DAYS = 4


async def fill(database: Database) -> None:
    """200 runs of four days, a third of them folded."""
    choice, given = random.Random(3), []
    for number in range(200):
        subject, at = f"run-{number}", -choice.randint(5_000, DAYS * 86_400)
        trigger = {"kind": choice.choice(["schedule", "manual"])}
        given.append(reports.report("execution.queued", subject, at, workflow=f"w{number % 3}", trigger=trigger))
        if number % 7:
            given.append(reports.report("execution.started", subject, at + 1))
        if number % 10:
            state = choice.choice(["SUCCEEDED", "SUCCEEDED", "FAILED", "CANCELLED"])
            given.append(reports.report("execution.finished", subject, at + choice.randint(1, 5_000), state=state))
    await Ingestion(database, SEALER).record(events(given))
    await fold(database, 60)


WINDOWS = [
    MetricsFilter.of(start=NOON - 5 * clock.DAY, end=NOON + clock.DAY),
    MetricsFilter.of(start=NOON - 3 * clock.DAY - 7, end=NOON - 11 * clock.MINUTE),
    MetricsFilter.of(start=NOON - 6 * clock.HOUR, end=NOON, trigger_kinds=("manual",)),
    MetricsFilter.of(start=NOON - 200 * clock.DAY, end=NOON, engines=("engine",)),
    MetricsFilter.of(start=NOON - clock.DAY, end=NOON, engines=("nobody",)),
    MetricsFilter.of(start=NOON + clock.DAY, end=NOON + 2 * clock.DAY),
]


async def test_figures_are_the_same_with_and_without_points(database: Database) -> None:
    await fill(database)
    rows = await select(database, "executions", "1 = 1")
    engines = {row["id"]: row["name"] for row in await select(database, "engines", "1 = 1")}
    for where in WINDOWS:
        expected = chosen(rows, where, engines)
        alone = await report(database, where, None, points=False, histograms=True)
        assert alone.points == []
        same(alone.figures, expected)
        for bucket in (None, Bucket.HOUR, Bucket.THREE_HOURS, Bucket.DAY):
            if bucket is not None and bucket.count(where.start, where.end) > MAX_BUCKETS:
                continue
            found = await report(database, where, bucket, points=True, histograms=True)
            same(found.figures, expected)
            assert found.figures == alone.figures
            for share in SHARES:
                assert found.figures.ran.histogram.quantile(share) == alone.figures.ran.histogram.quantile(share)
            assert sum(point.figures.total for point in found.points) == len(expected)
            assert bucket is not None or len(found.points) <= MAX_FITTING
            plain = await report(database, where, bucket, points=True, histograms=False)
            assert (plain.figures, plain.points) == (found.figures, found.points)  # but for the histograms


async def test_unselected_parts_are_not_read(database: Database) -> None:
    where = MetricsFilter.of(start=NOON - 100 * clock.DAY, end=NOON - 10 * clock.DAY)
    for points in (True, False):
        for histograms in (True, False):
            recorded = record_statements(database)
            await report(database, where, None, points=points, histograms=histograms)
            ((text, _),) = recorded
            assert ("r.histogram" in text) is histograms
            assert (f"% {Bucket.fitting(where.start, where.end).value}" in text) is points
            del database.fetch


@before_any_statement
@pytest.mark.parametrize("points", [True, False])
@pytest.mark.parametrize(
    ("where", "bucket"),
    [
        (MetricsFilter.of(start=NOON - MAX_WINDOW, end=NOON), Bucket.HOUR),
        (MetricsFilter.of(start=NOON - 7 * clock.HOUR, end=NOON), Bucket.MINUTE),
    ],
)
async def test_too_many_buckets_are_refused_also_unseen(
    database: Database, points: bool, where: MetricsFilter, bucket: Bucket
) -> None:
    with pytest.raises(BadInput):
        await report(database, where, bucket, points=points, histograms=False)
