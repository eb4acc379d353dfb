"""Does a page of a log cost the same whatever its length? A log of 100,000 lines against one of 300, on both databases.

    python -m benchmarks.bench_logs           # keeps results/logs.*
    python -m benchmarks.bench_logs --quick   # fewer rounds, keeps nothing

Both logs are read in turn, in a new order each round; a ratio is of the same round. 50 logs of 1,000 lines lie between
theirs. Every page has as many lines in the short log as in the long one. Logs of at most 200 lines are read in another
way, which is quicker still (app/executions/log_pages.py): against them the ratio would tell how much.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg

from app.db import Database, Transaction, open_database
from app.db.migrate import migrate
from app.events import LogLevel
from app.executions import log_pages, logs
from app.executions.logs import LogEntry, LogFilter, LogPosition
from app.paging import PageRequest
from benchmarks import reporting
from benchmarks.reporting import Figure, short
from specs.harness.servers import PostgresServer

PROMISE = 1.5
WARMING = 10  # rounds before the first that counts: Postgres has chosen its plans by then
PAGE = 50
RARE = 10  # lines of level ERROR, which are also all lines of their step, at the end of each log
RARE_STEP = 11
NEIGHBOURS = 50
NEIGHBOUR_LINES = 1_000
SIZES = (300, 100_000)
COLUMNS = ("execution_id", "sequence", "event_key", "at", "level", "step_index", "message", "message_bytes")

Read = Callable[[], Awaitable[int]]


def _id(number: int) -> str:
    """Of an execution; like real ones, they rise with time."""
    return f"0198{number:012x}7000{'8' * 12}"


def _rows() -> Iterator[tuple[Any, ...]]:
    """The lines of all logs, as they arrive while all those runs are under way."""
    sizes = {_id(size): size for size in SIZES} | {_id(n): NEIGHBOUR_LINES for n in range(1, NEIGHBOURS + 1)}
    for sequence in range(1, max(SIZES) + 1):
        for id_, size in sizes.items():
            if sequence > size:
                continue
            rare = sequence > size - RARE
            level = LogLevel.ERROR if rare else (LogLevel.DEBUG, LogLevel.INFO)[sequence % 10 == 0]
            if not rare and sequence % 100 == 7:
                level = LogLevel.WARNING
            message = f"item {sequence} of the nightly import is done, {sequence % 97} are left"
            step = RARE_STEP if rare else sequence % 10
            key = f"{sequence:016x}{id_[4:16]}0000"
            # A few lines come late.
            at = 1_780_000_000_000_000 + sequence * 1_000 - (sequence % 7) * 3_000
            yield (id_, sequence, key, at, int(level), step, message, len(message))


async def fill(database: Database) -> int:
    """Insert all lines; how many there are."""
    rows = list(_rows())

    async def work(transaction: Transaction) -> None:
        for start in range(0, len(rows), 10_000):
            await transaction.insert("log_entries", COLUMNS, rows[start : start + 10_000])

    await database.transaction(work)
    return len(rows)


async def reads(database: Database, size: int) -> dict[str, Read]:
    """The pages of one log, by name; each gives the number of its lines."""
    behind = LogPosition(_id(size), size, "ab")

    def page(where: LogFilter, request: PageRequest) -> Read:
        async def read() -> int:
            return len((await log_pages.list_page(database, where, behind, request)).items)

        return read

    async def appended() -> int:
        return len(await logs.appended(database, behind.at(size - RARE), behind))

    first = await log_pages.list_page(database, LogFilter(), behind, PageRequest(first=1))
    half: LogEntry = (await logs.appended(database, behind.at(size // 2 - 1), behind.at(size // 2)))[0]
    middle = first.cursor(half)
    info, errors = LogFilter(min_level=LogLevel.INFO), LogFilter(min_level=LogLevel.ERROR)
    step = LogFilter(step_index=RARE_STEP)
    return {
        "first page": page(LogFilter(), PageRequest(first=PAGE)),
        "half way": page(LogFilter(), PageRequest(first=PAGE - 10, after=middle)),
        "half way, backward": page(LogFilter(), PageRequest(last=PAGE - 10, before=middle)),
        "last page": page(LogFilter(), PageRequest(last=PAGE)),
        "minLevel INFO, last page": page(info, PageRequest(last=10)),
        "minLevel ERROR, first page": page(errors, PageRequest(first=PAGE)),
        "minLevel ERROR, last page": page(errors, PageRequest(last=PAGE)),
        "stepId, first page": page(step, PageRequest(first=PAGE)),
        "stepId, last page": page(step, PageRequest(last=PAGE)),
        "stepId, minLevel ERROR": page(LogFilter(LogLevel.ERROR, RARE_STEP), PageRequest(first=PAGE)),
        "what was appended": appended,
    }


async def measure(database: Database, rounds: int) -> list[tuple[str, int, Figure, Figure, Figure]]:
    """Name, lines, milliseconds in the short log and in the long one, and the ratio, of each page."""
    both = [await reads(database, size) for size in SIZES]
    turns = [(name, place) for name in both[0] for place in (0, 1)]
    took: dict[tuple[str, int], list[float]] = {turn: [] for turn in turns}
    lines: dict[tuple[str, int], int] = {}
    for number in range(-WARMING, rounds):
        random.shuffle(turns)
        for name, place in turns:
            start = time.perf_counter()
            lines[name, place] = await both[place][name]()
            if number >= 0:
                took[name, place].append((time.perf_counter() - start) * 1000)
    found = []
    for name in both[0]:
        assert lines[name, 0] == lines[name, 1] > 0, f"{name}: {lines[name, 0]} and {lines[name, 1]} lines"
        ratio = reporting.ratio(took[name, 1], took[name, 0])
        found.append((name, lines[name, 0], Figure.of(took[name, 0]), Figure.of(took[name, 1]), ratio))
    return found


async def run(url: str, rounds: int) -> tuple[int, list[tuple[str, int, Figure, Figure, Figure]]]:
    """Fill a database and measure its pages; the number of lines, and what was found."""
    await migrate(url)
    database = await open_database(url)
    try:
        lines = await fill(database)
        if database.dialect == "postgres":
            connection = await asyncpg.connect(url)
            await connection.execute("VACUUM (ANALYZE) log_entries")
            await connection.close()
        return lines, await measure(database, rounds)
    finally:
        await database.close()


def main() -> int:
    """Measure both databases, report; 1 when the promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    rounds = 30 if quick else 400
    random.seed(1)
    facts: dict[str, Any] = reporting.machine() | {"rounds": rounds}
    with PostgresServer(own=True, shared_buffers="1GB") as server, tempfile.TemporaryDirectory() as folder:
        url = server.create_database("logs")
        postgres = asyncio.run(reporting.postgres_facts(url))
        results = {"Postgres": asyncio.run(run(url, rounds))}
        results["SQLite"] = asyncio.run(run(f"sqlite:///{Path(folder) / 'logs.db'}", rounds))
    worst = max((ratio.median, f"{name}, {page}") for name, (_, pages) in results.items() for page, *_, ratio in pages)
    text = [
        "# What a page costs in a long log\n",
        f"`./dev bench logs`: pages by `app.executions.log_pages.list_page` of a log of {SIZES[0]} lines and of one"
        f" of {SIZES[1]:,}, in ms: median (quartiles). The last {RARE} lines of each are its only errors and the only"
        f" ones of their step. {NEIGHBOURS} logs of {NEIGHBOUR_LINES:,} lines lie between theirs. Ratios are of the"
        " same round.\n",
        f"- {reporting.facts_text(facts)}",
        f"- Postgres: {reporting.facts_text(postgres)}; all data in memory\n",
        f"**Worst ratio: {worst[0]:.2f}** ({worst[1]}); promised: {PROMISE}.\n",
    ]
    for name, (lines, pages) in results.items():
        rows = [(page, of, *figures) for page, of, *figures in pages]
        head = ("page", "lines", f"of {SIZES[0]}", f"of {SIZES[1]:,}", "ratio")
        text += [f"## {name}, {lines:,} lines in all\n", reporting.table(head, rows)]
    if not quick:
        figures_of = {
            name: {
                page: {"lines": of, "ms": [short(a.median), short(b.median)], "ratio": [r.low, r.median, r.high]}
                for page, of, a, b, r in pages
            }
            for name, (_, pages) in results.items()
        }
        data = {"machine": facts, "postgres": postgres, "promise": PROMISE, "worst": worst[0], "pages": figures_of}
        reporting.write("logs", data, "\n".join(text))
    print("\n".join(text))
    return int(worst[0] > PROMISE)


if __name__ == "__main__":
    sys.exit(main())
