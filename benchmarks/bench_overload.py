"""More events than a server can store: the rate that it commits, and how long it takes, by the rate that is offered.

`python -m benchmarks.bench_overload [--quick] [--database sqlite|postgres]`

First several clients send as fast as they are answered: the best of that is the sustainable rate. Then requests come at
multiples of it, whether or not the ones before them are answered.
"""

from __future__ import annotations

import itertools
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import httpx
import orjson
import typer
import uvloop

from app import clock
from benchmarks import reporting, sample_events
from benchmarks.http_client import request
from benchmarks.server_process import UNLIMITED, ServerProcess, resident_kb, running, runwatch
from specs.harness.load import CONNECTIONS, Generator, Seen
from specs.harness.servers import PostgresServer

SERVE = ("-m", "app.cli", "serve", "--host", "127.0.0.1", "--port", "{port}")
CLIENTS = 64
TIMES = (0.5, 1.0, 2.0, 3.0)
# Of requests a second: none commits as many.
MOST_RATE = 10_000

_names = itertools.count()


def requests(token: str) -> Iterator[bytes]:
    """One event a request, of ever new runs."""
    while True:
        for event in sample_events.stream(f"run-{next(_names)}", start=clock.now_us() - 3600 * clock.SECOND):
            yield request("/api/events", orjson.dumps(event), "application/cloudevents+json", token)


def commits(server: ServerProcess, token: str) -> int:
    """How many transactions the server has committed so far."""
    address = f"http://127.0.0.1:{server.port}/metrics"
    numbers = httpx.get(address, headers={"authorization": f"Bearer {token}"}, timeout=30).text
    found = re.search(r'runwatch_database_transactions_total\{outcome="committed"\} (\S+)', numbers)
    return int(float(found[1])) if found else 0


def step(server: ServerProcess, tokens: list[str], rate: float | None, seconds: float) -> Seen:
    """One rate for so long; None: as fast as answers come."""
    seen = Seen(offered=rate or 0.0)
    # Made beforehand: the generator has better things to do with its CPU.
    streams = itertools.cycle([requests(token) for token in tokens])
    made = [next(next(streams)) for _ in range(int((rate or MOST_RATE) * seconds))]
    before = commits(server, tokens[0])
    cpu, own, began = server.cpu_seconds(), time.process_time(), time.perf_counter()

    async def run() -> None:
        generator = Generator(server.port, itertools.cycle(made), seen)
        await (generator.closed(CLIENTS, seconds) if rate is None else generator.open(rate, seconds))

    uvloop.run(run())
    seen.seconds = time.perf_counter() - began
    seen.server_cpu = (server.cpu_seconds() - cpu) / seen.seconds
    seen.generator_cpu = (time.process_time() - own) / seen.seconds
    seen.memory_kb = resident_kb(server.pid)
    seen.commits = commits(server, tokens[0]) - before
    return seen


def percentile(values: list[float], part: float) -> float:
    """A percentile in ms."""
    return sorted(values)[min(int(len(values) * part), len(values) - 1)] * 1000 if values else 0.0


def curve(name: str, seconds: float, tokens: int) -> list[Seen]:
    """The closed loop, and the open ones at multiples of what it commits."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="runwatch-bench-"))
        stack.callback(shutil.rmtree, folder)
        environment = {"RUNWATCH_DATA_DIR": str(folder / "data"), "RUNWATCH_LOG_LEVEL": "warning"}
        environment["RUNWATCH_MAX_EVENT_BYTES_PER_MINUTE"] = UNLIMITED["RUNWATCH_MAX_EVENT_BYTES_PER_MINUTE"]
        environment["RUNWATCH_DATABASE_URL"] = f"sqlite:///{folder / 'bench.db'}"
        if name == "postgres":
            postgres = stack.enter_context(PostgresServer(durable=True, shared_buffers="1GB"))
            environment["RUNWATCH_DATABASE_URL"] = postgres.create_database("bench_overload")
        words = ("token", "create", "--role", "admin", "--name")
        secrets = [runwatch(*words, f"bench {number}", environment=environment) for number in range(tokens)]
        server = stack.enter_context(running(SERVE, environment))
        step(server, secrets, None, 1.0)  # warms up
        found = [step(server, secrets, None, seconds)]
        best = found[0].committed
        for times in TIMES:
            found.append(step(server, secrets, best * times, seconds))
            time.sleep(1.0)
        return found


def report(name: str, tokens: int, found: list[Seen]) -> tuple[dict[str, Any], str]:
    """One curve as data and as Markdown."""
    best = max(each.committed for each in found)
    rows, data = [], []
    for each, which in zip(found, ("as answered", *(f"{times:g} ×" for times in TIMES)), strict=True):
        row = {
            "offered": each.offered,
            "committed": each.committed,
            "of_best": each.committed / best,
            "p50_ms": statistics.median(each.accepted) * 1000 if each.accepted else 0,
            "p99_ms": percentile(each.accepted, 0.99),
            "refused": len(each.refused),
            "refused_p99_ms": percentile(each.refused, 0.99),
            "other": each.other,
            "waiting": each.waiting,
            "requests_a_commit": len(each.accepted) / each.commits if each.commits else 0,
            "cpu_us": each.server_cpu / each.committed * 1e6 if each.committed else 0,
            "server_cpu": each.server_cpu,
            "generator_cpu": each.generator_cpu,
            "memory_mb": each.memory_kb / 1024,
        }
        data.append({"step": which, **row})
        rows.append((which, *(reporting.short(float(value)) for value in row.values())))
    head = (
        *("load", "offered a second", "committed a second", "of the best", "p50, ms", "p99, ms", "refused"),
        *(
            "p99 of those, ms",
            "neither",
            "waiting at most",
            "requests a commit",
            "CPU a commit, µs",
            "server CPU, cores",
            "generator CPU, cores",
            "memory, MB",
        ),
    )
    text = f"## {name}, {tokens} token{'s' if tokens > 1 else ''}\n\n{reporting.table(head, rows)}"
    return {"tokens": tokens, "steps": data}, text


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Shorter steps, of one database.")] = False,
    database: Annotated[str | None, typer.Option(help="postgres or sqlite; both by default.")] = None,
    save: Annotated[bool, typer.Option(help="Write results/overload.*")] = True,
) -> None:
    """Measure POST /api/events under overload."""
    seconds = 4.0 if quick else 12.0
    machine = reporting.machine()
    data: dict[str, Any] = {"machine": machine, "seconds": seconds}
    texts = [
        "# Overload\n",
        f"POST /api/events of one event a request to one server process, {seconds:g} s a step. As answered: {CLIENTS}"
        " clients that send when they are answered; then requests at multiples of what that commits, whether or not"
        f" those before them are answered, on {CONNECTIONS} kept connections. Times are from when requests were due."
        " The generator runs on the same cores, and so does Postgres. Where other work does too (its load is below),"
        " what is committed changes with it from step to step; CPU a commit does not.\n",
        reporting.facts_text(machine) + "\n",
    ]
    for name in [database] if database else ["sqlite"] if quick else ["postgres", "sqlite"]:
        for tokens in (1, 8):
            data[f"{name}, {tokens}"], text = report(name, tokens, curve(name, seconds, tokens))
            texts.append(text)
            print(text, flush=True)
    if save:
        reporting.write("overload", data, "\n".join(texts))


if __name__ == "__main__":
    typer.run(main)
