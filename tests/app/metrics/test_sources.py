"""What the one statement behind figures reads: as few rows as the database can make of them."""

from __future__ import annotations

from app import clock
from app.db import Database
from app.db.postgres_pools import CACHEABLE_STATEMENT
from app.metrics import sources
from app.metrics.figures import of_sampled
from app.metrics.filters import MetricsFilter
from app.metrics.histograms import BOUNDS, bucket_of
from app.metrics.windows import Bucket
from tests.factories import NOON, execution_row, insert_executions, record_statements

DURATION = BOUNDS[900]
WHERE = MetricsFilter.of(start=NOON, end=NOON + clock.MINUTE)


async def test_single_durations_come_by_their_bucket(database: Database) -> None:
    """An hour that a window cuts may have 30,000, each of them different."""
    given = [DURATION + number for number in range(60)]
    assert {bucket_of(duration) for duration in given} == {901}
    odd = [-5, 0, 1, DURATION - 1, BOUNDS[-2], 2**63 - 1, None]
    await insert_executions(database, *(execution_row(duration=each, queued_at=NOON + 1) for each in (*given, *odd)))
    for bucket in (None, Bucket.MINUTE, Bucket.HOUR):
        rows = await sources.read_sampled(database, WHERE, bucket)
        assert len(rows) == (6 if database.dialect == "postgres" else 67)
        (figures,) = of_sampled(rows).values()
        assert figures.succeeded.histogram.counts == {0: 2, 1: 1, 900: 1, 901: 60, bucket_of(BOUNDS[-2]): 2}


async def test_statements_are_kept_prepared(database: Database) -> None:
    """The bounds of all buckets are in them."""
    recorded = record_statements(database)
    where = MetricsFilter.of(("a" * 32,), None, ("kind",), NOON - 40 * clock.DAY + 1, NOON - 1)
    await sources.read_sampled(database, where, None)
    assert max(len(text) for text, _ in recorded) < CACHEABLE_STATEMENT
