"""More events than a server can store: the rate that it commits, and how long it takes, by the rate that is offered.

`python -m benchmarks.bench_overload [--quick] [--database sqlite|postgres] [--events 20] [--rounds 7]`

Requests have one event, as of scripts, or 20, as of engines' clients, which send together what waits. First several
clients send as fast as they are answered: the best of that is the sustainable rate. Then requests come at multiples of
it, whether or not the ones before them are answered.
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
SIZES = (1, 20)
# Requests, and their events, a second: none commits as many.
MOST_REQUESTS, MOST_EVENTS = 10_000, 30_000

_names = itertools.count()


def requests(token: str, size: int) -> Iterator[bytes]:
    """Bodies of so many events, of ever new runs."""
    events = sample_events.stream(f"run-{next(_names)}", start=clock.now_us() - 3600 * clock.SECOND)
    while True:
        if size == 1:
            body, kind = orjson.dumps(next(events)), "application/cloudevents+json"
        else:
            body, kind = orjson.dumps(list(itertools.islice(events, size))), "application/cloudevents-batch+json"
        yield request("/api/events", body, kind, token)


def commits(server: ServerProcess, token: str) -> int:
    """How many transactions the server has committed so far."""
    address = f"http://127.0.0.1:{server.port}/metrics"
    numbers = httpx.get(address, headers={"authorization": f"Bearer {token}"}, timeout=30).text
    found = re.search(r'runwatch_database_transactions_total\{outcome="committed"\} (\S+)', numbers)
    return int(float(found[1])) if found else 0


def step(server: ServerProcess, tokens: list[str], size: int, rate: float | None, seconds: float) -> Seen:
    """One rate of bodies for so long; None: as fast as answers come."""
    seen = Seen(offered=rate or 0.0)
    # Made beforehand: the generator has better things to do with its CPU.
    most = rate or min(MOST_REQUESTS, MOST_EVENTS // size)
    streams = itertools.cycle([requests(token, size) for token in tokens])
    made = [next(next(streams)) for _ in range(int(most * seconds))]
    before = commits(server, tokens[0])

    async def run() -> None:
        generator = Generator(server.port, itertools.cycle(made), seen)
        await generator.connect(rate, CLIENTS)
        # To open 450 connections takes the server 5 % of a step: it is no part of the step.
        cpu, own, began = server.cpu_seconds(), time.process_time(), time.perf_counter()
        await (generator.closed(seconds) if rate is None else generator.open(rate, seconds))
        seen.seconds = time.perf_counter() - began
        seen.server_cpu = (server.cpu_seconds() - cpu) / seen.seconds
        seen.generator_cpu = (time.process_time() - own) / seen.seconds
        await generator.close()

    uvloop.run(run())
    seen.memory_kb = resident_kb(server.pid)
    seen.commits = commits(server, tokens[0]) - before
    return seen


def percentile(values: list[float], part: float) -> float:
    """A percentile in ms."""
    return sorted(values)[min(int(len(values) * part), len(values) - 1)] * 1000 if values else 0.0


def curve(name: str, seconds: float, rounds: int, tokens: int, size: int) -> list[list[Seen]]:
    """In each round the closed loop, and the open ones at multiples of what that commits."""
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
        step(server, secrets, size, None, 1.0)  # warms up
        found = []
        for _ in range(rounds):
            best = step(server, secrets, size, None, seconds)
            found.append([best, *(step(server, secrets, size, best.committed * times, seconds) for times in TIMES)])
        return found


def figures(seen: Seen, best: Seen) -> dict[str, float]:
    """What is told of one step, and of the best of its round."""
    cpu = [each.server_cpu / each.committed * 1e6 if each.committed else 0.0 for each in (seen, best)]
    return {
        "offered a second": seen.offered,
        "committed a second": seen.committed,
        "of as answered": seen.committed / best.committed,
        "the same for equal CPU": cpu[1] / cpu[0] if cpu[0] else 0.0,
        "p50, ms": percentile(seen.accepted, 0.5),
        "p99, ms": percentile(seen.accepted, 0.99),
        "refused a second": len(seen.refused) / seen.seconds,
        "p99 of those, ms": percentile(seen.refused, 0.99),
        "neither": seen.other,
        "waiting at most": seen.waiting,
        "requests a commit": len(seen.accepted) / seen.commits if seen.commits else 0.0,
        "CPU a commit, µs": cpu[0],
        "server CPU, cores": seen.server_cpu,
        "generator CPU, cores": seen.generator_cpu,
        "memory, MB": seen.memory_kb / 1024,
    }


def report(title: str, rounds: list[list[Seen]]) -> tuple[dict[str, Any], str]:
    """One curve as data and as Markdown: medians of the rounds."""
    rows, data = [], []
    for number, which in enumerate(("as answered", *(f"{times:g} ×" for times in TIMES))):
        every = [figures(steps[number], steps[0]) for steps in rounds]
        medians = {what: statistics.median(each[what] for each in every) for what in every[0]}
        data.append({"step": which, "rounds": every})
        rows.append((which, *(reporting.short(value) for value in medians.values())))
    table = reporting.table(("load", *figures(rounds[0][0], rounds[0][0])), rows)
    return {"steps": data}, f"## {title}\n\n{table}"


def plural(number: int, word: str) -> str:
    """So many of something."""
    return f"{number} {word}{'s' if number > 1 else ''}"


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Shorter steps, of one database.")] = False,
    database: Annotated[str | None, typer.Option(help="postgres or sqlite; both by default.")] = None,
    events: Annotated[int | None, typer.Option(help="Events of a request; 1 and 20 by default.")] = None,
    rounds: Annotated[int, typer.Option(help="Rounds of each curve.")] = 7,
    save: Annotated[bool, typer.Option(help="Write results/overload.*")] = True,
) -> None:
    """Measure POST /api/events under overload."""
    seconds, rounds = 3.0, 2 if quick else rounds
    machine = reporting.machine()
    data: dict[str, Any] = {"machine": machine, "seconds": seconds}
    texts = [
        "# Overload\n",
        f"POST /api/events to one server process, {seconds:g} s a step, medians of {rounds}"
        f" rounds. As answered: {CLIENTS} clients that send when they are answered; then requests at multiples of what"
        " that commits, whether or not those before them are answered, on"
        f" {CONNECTIONS} kept connections. Times are from when requests were due."
        " The generator runs on the same cores, and so does Postgres. Where other work does too (its load is below),"
        " what is committed changes with it from step to step, and a refusal costs several times as much CPU: compare"
        " what it would be for equal CPU, and requests a commit.\n",
        reporting.facts_text(machine) + "\n",
    ]
    for name in [database] if database else ["sqlite"] if quick else ["postgres", "sqlite"]:
        for size, tokens in itertools.product([events] if events else SIZES, (1, 8)):
            title = f"{name}, {plural(size, 'event')} a request, {plural(tokens, 'token')}"
            data[title], text = report(title, curve(name, seconds, rounds, tokens, size))
            texts.append(text)
            print(text, flush=True)
    if save:
        reporting.write("overload", data, "\n".join(texts))


if __name__ == "__main__":
    typer.run(main)
