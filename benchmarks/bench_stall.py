"""Can one client stall the others? Each attack alone, with a canary beside it: a cheap query of another token, /health.

    python -m benchmarks.bench_stall           # on both databases, by one process and by two; keeps results/stall.md
    python -m benchmarks.bench_stall --quick   # once each, keeps nothing

The promise: while an attack runs, the canary's p99 is at most 100 ms above what it takes alone, and /health's 250 ms.
It is one of a machine that does nothing else: the load beside it is in the results.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import httpx
import orjson
from websockets.asyncio.client import connect

from benchmarks.canary import Canary, Seen, canary
from benchmarks.reporting import RESULTS, short, table
from benchmarks.server_process import ServerProcess, children_cpu, running, runwatch
from specs.harness.servers import PostgresServer

RUNS, LARGE = 1_000, 200_000
READ_BYTES = 100_000
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
_rounds = count()
T = TypeVar("T")


def aliases(number: int, selection: str) -> str:
    """A selection under as many names."""
    return " ".join(f"a{n}: {selection}" for n in range(number))


def rows(selection: str) -> str:
    """A page of 100 with a selection."""
    return f"{{ executions(first: 100) {{ nodes {{ {selection} }} }} }}"


def nested(selection: str) -> str:
    """1,000 rows with a selection."""
    return f"{{ workflows(first: 100) {{ nodes {{ executions(first: 10) {{ nodes {{ {selection} }} }} }} }} }}"


READ, FAILS = "retryability { canRetry }", "logs(first: -1) { nodes { id } }"
SEARCHES = [f'b{n}: executions(first: 1, filter: {{search: "no{n}"}}) {{ totalCount {{ value }} }}' for n in range(100)]
QUERIES = {
    "300 aliases of a read in 1,000 rows": nested(aliases(300, READ)),
    "11 of them, within the budget": nested(aliases(11, READ)),
    "40 aliases of large trigger data": rows(f"trigger {{ {aliases(40, 'data')} }}"),
    "20,000 logs that fail": rows(aliases(200, FAILS)),
    "10,000 of them, within the budget": rows(aliases(100, FAILS)),
    "100 searches": f"{{ {' '.join(SEARCHES)} }}",
    "introspection under 60 aliases": f"{{ {aliases(60, '__schema { types { name fields { name } } }')} }}",
    "600 fields of one name": f"{{ {'executions { nodes { id } } ' * 600} }}",
    "150,000 values": rows(aliases(1_500, "id")),
}


class Site:
    """A server with runs, an attacker's client, and a canary."""

    def __init__(self, server: ServerProcess, tokens: dict[str, str], canary: Canary) -> None:
        self.server = server
        self.url = f"http://127.0.0.1:{server.port}"
        self.tokens = tokens
        self.canary = canary
        self.client = httpx.AsyncClient(base_url=self.url, timeout=120, trust_env=False)

    def cpu_seconds(self) -> float:
        """The CPU of the server, with its workers."""
        return self.server.cpu_seconds() + children_cpu(self.server.pid)

    async def ask(self, who: str, document: str) -> httpx.Response:
        """One query."""
        headers = {"authorization": f"Bearer {self.tokens[who]}"}
        return await self.client.post("/graphql", json={"query": document}, headers=headers)

    async def send(self, events: list[dict[str, Any]]) -> httpx.Response:
        """Events of the engine."""
        headers = {
            "authorization": f"Bearer {self.tokens['engine']}",
            "content-type": "application/cloudevents-batch+json",
        }
        answer = await self.client.post("/api/events", content=orjson.dumps(events), headers=headers)
        assert answer.status_code == 202, answer.text
        assert not answer.json()["rejected"], answer.text
        return answer


def event(number: int, type_: str, data: dict[str, Any], offset: int = 0) -> dict[str, Any]:
    """A CloudEvent of one run."""
    at = (BEGIN + timedelta(minutes=number, seconds=offset)).isoformat().replace("+00:00", "Z")
    head = {"specversion": "1.0", "id": f"{number}-{type_}-{offset}", "source": "bench", "type": type_}
    return {**head, "subject": f"run-{number}", "time": at, "data": data}


