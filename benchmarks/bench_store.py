"""How fast merged runs are stored: row by row, by Tortoise's bulk_create, and our way.

`python -m benchmarks.bench_store [--quick] [--database sqlite|postgres]`
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import aiosqlite
import asyncpg
import typer
import uvloop
from tortoise import Tortoise

from app.db import open_database
from app.db.config import MODULES, SQLITE_PRAGMAS, tortoise_config
from app.db.migrate import migrate
from app.db.postgres_pools import POOL_SIZE, _leave_as_is, prepare_connection
from app.ingestion import Ingestion
from app.server.garbage import FULL, MIDDLE, YOUNG
from benchmarks import reporting, store_ways
from benchmarks.reporting import Figure
from benchmarks.sample_events import EVENTS_A_RUN, LOG_LINES, STEPS, decoded_runs
from benchmarks.store_ways import Prepared, Way, prepare
from specs.harness.servers import PostgresServer
from tests.sealing import SEALER

BATCH = 500
TABLES = ("executions", "execution_payloads", "steps", "step_payloads", "log_entries", "execution_revisions")
ROWS = {"executions": 1, "execution_payloads": 1, "steps": STEPS, "step_payloads": STEPS, "log_entries": LOG_LINES}

ROW_BY_ROW = "row by row"
BULK_CREATE = "bulk_create"
RECORD = "ours, from events"
INSERT = "ours, from merged facts"
COPY = "binary COPY of the same rows"


class Store:
    """One database and what empties it."""

    def __init__(
        self,
        empty: Callable[[], Awaitable[None]],
        count: Callable[[str], Awaitable[int]],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self.empty = empty
        self.count = count
        self.close = close
        self.ways: dict[str, Way] = {}


async def _postgres(url: str) -> Store:
    connection = await asyncpg.connect(url)

    async def empty() -> None:
        await connection.execute(f"TRUNCATE {', '.join(TABLES)}")
        await connection.execute("CHECKPOINT")

    store = Store(empty, lambda table: connection.fetchval(f"SELECT count(*) FROM {table}"), connection.close)
    store.ways[ROW_BY_ROW] = store_ways.row_by_row_postgres(connection)
    store.ways[COPY] = store_ways.copy_postgres(connection)
    return store


async def _sqlite(url: str) -> Store:
    connection = await aiosqlite.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for name, value in SQLITE_PRAGMAS.items():
        await connection.execute(f"PRAGMA {name} = {value}")

    async def empty() -> None:
        for table in TABLES:
            await connection.execute(f"DELETE FROM {table}")
        await connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    async def count(table: str) -> int:
        [[found]] = await connection.execute_fetchall(f"SELECT count(*) FROM {table}")
        return int(found)

    store = Store(empty, count, connection.close)
    store.ways[ROW_BY_ROW] = store_ways.row_by_row_sqlite(connection)
    return store


async def measure(url: str, *, rounds: int, batches: int, slow_runs: int) -> dict[str, dict[str, list[float]]]:
    """Runs a second and microseconds of this process's CPU a run, of each way in each round."""
    await migrate(url)
    database = await open_database(url)
    # Of the same size and with the same settings as ours, down to the codec of ids.
    MODULES["bench"] = {"models": ["benchmarks.models"], "default_connection": "default"}
    config = tortoise_config(url)
    if database.dialect == "postgres":
        options = {"init": prepare_connection, "reset": _leave_as_is, "minsize": 1, "maxsize": POOL_SIZE}
        config["connections"]["default"]["credentials"] |= {**options, "server_settings": {"jit": "off"}}
    await Tortoise.init(config=config)
    store = await (_postgres(url) if database.dialect == "postgres" else _sqlite(url))
    store.ways |= {
        BULK_CREATE: store_ways.bulk_create,
        RECORD: store_ways.our_record(Ingestion(database, SEALER)),
        INSERT: store_ways.our_insert(database),
    }
    many = [await prepare(database, decoded_runs(f"run-{number}", BATCH)) for number in range(batches)]
    few = [await prepare(database, decoded_runs("few", slow_runs))]
    work: dict[str, Sequence[Prepared]] = {name: few if name == ROW_BY_ROW else many for name in store.ways}
    for name, way in store.ways.items():  # once unmeasured: statements are prepared, pools filled, names registered
        await _once(store, way, work[name][:1])
    found: dict[str, dict[str, list[float]]] = {name: {"runs_per_s": [], "cpu_us": []} for name in store.ways}
    for number in range(rounds):
        names = list(store.ways)
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            seconds, cpu = await _once(store, store.ways[name], work[name])
            runs = sum(len(batch.ids) for batch in work[name])
            found[name]["runs_per_s"].append(runs / seconds)
            found[name]["cpu_us"].append(cpu / runs * 1e6)
    await Tortoise.close_connections()
    await database.close()
    await store.close()
    return found


