"""What each index costs ingest: the CPU of Postgres for storing runs with all indexes, and without one of them.

`python -m benchmarks.bench_indexes [--quick]`
"""

from __future__ import annotations

from typing import Annotated, Any

import asyncpg
import typer
import uvloop

from app.db import open_database
from app.db.migrate import migrate
from app.db.postgres_pools import prepare_connection
from benchmarks import reporting
from benchmarks.bench_store import BATCH, TABLES
from benchmarks.reporting import Figure
from benchmarks.sample_events import EVENTS_A_RUN, decoded_runs
from benchmarks.server_process import precise_cpu
from benchmarks.store_ways import Prepared, copy_postgres, prepare
from specs.harness.servers import PostgresServer

_INDEXES = """
SELECT indexrelid::regclass::text, indrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid::regclass::text = ANY($1::text[]) AND NOT indisunique ORDER BY 2, 1
"""
ALL, NONE = "all indexes", "unique ones alone"


async def measure(url: str, rounds: int, batches: int) -> dict[str, list[float]]:
    """Postgres's CPU in µs a run, with all indexes, without each, and with the unique ones alone."""
    await migrate(url)
    database = await open_database(url)
    connection = await asyncpg.connect(url)
    await prepare_connection(connection)
    prepared = [await prepare(database, decoded_runs(f"run-{number}", BATCH)) for number in range(batches)]
    await database.close()
    indexes = await connection.fetch(_INDEXES, list(TABLES))
    found: dict[str, list[float]] = {ALL: [], **{name: [] for name, _, _ in indexes}, NONE: []}
    await _once(connection, prepared)
    for _ in range(rounds):
        for name, _, definition in indexes:
            found[ALL].append(await _once(connection, prepared))
            await connection.execute(f"DROP INDEX {name}")
            found[name].append(await _once(connection, prepared))
            await connection.execute(definition)
        for name, _, _ in indexes:
            await connection.execute(f"DROP INDEX {name}")
        found[NONE].append(await _once(connection, prepared))
        for _, _, definition in indexes:
            await connection.execute(definition)
    await connection.close()
    return found


async def _once(connection: asyncpg.Connection[Any], prepared: list[Prepared]) -> float:
    await connection.execute(f"TRUNCATE {', '.join(TABLES)}")
    pid = connection.get_server_pid()
    before = precise_cpu(pid)
    await copy_postgres(connection)(prepared)
    return (precise_cpu(pid) - before) / sum(len(batch.ids) for batch in prepared) * 1e6


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and shorter rounds.")] = False,
    save: Annotated[bool, typer.Option(help="Write results/indexes.*")] = True,
) -> None:
    """Measure the cost of each index."""
    sizes = {"rounds": 3, "batches": 4} if quick else {"rounds": 15, "batches": 8}
    machine = reporting.machine()
    with PostgresServer(own=True, shared_buffers="1GB", settings={"max_wal_size": "2GB"}) as server:
        found = uvloop.run(measure(server.create_database("bench_indexes"), **sizes))
    every = Figure.of(found[ALL]).median
    rows = [
        (name, Figure.of(values), reporting.short(every - Figure.of(values).median)) for name, values in found.items()
    ]
    text = (
        "# What each index costs\n\n"
        f"`./dev bench indexes`: Postgres's CPU for a run of {EVENTS_A_RUN} events, {BATCH} a transaction, by COPY into"
        " empty tables: with all indexes, without the one named, and without all that are not unique. Median"
        f" (quartiles) of {sizes['rounds']} rounds of {sizes['batches'] * BATCH} runs. pg_trgm is not among the"
        f" extensions of this Postgres, so the index of the search is not there.\n\n{reporting.facts_text(machine)}\n\n"
        + reporting.table(("without", "µs a run", "saves"), rows)
        + "\n"
    )
    print(text)
    if save:
        reporting.write("indexes", {"machine": machine, "sizes": sizes, "cpu_us": found}, text)


if __name__ == "__main__":
    typer.run(main)
