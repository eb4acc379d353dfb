"""What retention costs those who write and read meanwhile: latencies alone, and beside a turn that deletes.

`python -m benchmarks.bench_retention [--quick]`
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from app import executions
from app.db import Database, open_database
from app.db.migrate import migrate
from app.executions import ExecutionOrder
from app.executions.filters import ExecutionFilter
from app.ingestion import Ingestion
from app.paging import PageRequest
from app.retention import state
from app.retention.rules import Rules
from app.retention.turns import Turn
from benchmarks import reporting
from benchmarks.sample_events import decoded_runs
from specs.harness.servers import PostgresServer
from tests.sealing import SEALER

BATCH = 20
# Between two commits, and two pages, of somebody who neither waits nor hurries.
PAUSE = 0.01


async def latencies(work: Callable[[], Awaitable[object]], ended: asyncio.Event) -> list[float]:
    """Seconds of each call, one after the other, until the end."""
    found = []
    while not ended.is_set():
        began = time.perf_counter()
        await work()
        found.append(time.perf_counter() - began)
        await asyncio.sleep(PAUSE)
    return found


async def measure(url: str, runs: int) -> dict[str, list[float]]:
    """Latencies of commits and of pages, alone and beside a turn; and the runs that it deletes a second."""
    await migrate(url)
    database = await open_database(url)
    ingestion = Ingestion(database, SEALER)
    for number in range(runs // 200):
        await ingestion.record(decoded_runs(f"old-{number}", 200))
    found: dict[str, list[float]] = {}
    fresh = (decoded_runs(f"new-{number}", BATCH) for number in range(10**6))

    async def page() -> None:
        await executions.list_page(database, ExecutionFilter(), ExecutionOrder(), PageRequest(first=50))

    async def beside(name: str, work: Callable[[], Awaitable[object]]) -> None:
        ended = asyncio.Event()
        writing = asyncio.create_task(latencies(lambda: ingestion.record(next(fresh)), ended))
        reading = asyncio.create_task(latencies(page, ended))
        await work()
        ended.set()
        found[f"commit {name}"], found[f"page {name}"] = await writing, await reading

    began = time.perf_counter()
    await beside("beside a turn", lambda: deleted(database, runs // 2))
    seconds = time.perf_counter() - began
    await beside("alone", lambda: asyncio.sleep(seconds))
    found["deleted a second"] = [runs / 2 / seconds]
    await database.close()
    return found


async def deleted(database: Database, kept: int) -> None:
    """A turn, as a server takes it."""
    rules = Rules(executions=kept)
    await database.transaction(lambda tx: state.announce(tx, rules.text, 0, 0))
    await Turn(database, rules).run()


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer runs; keeps nothing.")] = False,
    save: Annotated[bool, typer.Option(help="Write results/retention.*")] = True,
) -> None:
    """Measure both databases."""
    runs = 4_000 if quick else 40_000
    machine, found = reporting.machine(), {}
    with tempfile.TemporaryDirectory() as folder, PostgresServer(own=True) as server:
        for name, url in (
            ("SQLite", f"sqlite:///{Path(folder) / 'bench.db'}"),
            ("Postgres", server.create_database("bench_retention")),
        ):
            found[name] = uvloop.run(measure(url, runs))
    rows = [
        (f"{name}, {what}", len(values), *(reporting.short(each * 1e3) for each in quantiles(values)))
        for name, every in found.items()
        for what, values in every.items()
        if what != "deleted a second"
    ]
    rates = ", ".join(f"{reporting.short(every['deleted a second'][0])} on {name}" for name, every in found.items())
    text = (
        "# What retention costs others\n\n"
        f"`./dev bench retention`: one process commits {BATCH} runs at a time and reads pages of 50, each with pauses"
        f" of {PAUSE * 1e3:g} ms, while a turn deletes half of {runs:,} runs, and then alone for as long. The turn"
        f" deletes {rates}, a second.\n\n{reporting.facts_text(machine)}\n\n"
        + reporting.table(("latency in ms", "number", "median", "p95", "p99"), rows)
        + "\n"
    )
    print(text)
    if save and not quick:
        reporting.write("retention", {"machine": machine, "runs": runs, "seconds": found}, text)


def quantiles(values: list[float]) -> tuple[float, float, float]:
    """Median, p95 and p99."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]


if __name__ == "__main__":
    typer.run(main)