async def fill(site: Site) -> None:
    """Runs of 100 workflows; the newest 100 have large trigger data."""
    for start in range(0, RUNS, 20):
        batch = []
        for number in range(start, start + 20):
            data = {"text": "x" * LARGE} if number >= RUNS - 100 else {"n": number}
            trigger = {"kind": "manual", "data": data}
            queued = {"workflow": f"flow {number % 100}", "trigger": trigger}
            batch.append(event(number, "execution.queued", queued))
        await site.send(batch)


async def batch(site: Site) -> str:
    """10,000 runs in one body."""
    first = RUNS + next(_rounds) * 10_000
    queued = {"workflow": "many", "trigger": {"kind": "manual", "data": {"order": first}}}
    answer = await site.send([event(number, "execution.queued", queued) for number in range(first, first + 10_000)])
    return str(answer.status_code)


async def pages(site: Site) -> str:
    """100 pages of one token at a time."""
    answers = await asyncio.gather(*(site.ask("attacker", rows("id status queuedAt")) for _ in range(100)))
    return ", ".join(sorted({str(each.status_code) for each in answers}))


async def secrets(site: Site) -> str:
    """60 secrets that overlap themselves, in a line of 256 KiB."""
    data = {"password": ["a" * (200 + number) for number in range(60)]}
    queued = {"workflow": "hostile", "trigger": {"kind": "manual", "data": data}}
    line = {"level": "INFO", "message": "a" * 262_144}
    number = RUNS + next(_rounds)
    answer = await site.send([event(number, "execution.queued", queued), event(number, "log.written", line, 1)])
    return str(answer.status_code)


async def subscriptions(site: Site) -> str:
    """50 dear subscriptions on one socket, each of which hears of 20 runs."""
    url = site.url.replace("http", "ws") + "/graphql"
    headers = {"authorization": f"Bearer {site.tokens['attacker']}"}
    heard = 0
    async with connect(url, subprotocols=["graphql-transport-ws"], additional_headers=headers, max_size=None) as socket:  # type: ignore[list-item]
        await socket.send('{"type":"connection_init"}')
        await socket.recv()
        for number in range(50):
            dear = aliases(
                100, f"workflow {{ executions(first: 10) {{ nodes {{ id r{number}: retryability {{ canRetry }} }} }} }}"
            )
            document = f"subscription {{ executionUpdated {{ execution {{ {dear} }} }} }}"
            await socket.send(
                orjson.dumps({"id": f"{number}", "type": "subscribe", "payload": {"query": document}}).decode()
            )
        await asyncio.sleep(1)
        await change(site)
        while heard < 50:
            try:
                await asyncio.wait_for(socket.recv(), 20)
                heard += 1
            except TimeoutError:
                await change(site)  # where they had not begun: documents of this length take a thread of their own
    return f"{heard} messages"


async def change(site: Site) -> None:
    """A step of 20 runs begins."""
    index = next(_rounds)  # what has been told already tells nobody anything
    step = {"step": {"index": index, "name": f"step {index}"}}
    await site.send([event(number, "step.started", step, 2 + index) for number in range(20)])


def attacks() -> dict[str, Callable[[Site], Awaitable[str]]]:
    """Each by its name; it says what became of it."""

    def of(document: str) -> Callable[[Site], Awaitable[str]]:
        async def run(site: Site) -> str:
            answer = await site.ask("attacker", document)
            errors = None if len(answer.content) > READ_BYTES else answer.json().get("errors")
            return f"{answer.status_code} {errors[0]['extensions']['code']}" if errors else f"{answer.status_code}"

        return run

    found = {f"{name} ({len(document):,} bytes)": of(document) for name, document in QUERIES.items()}
    return {
        **found,
        "100 pages at a time": pages,
        "10,000 runs in one body": batch,
        "a line with 60 hostile secrets": secrets,
        "50 dear subscriptions on one socket": subscriptions,
    }


