"""What figures should be, counted in the plainest Python from the executions that the table has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from app import clock
from app.db import Database
from app.error_groups import counts, listing
from app.error_groups.listing import GroupFilter
from app.lifecycle import Status
from app.metrics import histograms
from app.metrics.figures import Figures, summary, summary_and_trend, trend
from app.metrics.filters import MetricsFilter
from app.metrics.windows import Bucket
from app.metrics.workflows import Order, by_workflow
from app.paging import PageRequest
from tests.app.reports import select

Rows = Sequence[dict[str, Any]]
SHARES = (0.5, 0.95, 0.99, 1.0)


def same(figures: Figures, rows: Rows) -> None:
    """Assert that the figures are those of exactly these rows: counts and sums exactly, percentiles within 2 %."""
    assert figures.total == len(rows)
    for status in Status:
        of = [row for row in rows if row["status"] == status]
        outcome = figures.of(status)
        assert outcome.count == len(of), status
        if status is Status.PENDING:
            continue
        durations = sorted(row["duration"] for row in of if row["duration"] is not None)
        assert (outcome.timed, outcome.duration_sum) == (len(durations), sum(durations)), status
        counts = Counter(map(histograms.bucket_of, durations))
        assert outcome.histogram.counts == counts, status
        for share in SHARES:
            close(outcome.histogram.quantile(share), durations, share)
    ran = sorted(row["duration"] for row in rows if row["status"] in (1, 2) and row["duration"] is not None)
    assert figures.ran.average == (sum(ran) / len(ran) if ran else None)
    close(figures.ran.histogram.quantile(0.95), ran, 0.95)


def close(found: int | None, durations: list[int], share: float) -> None:
    """Assert that a percentile is within 2 % of the one of all durations, in their order."""
    if not durations:
        assert found is None
        return
    true = max(durations[max(-int(-share * len(durations) // 1), 1) - 1], 0)
    assert found is not None
    assert abs(found - true) * 50 <= true


def chosen(rows: Rows, where: MetricsFilter, engines: dict[str, str]) -> Rows:
    """The rows that a filter means; `engines` has the names of engines by their ids."""
    wanted = where.executions
    return [
        row
        for row in rows
        if where.start <= row["queued_at"] < where.end
        and (wanted.workflow_ids is None or row["workflow_id"] in wanted.workflow_ids)
        and (wanted.trigger_kinds is None or row["trigger_kind"] in wanted.trigger_kinds)
        and (wanted.engines is None or engines[row["engine_id"]] in wanted.engines)
    ]


def counted(rows: Rows, kept: Rows, where: MetricsFilter, engines: dict[str, str]) -> Rows:
    """The rows that count in a window: those that there are, and in whole hours those that were kept."""
    hours = [row for row in kept if _whole_hour(row["queued_at"], where)]
    return [*chosen(rows, where, engines), *chosen(hours, where, engines)]


def _whole_hour(queued_at: int, where: MetricsFilter) -> bool:
    hour = queued_at - queued_at % clock.HOUR
    return where.start <= hour and hour + clock.HOUR <= where.end


async def check(database: Database, where: MetricsFilter, kept: Rows = ()) -> None:
    """Assert that every kind of figure of a window is that of the executions, and of those that were kept."""
    rows = await select(database, "executions", "1 = 1")
    engines = {row["id"]: row["name"] for row in await select(database, "engines", "1 = 1")}
    known = {row["error_group_id"] for row in rows}
    counting = counted(rows, kept, where, engines)
    same(await summary(database, where), counting)
    for bucket in Bucket:
        if bucket.value < clock.HOUR and where.end - where.start > 6 * clock.HOUR:
            continue
        whole, points = await summary_and_trend(database, where, bucket)
        same(whole, counting)
        assert points[0].start == where.start
        assert points[-1].end == where.end
        assert all(one.end == other.start for one, other in pairwise(points))
        expected = chosen(rows, where, engines) if bucket.value < clock.HOUR else counting
        for point in points:
            same(point.figures, [row for row in expected if point.start <= row["queued_at"] < point.end])
        same(Figures.together(point.figures for point in points), expected)
        plain = await trend(database, where, bucket, histograms=False)
        assert plain == points  # but for the histograms, which do not compare
    found = await by_workflow(database, where, Order.TOTAL, 100)
    assert {each.workflow.id for each in found} == {row["workflow_id"] for row in counting}
    for each in found:
        same(each.figures, [row for row in counting if row["workflow_id"] == each.workflow.id])
    failures = Counter(row["error_group_id"] for row in counting if row["error_group_id"] in known - {None})
    top = await counts.top(database, where, 100)
    assert top == sorted(failures.items(), key=lambda item: (item[1], item[0]), reverse=True)
    stored = Counter(row["error_group_id"] for row in chosen(rows, where, engines) if row["error_group_id"] is not None)
    page = await listing.list_page(database, GroupFilter(where), PageRequest(first=100))
    assert [(each.group.id, each.failures) for each in page.items] == sorted(
        stored.items(), key=lambda item: (item[1], item[0]), reverse=True
    )
    assert (await listing.count(database, GroupFilter(where))).value == len(stored)
