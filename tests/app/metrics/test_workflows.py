"""Pages of workflows with their figures: in every order, with trends and the window before."""

from __future__ import annotations

from typing import Any

import pytest

from app import clock
from app.db import Database
from app.errors import BadInput
from app.ingestion import Ingestion
from app.metrics.filters import MetricsFilter
from app.metrics.folding import fold
from app.metrics.report import report
from app.metrics.windows import Bucket
from app.metrics.workflows import Order, Parts, WorkflowFigures, list_page, matching
from app.paging import PageRequest
from app.time_zones import zone_of
from tests.app import reports
from tests.app.reports import NOON, events
from tests.sealing import SEALER

DAY = MetricsFilter.of(start=NOON - clock.DAY, end=NOON)
EVERYTHING = Parts(points=True, before=True, histograms=True)
# Runs of the day by workflow: how many succeeded and failed, how many seconds each took.
RUNS = {"a": (3, 1, 5), "b": (0, 2, 1), "c": (4, 0, 9), "d": (0, 0, 0), "e": (1, 1, 2), "f": (1, 1, 2)}


async def fill(database: Database) -> None:
    """Runs of six workflows, half of the hours folded; one of them ran only the day before, twice."""
    given: list[Any] = []

    def run(workflow: str, at: int, state: str, duration: int) -> None:
        subject = f"{workflow} {len(given)}"
        given.append(reports.report("execution.queued", subject, at, workflow=workflow))
        given.append(reports.report("execution.started", subject, at))
        given.append(reports.report("execution.finished", subject, at + duration, state=state))

    for workflow, (succeeded, failed, duration) in RUNS.items():
        for number in range(succeeded + failed):
            run(workflow, -60_000 + number * 7_000, "SUCCEEDED" if number < succeeded else "FAILED", duration)
    run("d", -100_000, "SUCCEEDED", 1)
    run("d", -110_000, "FAILED", 3)
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events(given[: len(given) // 2]))
    await fold(database, 60)
    await ingestion.record(events(given[len(given) // 2 :]))


def names(found: list[WorkflowFigures]) -> str:
    return "".join(each.workflow.name for each in found)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.FAILED, "b(aef)(cd)"),
        (Order.TOTAL, "(ac)(bef)d"),
        (Order.SUCCESS_RATE, "b(ef)acd"),
        (Order.AVERAGE_DURATION, "ca(ef)bd"),
        (Order.P95_DURATION, "ca(ef)bd"),
    ],
)
async def test_every_order_pages_from_either_end(database: Database, order: Order, expected: str) -> None:
    await fill(database)
    whole = (await list_page(database, DAY, order, None, PageRequest(first=10), Parts())).items
    found = names(whole)
    for group in expected.replace("(", ")").split(")"):  # ties are in the order of ids
        assert sorted(found[: len(group)]) == sorted(group), found
        found = found[len(group) :]
    for backward in (False, True):
        cursor: str | None = None
        seen: list[WorkflowFigures] = []
        while True:
            request = PageRequest(last=2, before=cursor) if backward else PageRequest(first=2, after=cursor)
            page = await list_page(database, DAY, order, None, request, Parts())
            seen = [*page.items, *seen] if backward else [*seen, *page.items]
            cursor = page.start_cursor if backward else page.end_cursor
            if not await (page.has_previous_page() if backward else page.has_next_page()):
                break
        assert seen == whole


async def test_trend_and_window_before_are_those_of_each_workflow_alone(database: Database) -> None:
    await fill(database)
    for zone in (None, zone_of("Asia/Kolkata")):
        for where in (DAY, MetricsFilter.of(start=NOON - 5 * clock.HOUR, end=NOON)):
            for bucket in (None, Bucket.HOUR):
                parts = Parts(bucket, zone, points=True, before=True, histograms=True)
                page = await list_page(database, where, Order.FAILED, None, PageRequest(first=10), parts)
                plain = Parts(bucket, zone, points=True)
                for each in page.items:
                    alone = await report(
                        database, where.of_workflow(each.workflow.id), bucket, zone, points=True, histograms=True
                    )
                    assert (each.figures, each.points) == (alone.figures, alone.points)
                    quantiles = [point.figures.ran.histogram.quantile(0.95) for point in alone.points]
                    assert [point.figures.ran.histogram.quantile(0.95) for point in each.points] == quantiles
                counts = await list_page(database, where, Order.FAILED, None, PageRequest(first=10), plain)
                assert [each.points for each in counts.items] == [each.points for each in page.items]
    page = await list_page(database, DAY, Order.TOTAL, "d", PageRequest(), EVERYTHING)
    (found,) = page.items
    assert found.before is not None
    assert (found.figures.total, found.before.succeeded.count, found.before.failed.count) == (0, 1, 1)


async def test_only_what_the_filter_names_and_the_search_finds(database: Database) -> None:
    await fill(database)
    (a,) = await matching(database, DAY, "A")
    for where, search, expected in [
        (DAY, None, "abcdef"),
        (DAY, "C", "c"),
        (DAY, "no such", ""),
        (MetricsFilter.of(workflow_ids=(a.id, "0" * 32)), None, "a"),
        (MetricsFilter.of(workflow_ids=(a.id,)), "b", ""),
        (MetricsFilter.of(workflow_ids=()), None, ""),
        (MetricsFilter.of(engines=("engine",)), None, "abcdef"),
        (MetricsFilter.of(engines=("other",)), None, ""),
        (MetricsFilter.of(trigger_kinds=("nothing",)), "a", "a"),
    ]:
        assert "".join(sorted(each.name for each in await matching(database, where, search))) == expected
        page = await list_page(database, where, Order.TOTAL, search, PageRequest(), EVERYTHING)
        assert "".join(sorted(names(page.items))) == expected
    page = await list_page(database, DAY, Order.TOTAL, None, PageRequest(first=1), Parts())
    for order in (Order.FAILED, Order.SUCCESS_RATE):
        with pytest.raises(BadInput, match="Invalid cursor"):
            await list_page(database, DAY, order, None, PageRequest(after=page.end_cursor), Parts())


async def test_window_that_began_before_1970_has_none_before_it(database: Database) -> None:
    await fill(database)
    where = MetricsFilter.of(start=clock.HOUR, end=clock.DAY)
    page = await list_page(database, where, Order.TOTAL, "a", PageRequest(), EVERYTHING)
    assert [each.before for each in page.items] == [None]
