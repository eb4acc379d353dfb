"""Events through the door: batches, one event a request, and a bare endpoint that only decodes.

`python -m benchmarks.bench_events [--quick] [--database sqlite|postgres]`
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
import uvloop

from app import clock
from benchmarks import events_profile, reporting, sample_events
from benchmarks.http_client import request, send_all
from benchmarks.reporting import Figure
from benchmarks.server_process import UNLIMITED, ServerProcess, children_cpu, running, runwatch
from specs.harness.servers import PostgresServer

BATCH = 500
SERVE = ("-m", "app.cli", "serve", "--host", "127.0.0.1", "--port", "{port}")
UNGROUPED = ("-m", "benchmarks.ungrouped_server", *SERVE[2:])


def _uvicorn(app: str) -> tuple[str, ...]:
    return (
        *("-m", "uvicorn", f"{app}:app", "--loop", "uvloop", "--http", "httptools"),
        *("--host", "127.0.0.1", "--port", "{port}", "--no-access-log", "--log-level", "error"),
    )


BARE, INSERTING = _uvicorn("benchmarks.bare_server"), _uvicorn("benchmarks.insert_server")
CONNECTIONS = (1, 4, 8)
BATCHED, SINGLE, ALONE = "batches of 500", "one event a request", "one event a request, each its own transaction"
INSERTED, BARE_NAME = "one event a request, bare endpoint with an INSERT", "bare endpoint, batches of 500"
NAMES = [BATCHED, SINGLE, ALONE, INSERTED, BARE_NAME]

REPEATS = 8

_names = count()


@dataclass(frozen=True, slots=True)
class Way:
    """A way to send events: to which server, how many at once and in all."""

    name: str
    server: ServerProcess
    size: int  # events a request
    events: int  # events a round
    connections: int


def streams(way: Way, token: str) -> list[list[bytes]]:
    """Ready requests for each connection, of runs that nobody has heard of yet."""
    found = []
    for _ in range(way.connections):
        events = sample_events.stream(f"run-{next(_names)}", start=clock.now_us() - 3600 * clock.SECOND)
        one: list[bytes] = []
        for _ in range(way.events // way.size // way.connections):
            part = list(islice(events, way.size))
            if way.size == 1:
                one.append(request("/api/events", orjson.dumps(part[0]), "application/cloudevents+json", token))
            else:
                one.append(request("/api/events", orjson.dumps(part), "application/cloudevents-batch+json", token))
        # CPU is told in ticks of 10 ms, and the bare endpoint spends few: what it stores nothing of can be sent again.
        found.append(one * REPEATS if way.name == BARE_NAME else one)
    return found


def measure(
    ways: list[Way], token: str, rounds: int, database_cpu: Callable[[], float]
) -> dict[str, dict[str, list[float]]]:
    """Events a second, and microseconds of CPU an event, of each way in each round."""
    found: dict[str, dict[str, list[float]]] = {}
    for number in range(-1, rounds):  # the first round warms up
        turn = number % len(ways)
        for way in ways[turn:] + ways[:turn]:
            requests = streams(way, token)
            sent = sum(map(len, requests)) * way.size
            gc.collect()
            cpu, database = way.server.cpu_seconds(), database_cpu()
            seconds = uvloop.run(send_all(way.server.port, requests, b'{"accepted":%d,"rejected":[]}' % way.size))
            cpu, database = way.server.cpu_seconds() - cpu, database_cpu() - database
            if number >= 0:
                name = f"{way.name}, {way.connections} connection{'s' if way.connections > 1 else ''}"
                figures = found.setdefault(name, {"events_per_s": [], "cpu_us": [], "database_cpu_us": []})
                figures["events_per_s"].append(sent / seconds)
                figures["cpu_us"].append(cpu / sent * 1e6)
                figures["database_cpu_us"].append(database / sent * 1e6)
    return dict(sorted(found.items(), key=lambda item: NAMES.index(item[0].rsplit(", ", 1)[0])))


def report(name: str, facts: dict[str, Any], found: dict[str, dict[str, list[float]]]) -> tuple[dict[str, Any], str]:
    """The figures of one database as data and as Markdown."""
    rows, data = [], {}
    for way, figures in found.items():
        rate, cpu = Figure.of(figures["events_per_s"]), Figure.of(figures["cpu_us"])
        database = Figure.of(figures["database_cpu_us"])
        base = found[f"{ALONE}, {way.rsplit(', ', 1)[1]}"]["events_per_s"]
        times = reporting.ratio(figures["events_per_s"], base)
        backend = database if name == "postgres" and not way.startswith(BARE_NAME) else "–"
        rows.append((way, rate, times, cpu, backend))
        data[way] = {"events_per_s": rate, "times_alone": times, "cpu_us": cpu, "database_cpu_us": database}
    head = ("way", "events a second", "× one a transaction", "server CPU, µs an event", "Postgres CPU, µs an event")
    text = f"## {name}\n\n{reporting.facts_text(facts)}\n\n{reporting.table(head, rows)}"
    return {"facts": facts, "ways": data}, text


def _measured(name: str, sizes: dict[str, int]) -> tuple[dict[str, Any], dict[str, dict[str, list[float]]], str]:
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="runwatch-bench-"))
        stack.callback(shutil.rmtree, folder)
        environment = {"RUNWATCH_DATA_DIR": str(folder / "data"), **UNLIMITED}
        facts: dict[str, Any] = {"settings": "as installed"}
        database_cpu: Callable[[], float] = float
        if name == "postgres":
            postgres = stack.enter_context(PostgresServer(durable=True, shared_buffers="1GB"))
            environment["RUNWATCH_DATABASE_URL"] = url = postgres.create_database("bench_events")
            facts = asyncio.run(reporting.postgres_facts(url))
            if not postgres.external:
                database_cpu = lambda: children_cpu(postgres.pid)  # noqa: E731
        else:
            environment["RUNWATCH_DATABASE_URL"] = f"sqlite:///{folder / 'bench.db'}"
        token = runwatch("token", "create", "--role", "admin", "--name", "bench", environment=environment)
        with (
            running(SERVE, environment) as server,
            running(UNGROUPED, environment) as ungrouped,
            running(INSERTING, environment) as inserting,
            running(BARE) as bare,
        ):
            ways = []
            for connections in CONNECTIONS:
                ways.append(Way(BATCHED, server, BATCH, sizes["batched"], connections))
                for name, each in ((SINGLE, server), (ALONE, ungrouped), (INSERTED, inserting)):
                    ways.append(Way(name, each, 1, sizes["single"], connections))
                ways.append(Way(BARE_NAME, bare, BATCH, sizes["bare"], connections))
            found = measure(ways, token, sizes["rounds"], database_cpu)
        return facts, found, events_profile.profile(environment["RUNWATCH_DATABASE_URL"])


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and shorter rounds.")] = False,
    database: Annotated[str | None, typer.Option(help="postgres or sqlite; both by default.")] = None,
    save: Annotated[bool, typer.Option(help="Write results/events.*")] = True,
) -> None:
    """Measure POST /api/events."""
    full = {"rounds": 5, "batched": 30_000, "single": 800, "bare": 30_000}
    sizes = {"rounds": 2, "batched": 10_000, "single": 300, "bare": 10_000} if quick else full
    machine = reporting.machine()
    data: dict[str, Any] = {"machine": machine, "sizes": sizes}
    texts = [
        "# Events over HTTP\n",
        f"POST /api/events of runs of {sample_events.EVENTS_A_RUN} events, each answered 202 after its commit, to one"
        f" server process from a client in another, over kept connections. Medians of {sizes['rounds']} rounds, in"
        " turn; in brackets the quartiles; ratios are of the same round and number of connections. The bare endpoint"
        " is starlette under uvicorn, which decodes the same bodies with msgspec and stores nothing. That with an"
        " INSERT adds a row to a table without indexes, and commits. Each its own transaction: without group commit.\n",
        reporting.facts_text(machine) + "\n",
    ]
    profiles = []
    for name in [database] if database else ["postgres", "sqlite"]:
        facts, found, profile = _measured(name, sizes)
        data[name], text = report(name, facts, found)
        texts.append(text)
        profiles.append(f"{name}\n{'=' * len(name)}\n\n{profile}")
        print(text, flush=True)
    if save:
        reporting.write("events", data, "\n".join(texts))
        (reporting.RESULTS / "events-profile.txt").write_text("\n".join(profiles))


if __name__ == "__main__":
    typer.run(main)
