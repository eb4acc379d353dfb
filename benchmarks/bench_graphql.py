"""GraphQL reads beside an endpoint written by hand over the same tables, which answers with the same bytes.

`python -m benchmarks.bench_graphql [--quick] [--database sqlite|postgres] [--compare reference]`
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import orjson
import typer
import uvloop

from benchmarks import data, reporting
from benchmarks.graphql_cases import LINES, STEPS, Case, cases
from benchmarks.http_client import ask_again, request
from benchmarks.reporting import Figure, short
from benchmarks.server_process import (
    ROOT,
    UNLIMITED,
    ServerProcess,
    children,
    precise_cpu,
    resident_kb,
    running,
    runwatch,
)
from specs.harness.servers import PostgresServer

SERVE = ("-m", "app.cli", "serve", "--host", "127.0.0.1", "--port", "{port}")
FLOOR = (
    *("-m", "uvicorn", "benchmarks.graphql_floor:app", "--loop", "uvloop", "--http", "httptools"),
    *("--host", "127.0.0.1", "--port", "{port}", "--no-access-log", "--log-level", "error"),
)
COPIED = ("engines", "workflows", "executions", "steps", "log_entries")
DETAIL = "01890000000070008000000000000001"

# The steps and the log of one execution more, older than all.
_DETAIL = f"""
INSERT INTO executions SELECT (jsonb_populate_record(e, jsonb_build_object('id', '{DETAIL}', 'external_id', 'detail',
  'queued_at', {data.START} - 60000000, 'log_count', {LINES}))).* FROM executions e WHERE state = 5 LIMIT 1;
INSERT INTO steps (execution_id, step_index, name, kind, state, started_at, finished_at, state_key, name_key,
    error_message)
  SELECT '{DETAIL}', n, 'step-' || n, 'tool', CASE WHEN n = 6 THEN 5 ELSE 4 END, {data.START} + n * 1000000,
    {data.START} + n * 1000000 + 654321, '1', '1', CASE WHEN n = 6 THEN 'exited with code 1' END
  FROM generate_series(0, {STEPS - 1}) n;
INSERT INTO log_entries (execution_id, sequence, event_key, at, level, step_index, message, message_bytes)
  SELECT '{DETAIL}', n, md5(n::text)::uuid, {data.START} + n * 250000, 2, n % 8, 'line ' || n || ' of the log', 16
  FROM generate_series(1, {LINES}) n;
"""
# What a server would do in the background, at 1,000 executions a second, while others are measured.
_INDEXED = (
    "UPDATE executions SET search_number = rowid WHERE status > 0",
    "INSERT INTO execution_trigrams (rowid, text)"
    " SELECT search_number, search_text FROM executions WHERE search_number IS NOT NULL",
)


@dataclass(frozen=True, slots=True)
class Way:
    """A server, the path to ask, and what CPU counts for it."""

    name: str
    server: ServerProcess
    path: Callable[[Case], str]
    cpu: Callable[[], float]


async def fill(url: str, executions: int) -> None:
    """Fill a migrated database."""
    connection = await asyncpg.connect(url)
    try:
        await data.fill(connection, executions)
        await connection.execute(_DETAIL)
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()


async def copy(url: str, path: Path) -> None:
    """Copy the tables that are read into a migrated file of SQLite."""
    connection = await asyncpg.connect(url)
    into = sqlite3.connect(path)
    try:
        for table in COPIED:
            async with connection.transaction():
                rows = connection.cursor(f"SELECT * FROM {table}", prefetch=5_000)
                batch: list[tuple[Any, ...]] = []
                async for row in rows:
                    batch.append(tuple(getattr(value, "hex", value) for value in row.values()))
                    names = tuple(row.keys())
                marks = ", ".join("?" * len(names))
                into.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", batch)
        for statement in _INDEXED:
            into.execute(statement)
        into.execute("ANALYZE")
        into.commit()
    finally:
        into.close()
        await connection.close()


@contextmanager
def databases(executions: int, wanted: list[str]) -> Iterator[dict[str, tuple[str, Callable[[], float]]]]:
    """The URL of each filled database, and the CPU that it has spent beside its clients."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runwatch-bench-")))
        postgres = stack.enter_context(PostgresServer(own=True, shared_buffers="2GB", settings={"max_wal_size": "2GB"}))
        url = postgres.create_database("bench_graphql")
        runwatch("migrate", environment={"RUNWATCH_DATABASE_URL": url, "RUNWATCH_DATA_DIR": str(folder)})
        asyncio.run(fill(url, executions))
        pid = postgres.pid
        assert pid is not None
        found: dict[str, tuple[str, Callable[[], float]]] = {}
        if "postgres" in wanted:
            found["postgres"] = (url, lambda: sum(map(precise_cpu, children(pid))))
        if "sqlite" in wanted:
            path = folder / "bench.db"
            file = f"sqlite:///{path}"
            runwatch("migrate", environment={"RUNWATCH_DATABASE_URL": file, "RUNWATCH_DATA_DIR": str(folder)})
            asyncio.run(copy(url, path))
            found["sqlite"] = (file, float)
        yield found


