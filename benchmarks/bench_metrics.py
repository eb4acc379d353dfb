"""What figures cost: to read over a million executions, and to write while they are counted. Postgres.

    python -m benchmarks.bench_metrics           # keeps results/metrics.*
    python -m benchmarks.bench_metrics --quick   # a tenth of it, keeps nothing

All reads of a round, and both ways to write, are done in turn, in a new order each round; a ratio is of one round.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import asyncpg

from app import clock, executions
from app.changes.commits import Announcements
from app.db import Database, open_database, postgres_pools
from app.db.migrate import migrate
from app.error_groups import counts
from app.events import Event
from app.executions import ExecutionOrder, OrderField
from app.executions.filters import ExecutionFilter
from app.ingestion import Ingestion
from app.metrics import deltas
from app.metrics.figures import summary, trend
from app.metrics.filters import MetricsFilter
from app.metrics.folding import Folding
from app.metrics.rebuilding import rebuild
from app.metrics.windows import Bucket
from app.metrics.workflows import Order, by_workflow
from app.paging import PageRequest
from benchmarks import bench_graphql as graphql
from benchmarks import data, reporting
from benchmarks.graphql_cases import trend_cases
from benchmarks.reporting import Figure, short
from benchmarks.server_process import children, precise_cpu
from specs.harness.servers import PostgresServer
from tests.app.reports import events, report
from tests.sealing import SEALER

READ_PROMISE = 12.0  # times a page of 50
WRITE_PROMISE = 0.7  # of the throughput without rollups
WRITERS = 16
WARMING = 5
END = data.START + data.DAYS * data.DAY
# The window of a dashboard: it ends now, and cuts an hour at either end.
WINDOW = MetricsFilter.of(start=END - 30 * clock.DAY - 17 * clock.MINUTE, end=END - 17 * clock.MINUTE)
HOURLY, PAGE = "30 days by hour: counts and averages", "a page of 50"
WITH_P95 = "30 days by hour: with every p95"

_DELTAS = importlib.import_module("app.migrations.0006_metrics").OPERATIONS[-1].sql
_RAW = f"""
SELECT queued_at - queued_at % {clock.HOUR}, status, count(*), count(duration), sum(duration) FROM executions
WHERE queued_at >= $1 AND queued_at < $2 GROUP BY 1, 2
"""
_RAW_P95 = f"""
SELECT queued_at - queued_at % {clock.HOUR}, count(*), percentile_disc(0.95) WITHIN GROUP (ORDER BY duration)
FROM executions WHERE queued_at >= $1 AND queued_at < $2 AND status IN (1, 2) GROUP BY 1
"""

Read = Callable[[], Awaitable[object]]
Timed = dict[str, list[float]]


async def fill(url: str, count: int) -> dict[str, float]:
    """Executions, their deltas, and the rollups that the fold makes of those; what it took, in seconds."""
    await migrate(url)
    connection = await asyncpg.connect(url)
    await data.fill(connection, count)
    start = time.perf_counter()
    await connection.execute(_DELTAS)
    took = {"deltas of all, as the migration writes them": time.perf_counter() - start}
    database = await open_database(url)
    start = time.perf_counter()
    folded = await Folding(database).fold_all()
    took["to fold them"] = time.perf_counter() - start
    start = time.perf_counter()
    assert await rebuild(database, fix=False) == 0
    took["to check them (runwatch metrics rebuild --check)"] = time.perf_counter() - start
    await database.close()
    assert folded > count * 0.99
    await connection.execute("VACUUM (ANALYZE)")
    sizes = await connection.fetchrow(
        "SELECT count(*), pg_total_relation_size('metric_rollups') / 1e6 FROM metric_rollups"
    )
    await connection.close()
    return took | {"rows of rollups": sizes[0], "MB of rollups": float(sizes[1])}


def reads(database: Database) -> dict[str, Read]:
    """What is compared, by name."""
    order = ExecutionOrder(OrderField.QUEUED_AT, descending=True)

    async def page() -> object:
        return len((await executions.list_page(database, ExecutionFilter(), order, PageRequest(first=50))).items)

    async def with_p95() -> object:
        points = await trend(database, WINDOW, Bucket.HOUR)
        return [point.figures.ran.histogram.quantile(0.95) for point in points]

    async def workflows() -> object:
        found = await by_workflow(database, WINDOW, Order.FAILED, 20)
        return [each.figures.ran.histogram.quantile(0.95) for each in found]

    async def whole() -> object:
        return (await summary(database, WINDOW)).ran.histogram.quantile(0.95)

    kinds = MetricsFilter.of(trigger_kinds=("api", "manual"), start=WINDOW.start, end=WINDOW.end)
    busiest = _busiest(database)

    async def of_one() -> object:
        where = MetricsFilter.of(workflow_ids=(await busiest,), start=WINDOW.start, end=WINDOW.end)
        return await trend(database, where, Bucket.HOUR, histograms=False)

    return {
        PAGE: page,
        HOURLY: lambda: trend(database, WINDOW, Bucket.HOUR, histograms=False),
        WITH_P95: with_p95,
        "30 days by hour of one workflow": of_one,
        "30 days by hour of two trigger kinds": lambda: trend(database, kinds, Bucket.HOUR, histograms=False),
        "30 days as one, with p95": whole,
        "30 days by day, with histograms": lambda: trend(database, WINDOW, Bucket.DAY),
        "30 days by workflow, with p95": workflows,
        "30 days: top error groups": lambda: counts.top(database, WINDOW, 10),
        "GROUP BY hour and status over the executions": lambda: database.fetch(_RAW, WINDOW.start, WINDOW.end),
        "p95 by hour over the executions": lambda: database.fetch(_RAW_P95, WINDOW.start, WINDOW.end),
    }


def _busiest(database: Database) -> asyncio.Future[str]:
    """The id of the busiest workflow."""

    async def find() -> str:
        rows = await database.fetch("SELECT id FROM workflows WHERE name = 'workflow-001'")
        return str(rows[0][0])

    return asyncio.ensure_future(find())


async def measure_reads(url: str, rounds: int) -> Timed:
    """Milliseconds of each read in each round."""
    database = await open_database(url)
    every = reads(database)
    took: Timed = {name: [] for name in every}
    names = list(every)
    for number in range(-WARMING, rounds):
        random.shuffle(names)
        for name in names:
            start = time.perf_counter()
            await every[name]()
            if number >= 0:
                took[name].append((time.perf_counter() - start) * 1000)
    await database.close()
    return took


async def end_what_is_pending(url: str) -> None:
    """Delete it: the endpoint written by hand reads rollups alone."""
    connection = await asyncpg.connect(url)
    await connection.execute("DELETE FROM executions WHERE status = 0")
    await connection.execute("VACUUM (ANALYZE) executions")
    await connection.close()


def measure_requests(url: str, database_cpu: Callable[[], float], rounds: int) -> graphql.Found:
    """CPU of the trend of 720 whole hours over HTTP, and of an endpoint by hand that gives the same bytes."""
    asyncio.run(end_what_is_pending(url))
    end = END - END % clock.HOUR
    asked = trend_cases(*(clock.to_rfc3339(edge) for edge in (end - 30 * clock.DAY, end)))
    with graphql.ways(url, database_cpu, {}) as (ways, token):
        return graphql.measure(ways, token, rounds, 48, asked)


async def finish(database: Database, name: str, runs: int, *, counted: bool) -> float:
    """Runs of one workflow finished by 16 writers, each in a transaction; how many a second."""
    folder = Folding(database)
    ingestion = Ingestion(database, SEALER, Announcements([folder.on_commit] if counted else []))
    subjects = [f"{name}-{number}" for number in range(runs)]
    begun = [report("execution.started", subject, workflow="hot", trigger={"kind": "api"}) for subject in subjects]
    for start in range(0, runs, 500):
        await ingestion.record(events(begun[start : start + 500]))
    endings = [events([report("execution.finished", subject, at=5, state="SUCCEEDED")]) for subject in subjects]
    append = deltas.append

    async def nothing(*_: Any) -> None:
        """In place of the deltas."""

    async def write(share: Sequence[Sequence[Event]]) -> None:
        for one in share:
            await ingestion.record(one)

    if counted:
        await folder.start()
    else:
        deltas.append = nothing  # type: ignore[assignment]
    try:
        start_time = time.perf_counter()
        await asyncio.gather(*(write(endings[number::WRITERS]) for number in range(WRITERS)))
        took = time.perf_counter() - start_time
    finally:
        deltas.append = append
        await folder.close()
    await folder.fold_all()
    return runs / took


async def measure_writes(url: str, rounds: int, runs: int) -> Timed:
    """Runs finished a second, by way, in each round."""
    postgres_pools.POOL_SIZE = WRITERS + 2
    await migrate(url)
    database = await open_database(url)
    tps: Timed = {"with rollups": [], "without": []}
    names = list(tps)
    for number in range(-1, rounds):
        random.shuffle(names)
        for name in names:
            found = await finish(database, f"{name}-{number}", runs, counted=name == "with rollups")
            if number >= 0:
                tps[name].append(found)
    await database.close()
    return tps


def text_of(facts: dict[str, Any], filled: dict[str, float], took: Timed, requests: str, tps: Timed, count: int) -> str:
    """The report."""
    ratios = {name: reporting.ratio(values, took[PAGE]) for name, values in took.items()}
    share = reporting.ratio(tps["with rollups"], tps["without"])
    rows = [(name, Figure.of(values), ratios[name]) for name, values in took.items()]
    return "\n".join(
        [
            "# What figures cost\n",
            f"`./dev bench metrics`: {count:,} executions of {data.WORKFLOWS} workflows over {data.DAYS} days, all in"
            " memory; the window of 30 days cuts an hour at either end. Median (quartiles); ratios are of one round.\n",
            f"- {reporting.facts_text(facts['machine'])}",
            f"- Postgres for reads: {reporting.facts_text(facts['postgres'])}",
            f"- Postgres for writes: {reporting.facts_text(facts['durable'])}\n",
            f"**30 days by hour: {ratios[HOURLY].median:.1f} × a page of 50**; promised: {READ_PROMISE:.0f}. With the"
            f" p95 of each hour, most of which are remembered: {ratios[WITH_P95].median:.1f} ×.",
            f"**{WRITERS} writers keep {share.median:.0%}** of their throughput; promised: {WRITE_PROMISE:.0%}.\n",
            "## Reads\n",
            reporting.table(("read", "ms", "× a page"), rows),
            f"{requests}\n",
            "## Writes\n",
            f"{WRITERS} writers finish runs of one workflow and hour, a transaction each; their process folds.\n",
            reporting.table(
                ("", "a second"), [*((name, Figure.of(values)) for name, values in tps.items()), ("ratio", share)]
            ),
            "## Rollups\n",
            reporting.table(("what", "s, or as named"), [(name, short(value)) for name, value in filled.items()]),
        ]
    )


def main() -> int:
    """Measure, report; 1 when a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    count, rounds, runs = (100_000, 10, 500) if quick else (1_000_000, 60, 3_000)
    random.seed(1)
    facts: dict[str, Any] = {"machine": reporting.machine() | {"rounds": rounds}}
    with PostgresServer(own=True, shared_buffers="2GB") as server:
        url = server.create_database("metrics")
        facts["postgres"] = asyncio.run(reporting.postgres_facts(url))
        filled = asyncio.run(fill(url, count))
        took = asyncio.run(measure_reads(url, rounds))
        pid = server.pid
        assert pid is not None
        found = measure_requests(url, lambda: sum(map(precise_cpu, children(pid))), 3 if quick else 9)
        requests, requests_text = graphql.report("30 days by hour over HTTP", found)
    with PostgresServer(own=True, durable=True) as server:
        url = server.create_database("writes")
        facts["durable"] = asyncio.run(reporting.postgres_facts(url))
        tps = asyncio.run(measure_writes(url, 3 if quick else 8, runs))
    text = text_of(facts, filled, took, requests_text, tps, count)
    if not quick:
        figures = {"ms": {name: Figure.of(values).median for name, values in took.items()}, "a second": tps}
        figures["over HTTP"] = requests
        reporting.write("metrics", facts | {"filled": filled} | figures, text)
    print(text)
    hourly = reporting.ratio(took[HOURLY], took[PAGE]).median
    kept = reporting.ratio(tps["with rollups"], tps["without"]).median
    return int(hourly > READ_PROMISE or kept < WRITE_PROMISE)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
