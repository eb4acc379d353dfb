"""More events than a server can store: the rate that it commits, and how long it takes, by the rate that is offered.

`python -m benchmarks.bench_overload [--quick] [--database sqlite|postgres]`

First several clients send as fast as they are answered: the best of that is the sustainable rate. Then requests come at
multiples of it, whether or not the ones before them are answered, on as many connections as that takes.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
import uvloop

from app import clock
from benchmarks import reporting, sample_events
from benchmarks.http_client import request
from benchmarks.server_process import UNLIMITED, ServerProcess, resident_kb, running, runwatch
from specs.harness.servers import PostgresServer

SERVE = ("-m", "app.cli", "serve", "--host", "127.0.0.1", "--port", "{port}")
CLIENTS = 64
TIMES = (0.5, 1.0, 2.0, 3.0)
# Beyond that the generator itself would be what is measured.
MAX_CONNECTIONS = 4_000

_names = itertools.count()


@dataclass
class Seen:
    """What came of the requests of one step."""

    offered: float = 0.0  # a second
    seconds: float = 0.0
    accepted: list[float] = field(default_factory=list)  # seconds from the time at which each was due
    refused: list[float] = field(default_factory=list)
    other: int = 0
    waiting: int = 0  # at the most
    server_cpu: float = 0.0
    generator_cpu: float = 0.0
    memory_kb: int = 0

    @property
    def committed(self) -> float:
        """Requests committed a second."""
        return len(self.accepted) / self.seconds


def requests(token: str) -> Iterator[bytes]:
    """One event a request, of ever new runs."""
    while True:
        for event in sample_events.stream(f"run-{next(_names)}", start=clock.now_us() - 3600 * clock.SECOND):
            yield request("/api/events", orjson.dumps(event), "application/cloudevents+json", token)


class Generator:
    """Sends requests on connections that it opens when none is idle."""

    def __init__(self, port: int, bodies: list[Iterator[bytes]], seen: Seen) -> None:
        self._port = port
        self._bodies = itertools.cycle(bodies)
        self._seen = seen
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def closed(self, seconds: float) -> None:
        """CLIENTS clients, each of which sends when it is answered."""
        until = time.perf_counter() + seconds

        async def client() -> None:
            while (now := time.perf_counter()) < until:
                await self._send(now)

        await asyncio.gather(*(client() for _ in range(CLIENTS)))

    async def open(self, rate: float, seconds: float) -> None:
        """So many requests a second, whatever becomes of them."""
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            due = began + number / rate
            if (pause := due - time.perf_counter()) > 0.001:
                await asyncio.sleep(pause)
            elif number % 16 == 0:
                await asyncio.sleep(0)
            if len(self._tasks) >= MAX_CONNECTIONS:
                self._seen.other += 1
                continue
            task = asyncio.create_task(self._send(due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            self._seen.waiting = max(self._seen.waiting, len(self._tasks))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=60)

    def close(self) -> None:
        """Close what is idle."""
        for _, writer in self._idle:
            writer.close()

    async def _send(self, due: float) -> None:
        try:
            connection = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = connection
            writer.write(next(next(self._bodies)))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            self._seen.other += 1
            return
        self._idle.append(connection)
        took = time.perf_counter() - due
        if head.startswith(b"HTTP/1.1 202"):
            self._seen.accepted.append(took)
        elif head.startswith((b"HTTP/1.1 503", b"HTTP/1.1 429")):
            self._seen.refused.append(took)
        else:
            self._seen.other += 1


def step(server: ServerProcess, tokens: list[str], rate: float | None, seconds: float) -> Seen:
    """One rate for so long; None: as fast as answers come."""
    seen = Seen(offered=rate or 0.0)
    cpu, own, began = server.cpu_seconds(), time.process_time(), time.perf_counter()

    async def run() -> None:
        generator = Generator(server.port, [requests(token) for token in tokens], seen)
        await (generator.closed(seconds) if rate is None else generator.open(rate, seconds))
        generator.close()

    uvloop.run(run())
    seen.seconds = time.perf_counter() - began
    seen.server_cpu = (server.cpu_seconds() - cpu) / seen.seconds
    seen.generator_cpu = (time.process_time() - own) / seen.seconds
    seen.memory_kb = resident_kb(server.pid)
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
        " those before them are answered. Times are of accepted requests, from when they were due.\n",
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