async def beside(site: Site, attack: Awaitable[T]) -> tuple[T, Seen]:
    """What became of an attack, and what the canary saw meanwhile."""
    site.canary.begin()
    became = await attack
    await asyncio.sleep(0.1)
    return became, site.canary.end()


def worst(times: list[float]) -> str:
    """p50, p99 and the worst, in ms."""
    ranked = sorted(times)
    p99 = ranked[min(int(len(ranked) * 0.99), len(ranked) - 1)]
    return " / ".join(short(each * 1000) for each in (statistics.median(ranked), p99, ranked[-1]))


async def measure(site: Site, rounds: int) -> str:
    """The table."""
    await fill(site)
    _, alone = await beside(site, asyncio.sleep(2))
    lines: list[list[object]] = [["nothing", "", "", worst(alone.query), worst(alone.health), alone.unhealthy]]
    for name, attack in attacks().items():
        seen, became, cpu = Seen(), "", 0.0
        for _ in range(rounds):
            before = site.cpu_seconds()
            became, each = await beside(site, attack(site))
            cpu = site.cpu_seconds() - before
            seen.query += each.query
            seen.health += each.health
            seen.unhealthy += each.unhealthy
        lines.append([name, became, short(cpu), worst(seen.query), worst(seen.health), seen.unhealthy])
        print(*lines[-1], sep=" | ", flush=True)
    return table(["attack", "became", "CPU, s", "another's query, ms", "/health, ms", "of it 503"], lines)


async def measured(url: str | None, workers: int, rounds: int) -> str:
    """The table of a server, with the load around it."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"RUNWATCH_DATA_DIR": folder, "RUNWATCH_LOG_LEVEL": "warning"}
        environment |= {} if url is None else {"RUNWATCH_DATABASE_URL": url}
        runwatch("migrate", environment=environment)
        tokens = {}
        for name, words in (
            ("attacker", ["--role", "viewer"]),
            ("canary", ["--role", "viewer"]),
            ("engine", ["--role", "runner", "--engine", "bench"]),
        ):
            said = runwatch("token", "create", *words, "--name", name, environment=environment)
            tokens[name] = next(word for word in said.split() if word.startswith("rw_"))
        command = ["-m", "app.cli", "serve", "--port", "{port}", "--workers", str(workers)]
        with running(command, environment) as server, canary(server.port, tokens["canary"], anew=workers > 1) as bird:
            site = Site(server, tokens, bird)
            async with site.client:
                before = os.getloadavg()[0]
                found = await measure(site, rounds)
                after = os.getloadavg()[0]
    return f"Load before and after: {before:.1f}, {after:.1f}.\n\n{found}"


def main() -> None:
    """Measure, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=5, help="how often each attack is made")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    parts = []
    with PostgresServer(own=True) as postgres:
        for workers in (1, 2):
            for name, url in (("SQLite", None), ("Postgres", postgres.create_database(f"stall_{workers}"))):
                title = f"{name}, {'one process' if workers == 1 else 'two workers'}"
                print(title, flush=True)
                parts.append(f"## {title}\n\n{asyncio.run(measured(url, workers, rounds))}")
    text = (
        "# Attacks, and what others notice\n\n"
        f"`python -m benchmarks.bench_stall`, {datetime.now(UTC):%Y-%m-%d}, {RUNS:,} runs, {rounds} rounds, Python"
        f" {platform.python_version()}, {os.cpu_count()} cores, which Postgres and all clients share.\n"
        "Times are p50 / p99 / worst of a canary beside the attack. Where there are two workers, it opens a connection"
        " for each request.\n\n" + "\n".join(parts)
    )
    print(text)
    if not options.quick:
        Path(RESULTS / "stall.md").write_text(text)


if __name__ == "__main__":
    main()