async def _once(store: Store, way: Way, batches: Sequence[Prepared]) -> tuple[float, float]:
    await store.empty()
    # As a server does: what lives as long as the process is not looked at again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, FULL)
    started, cpu = time.perf_counter(), time.process_time()
    await way(batches)
    spent, cpu = time.perf_counter() - started, time.process_time() - cpu
    runs = sum(len(batch.ids) for batch in batches)
    for table, a_run in ROWS.items():
        rows = await store.count(table)
        assert rows == runs * a_run, f"{table} has {rows} rows of {runs * a_run}"
    assert await store.count("execution_revisions") == runs
    return spent, cpu


def report(name: str, facts: dict[str, Any], found: dict[str, dict[str, list[float]]]) -> tuple[dict[str, Any], str]:
    """The figures of one database as data and as Markdown."""
    base = found[BULK_CREATE]["runs_per_s"]
    rows, data = [], {}
    for way, figures in found.items():
        rate, cpu = Figure.of(figures["runs_per_s"]), Figure.of(figures["cpu_us"])
        times = reporting.ratio(figures["runs_per_s"], base)
        rows.append((way, rate, times, cpu))
        data[way] = {"runs_per_s": rate, "times_bulk_create": times, "client_cpu_us_per_run": cpu}
    least = ""
    if COPY in found:
        times = reporting.ratio(found[COPY]["runs_per_s"], found[RECORD]["runs_per_s"])
        least = f"\nFrom events takes {times} times as long as COPY."
    head = ("way", "runs a second", "× bulk_create", "client CPU, µs a run")
    text = f"## {name}\n\n{reporting.facts_text(facts)}\n\n{reporting.table(head, rows)}{least}"
    return {"facts": facts, "ways": data}, text


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and shorter rounds.")] = False,
    database: Annotated[str | None, typer.Option(help="postgres or sqlite; both by default.")] = None,
    save: Annotated[bool, typer.Option(help="Write results/store.*")] = True,
) -> None:
    """Compare ways to store runs."""
    sizes = {"rounds": 3, "batches": 2, "slow_runs": 100} if quick else {"rounds": 9, "batches": 4, "slow_runs": 300}
    machine = reporting.machine()
    data: dict[str, Any] = {"machine": machine, "sizes": sizes}
    texts = [
        "# Storing runs\n",
        f"Merged runs with {STEPS} steps and {LOG_LINES} log lines each ({EVENTS_A_RUN} events, 14 rows), {BATCH} a"
        " transaction (row by row: one run a transaction), into empty tables with all their indexes. Medians of"
        f" {sizes['rounds']} rounds of {sizes['batches'] * BATCH} runs (row by row: {sizes['slow_runs']}), in turn; in"
        " brackets the quartiles; ratios are of the same round. Row by row and bulk_create are given finished rows;"
        " ours makes ids and rows while measured, and from events also merges them and looks for stored runs.\n",
        reporting.facts_text(machine) + "\n",
    ]
    for name in [database] if database else ["postgres", "sqlite"]:
        facts, found = _measured(name, sizes)
        data[name], text = report(name, facts, found)
        texts.append(text)
        print(text, flush=True)
    if save:
        reporting.write("store", data, "\n".join(texts))


def _measured(name: str, sizes: dict[str, int]) -> tuple[dict[str, Any], dict[str, dict[str, list[float]]]]:
    if name == "postgres":
        with PostgresServer(durable=True, shared_buffers="1GB") as server:
            url = server.create_database("bench_store")
            facts = asyncio.run(reporting.postgres_facts(url))
            return facts, uvloop.run(measure(url, **sizes))
    folder = Path(tempfile.mkdtemp(prefix="runwatch-bench-"))
    try:
        facts = {name: str(value) for name, value in SQLITE_PRAGMAS.items()}
        return facts, uvloop.run(measure(f"sqlite:///{folder / 'bench.db'}", **sizes))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    typer.run(main)