@contextmanager
def ways(
    url: str, database_cpu: Callable[[], float], others: dict[str, tuple[dict[str, str], Path]]
) -> Iterator[tuple[list[Way], str]]:
    """The servers over one database, and a token."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="runwatch-bench-"))
        settings = {
            "RUNWATCH_DATABASE_URL": url,
            "RUNWATCH_DATA_DIR": folder,
            "RUNWATCH_LOG_FORMAT": "json",
            **UNLIMITED,
        }
        # The runs under way are old: nothing may change meanwhile.
        settings["RUNWATCH_CONTACT_LOST_SECONDS"] = "1e9"
        token = runwatch("token", "create", "--role", "admin", "--name", "bench", environment=settings)
        found = []
        servers: dict[str, tuple[dict[str, str], Path]] = {"runwatch": ({}, ROOT), **others}
        for name, (more, tree) in servers.items():
            server = stack.enter_context(running(SERVE, {**settings, **more}, tree))
            found.append(Way(name, server, lambda _: "/graphql", _cpu(server, database_cpu)))
        floor = stack.enter_context(running(FLOOR, {"FLOOR_DATABASE": url}))
        found.append(Way("by hand", floor, lambda case: f"/{case.name}", _cpu(floor, database_cpu)))
        found.append(Way("by hand, full", floor, lambda case: f"/full/{case.name}", _cpu(floor, database_cpu)))
        yield found, token


def _cpu(server: ServerProcess, database_cpu: Callable[[], float]) -> Callable[[], float]:
    return lambda: precise_cpu(server.pid) + database_cpu()


Found = dict[tuple[str, int], dict[str, dict[str, list[float]]]]  # case and connections -> way -> figure -> values


def measure(found_ways: list[Way], token: str, rounds: int, times: int, asked_cases: list[Case]) -> Found:
    """CPU µs a request, p50 and p99 in ms, and requests a second, of each case and way in each round."""
    found: Found = {}
    for case in asked_cases:
        answer = None
        for number in range(-1, rounds):  # the first round warms up, and compares the answers
            turn = number % len(found_ways)
            for way in found_ways[turn:] + found_ways[:turn]:
                asked = request(way.path(case), case.body, "application/json", token)
                for connections in (1, 8):
                    count = (20 if number < 0 else times) // connections
                    before = way.cpu()
                    answer, took = uvloop.run(ask_again(way.server.port, asked, answer, max(count, 1), connections))
                    spent = (way.cpu() - before) / len(took) * 1e6
                    if number < 0:
                        continue
                    took.sort()
                    figures = found.setdefault((case.name, connections), {}).setdefault(way.name, {})
                    p50, p99 = took[len(took) // 2] * 1e3, took[int(len(took) * 0.99)] * 1e3
                    for name, value in {"cpu_us": spent, "p50_ms": p50, "p99_ms": p99}.items():
                        figures.setdefault(name, []).append(value)
    return found


def memory(way: Way, token: str, documents: int) -> tuple[float, float]:
    """Megabytes in use after a tenth of so many different documents, and after all."""
    taken = []

    async def ask(first: int, last: int) -> None:
        for number in range(first, last):
            query = (
                f"{{ executions(first: {1 + number % 3}) {{ nodes {{ a{number}: id state workflow {{ name }} }} }} }}"
            )
            await ask_again(
                way.server.port,
                request("/graphql", orjson.dumps({"query": query}), "application/json", token),
                None,
                1,
                1,
            )

    for first, last in ((0, documents // 10), (documents // 10, documents)):
        uvloop.run(ask(first, last))
        taken.append(resident_kb(way.server.pid) / 1024)
    return taken[0], taken[1]


def report(name: str, found: Found) -> tuple[dict[str, Any], str]:
    """The figures of one database as data and as Markdown."""
    rows, kept = [], {}
    for (case, connections), by_way in found.items():
        for way, figures in by_way.items():
            cpu, p50, p99 = (Figure.of(figures[key]) for key in ("cpu_us", "p50_ms", "p99_ms"))
            times = [
                reporting.ratio(figures["cpu_us"], by_way[base]["cpu_us"]) for base in ("by hand", "by hand, full")
            ]
            spread = reporting.ratio(figures["p99_ms"], figures["p50_ms"])
            rows.append((f"{case}, c = {connections}, {way}", cpu, *times, p50, p99, short(spread.median)))
            kept[f"{case} c={connections} {way}"] = {
                "cpu_us": cpu.median,
                "times": times[0],
                "times_full": times[1],
                "p50": p50.median,
                "p99": p99.median,
            }
    head = ("", "CPU, µs a request", "× by hand", "× with sign-in and log", "p50, ms", "p99, ms", "p99 / p50")
    return kept, f"## {name}\n\n{reporting.table(head, rows)}"


def main(
    quick: Annotated[bool, typer.Option("--quick", help="100,000 executions, fewer and shorter rounds.")] = False,
    database: Annotated[str | None, typer.Option(help="postgres or sqlite; both by default.")] = None,
    compare: Annotated[
        list[str] | None, typer.Option(help="Another server beside it: NAME=VALUE of its environment.")
    ] = None,
    against: Annotated[list[Path] | None, typer.Option(help="Another checkout, to run a server of beside it.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only these cases; writes nothing.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Fewer rounds than 9.")] = None,
    times: Annotated[int | None, typer.Option(help="Fewer requests a round than 600.")] = None,
    save: Annotated[bool, typer.Option(help="Write results/graphql.*")] = True,
) -> None:
    """Measure POST /graphql."""
    sizes = {"executions": 100_000 if quick else 1_000_000, "rounds": 3 if quick else 9, "times": 200 if quick else 600}
    sizes |= {name: given for name, given in {"rounds": rounds, "times": times}.items() if given is not None}
    documents = 1_000 if quick else 10_000
    others = {each: (dict([each.split("=", 1)]), ROOT) for each in compare or []}
    others |= {each.name: ({}, each) for each in against or []}
    machine = reporting.machine()
    kept: dict[str, Any] = {"machine": machine, "sizes": sizes}
    texts = [
        "# GraphQL reads\n",
        f"POST /graphql to one server process over {sizes['executions']:,} executions, and the same bytes from an"
        " endpoint written by hand (starlette, asyncpg or sqlite3, orjson), which for `full` also reads the token and"
        " writes a log line. CPU is that of the server, and of Postgres's backends. Medians of"
        f" {sizes['rounds']} rounds, in turn; in brackets the quartiles; ratios are of the same round.\n",
        reporting.facts_text(machine) + "\n",
    ]
    with databases(sizes["executions"], [database] if database else ["postgres", "sqlite"]) as filled:
        for name, (url, database_cpu) in filled.items():
            with ways(url, database_cpu, others) as (found_ways, token):
                asked = [case for case in cases(DETAIL) if not only or case.name in only]
                found = measure(found_ways, token, sizes["rounds"], sizes["times"], asked)
                figures, text = report(name, found)
                before, after = memory(found_ways[0], token, documents)
                grown = f"Resident after {documents // 10:,} different documents {before:.0f} MB, after"
                text += f"\n{grown} {documents:,} {after:.0f} MB.\n"
            kept[name] = figures | {"memory_mb": [before, after]}
            texts.append(text)
            print(text, flush=True)
    if save and not only:
        reporting.write("graphql", kept, "\n".join(texts))


if __name__ == "__main__":
    typer.run(main)
