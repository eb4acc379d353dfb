"""What it costs to tell many subscribers of a change: Strawberry's own way, shared results, finished frames.

`python -m benchmarks.bench_live_fanout [--quick]`
"""

from __future__ import annotations

import asyncio
import http.client
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop

from app import clock
from app.db import open_database
from app.db.migrate import migrate
from app.events.decoding import Form, decode
from app.ingestion import Ingestion
from benchmarks import reporting
from benchmarks.fanout_client import Crowd, Subscriber, connect
from benchmarks.fanout_server import BARE, PREBUILT, SHARED, STOCK, WAYS
from benchmarks.reporting import Figure
from benchmarks.server_process import ServerProcess, running
from tests.sealing import SEALER

# Eleven fields, some 350 bytes.
DOCUMENT = (
    "subscription($filter: ExecutionFilter) { executionUpdated(filter: $filter) { cursor change matches"
    " execution { id externalId status state queuedAt startedAt finishedAt durationMs } } }"
)
# Subscriptions that are being set up at a time.
MAX_CONCURRENT_CONNECTS = 50
SETTLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Case:
    """How many subscribe, with how many filters, and to how many changes."""

    subscribers: int
    filters: int
    single: int  # changes that are told one by one
    burst: int  # changes of one transaction


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one run."""

    cpu_us: float  # of the server, a delivered message
    per_second: float  # messages of a burst
    p50_ms: float  # from the commit to the receipt
    p99_ms: float
    connection_kb: float
    message_bytes: float


class Writer:
    """Commits changes, and notifies the server as another process would."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._ingestion = ingestion
        self._count = 0

    async def commit(self, changes: int) -> None:
        """New executions that have finished."""
        now = clock.to_rfc3339(clock.now_us())
        given = []
        for _ in range(changes):
            self._count += 1
            given.append(
                b'{"specversion":"1.0","id":"%d","source":"engine","type":"execution.finished","subject":"run-%09d",'
                b'"time":"%b","data":{"state":"SUCCEEDED","workflow":"bench"}}'
                % (self._count, self._count, now.encode())
            )
        batch = decode(b"[%b]" % b",".join(given), Form.BATCH, now=clock.now_us(), sealer=SEALER)
        assert not batch.rejected
        await self._ingestion.record(batch.events)


def ask(server: ServerProcess, method: str, path: str) -> str:
    """One request to the server."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request(method, path)
    answer = connection.getresponse().read().decode()
    connection.close()
    return answer


async def measure(way: str, case: Case, url: str, writer: Writer) -> Measured:
    """One server, from its start to its end."""
    with running(["-m", "benchmarks.fanout_server", way, "{port}", url]) as server:
        crowd = Crowd()
        empty = _resident(server)
        subscribers: list[Subscriber] = []
        for start in range(0, case.subscribers, MAX_CONCURRENT_CONNECTS):
            numbers = range(start, min(start + MAX_CONCURRENT_CONNECTS, case.subscribers))
            subscribers += await asyncio.gather(*(connect(server.port, crowd, _asking(n, case)) for n in numbers))
        while int(await asyncio.to_thread(ask, server, "GET", "/subscribers")) < case.subscribers:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        memory = (_resident(server) - empty) / case.subscribers
        await _tell(server, writer, crowd, case, 1)  # warm
        await asyncio.sleep(SETTLE_SECONDS)
        cpu, began, size = server.cpu_seconds(), crowd.received, crowd.bytes
        waits: list[float] = []
        for _ in range(case.single):
            waits += await _tell(server, writer, crowd, case, 1)
        started = time.perf_counter()
        await _tell(server, writer, crowd, case, case.burst)
        burst = time.perf_counter() - started
        await asyncio.sleep(SETTLE_SECONDS)
        messages = crowd.received - began
        assert messages == case.subscribers * (case.single + case.burst), messages
        spent = server.cpu_seconds() - cpu
        for each in subscribers:
            each.transport.abort()
        cuts = statistics.quantiles(waits, n=100)
        return Measured(
            spent / messages * 1e6,
            case.subscribers * case.burst / burst,
            cuts[49] * 1e3,
            cuts[98] * 1e3,
            memory / 1024,
            (crowd.bytes - size) / messages,
        )


async def _tell(server: ServerProcess, writer: Writer, crowd: Crowd, case: Case, changes: int) -> list[float]:
    """Commit, and wait until everybody has heard; the seconds that took, for each piece that came."""
    crowd.receipts.clear()
    wanted = crowd.received + case.subscribers * changes
    await writer.commit(changes)
    committed = time.perf_counter()
    await asyncio.to_thread(ask, server, "POST", f"/notify?changes={changes}")
    await crowd.until(wanted)
    return [receipt - committed for receipt in crowd.receipts]


def _asking(number: int, case: Case) -> dict[str, Any]:
    where = {"excludeWorkflowName": [f"w{number % case.filters}"]} if case.filters > 1 else {}
    return {"query": DOCUMENT, "variables": {"filter": where}}


def _resident(server: ServerProcess) -> float:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) * 1024


async def measure_all(plan: list[tuple[Case, tuple[str, ...]]], rounds: int) -> dict[tuple[Case, str], list[Measured]]:
    """Each case in each of its ways, in turn, in each round."""
    found: dict[tuple[Case, str], list[Measured]] = {}
    with tempfile.TemporaryDirectory(prefix="runwatch-bench-") as folder:
        url = f"sqlite:///{folder}/runwatch.db"
        await migrate(url)
        database = await open_database(url)
        writer = Writer(Ingestion(database, SEALER))
        try:
            for number in range(rounds):
                for case, ways in plan:
                    for way in ways if number % 2 else reversed(ways):
                        measured = await measure(way, case, url, writer)
                        found.setdefault((case, way), []).append(measured)
                        print(f"round {number + 1}: {case}, {way}: {measured.cpu_us:.1f} us", file=sys.stderr)
        finally:
            await database.close()
    return found


def report(found: dict[tuple[Case, str], list[Measured]]) -> tuple[list[dict[str, Any]], str]:
    """The figures as data and as Markdown."""
    rows, filters, data = [], [], []
    for (case, way), runs in found.items():
        cpu = [run.cpu_us for run in runs]
        fields = ("cpu_us", "per_second", "p50_ms", "p99_ms", "connection_kb")
        figures = {name: Figure.of([getattr(run, name) for run in runs]) for name in fields}
        stock = found.get((case, STOCK))
        times = reporting.ratio([run.cpu_us for run in stock], cpu) if stock else None
        data.append({"case": case, "way": way, "stock_times": times, **figures, "bytes": runs[0].message_bytes})
        line = (case.subscribers, way, figures["cpu_us"], times or "", *(figures[name] for name in fields[1:]))
        if case.filters == 1:
            rows.append(line)
        else:
            filters.append((case.filters, figures["cpu_us"], figures["per_second"], figures["p50_ms"]))
    rows.sort(key=lambda row: (row[0], WAYS.index(row[1])))
    for case in {case for case, way in found if way == BARE and case.filters == 1}:
        ours, sends = ([run.cpu_us for run in found[case, way]] for way in (PREBUILT, BARE))
        print(f"{case.subscribers} subscribers: {reporting.ratio(ours, sends)} of the bare loop")
    head = (
        "subscribers",
        "way",
        "CPU, µs a message",
        "stock is × that",
        "messages/s",
        "p50, ms",
        "p99, ms",
        "KB a connection",
    )
    one = next(run[0] for (case, way), run in found.items() if case.filters == 1 and way == PREBUILT)
    text = f"{reporting.table(head, rows)}\n## Distinct filters among 1,000 subscribers, {PREBUILT}\n\n"
    text += reporting.table(("filters", "CPU, µs a message", "messages/s", "p50, ms"), filters)
    return data, f"Messages have {one.message_bytes:.0f} bytes, frame included.\n\n{text}"


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and shorter rounds.")] = False,
    save: Annotated[bool, typer.Option(help="Write results/live_fanout.*")] = True,
) -> None:
    """Measure the fan-out of live updates."""
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    rounds = 1 if quick else 3
    sizes = [(100, 40, 200), (1_000, 20, 100), (5_000, 8, 20)]
    plan: list[tuple[Case, tuple[str, ...]]] = [
        (Case(size, 1, single, burst), WAYS) for size, single, burst in sizes[: 2 if quick else 3]
    ]
    plan += [(Case(1_000, many, 20, 100), (PREBUILT,)) for many in (100, 1_000)]
    found = uvloop.run(measure_all(plan, rounds))
    data, text = report(found)
    facts = reporting.machine()
    head = (
        "# Telling many subscribers of a change\n\n"
        f"Medians of {rounds} rounds, in turn, with the quartiles in brackets; ratios are of the same round. `{STOCK}`"
        f" is Strawberry's own handler; `{SHARED}` sends one serialised result through ASGI, `{PREBUILT}` one finished"
        f" frame, as Runwatch does; `{BARE}` is a loop of sends of a text of that size, without a change to read or a"
        " filter to test. All others serve the same schema over the same feed on SQLite, in a process of their own that"
        " does nothing else; another process writes, and holds all the subscribers, so that messages a second are"
        " bounded by both. CPU is the server's, with its reading of the database, over all messages of single changes"
        " and of one burst;"
        " times are from the commit of a single change to the receipt, each change awaited by all before the next.\n\n"
        f"{reporting.facts_text(facts)}\n\n"
    )
    print(text)
    if save:
        reporting.write("live_fanout", {"machine": facts, "rounds": rounds, "cases": data}, head + text)


if __name__ == "__main__":
    typer.run(main)
