"""Does a page cost the same at any depth? A million executions on Postgres, read by app.executions.list_page.

    python -m benchmarks.bench_paging           # keeps results/paging.* and results/explain/
    python -m benchmarks.bench_paging --quick   # 100,000 executions, keeps nothing

First pages and deep ones are read in turn, in a new order each round, so that what else the machine does falls on all
of them. A list whose worst ratio is above the promise is measured again with more rounds before it counts.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import asyncpg

from app.db import READ_TIMEOUT_SECONDS, Database, open_database
from app.db.migrate import migrate
from app.errors import LimitExceeded
from app.executions import EXECUTIONS, Execution, ExecutionFilter, ExecutionOrder, OrderField, by_ids, list_page
from app.paging import Page, PageRequest
from benchmarks import reporting
from benchmarks.data import fill
from benchmarks.paging_cases import BORDER, NEWEST_FIRST, PAGE, Case, Place, orderings, places, single_filters
from benchmarks.paging_plans import explained, faults, statements_of
from benchmarks.reporting import Figure, short
from specs.harness.servers import PostgresServer

PROMISE = 1.5
WARMING = 7  # rounds before the first that counts: Postgres has chosen its plans by then
SHARED_BUFFERS = "1GB"
EXPLAIN = reporting.RESULTS / "explain"

Read = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Measured:
    """A page at one place of a list, against the first page of that list."""

    case: str
    place: str
    figure: Figure
    ratio: float  # of the medians


async def measure(reads: Mapping[str, Iterable[Read]], rounds: int) -> dict[str, Figure]:
    """Milliseconds of each way of reading, in turn; what a way has several of is run one after the other."""
    turns = {name: cycle(ways) for name, ways in reads.items()}
    took: dict[str, list[float]] = {name: [] for name in reads}
    order = list(reads)
    for number in range(-WARMING, rounds):
        random.shuffle(order)
        for name in order:
            read = next(turns[name])
            start = time.perf_counter()
            await read()
            if number >= 0:
                took[name].append((time.perf_counter() - start) * 1000)
    return {name: Figure.of(values) for name, values in took.items()}


class Bench:
    """An open database full of executions, and what was found out about it."""

    def __init__(self, database: Database, connection: asyncpg.Connection, rounds: int, *, keep: bool) -> None:
        self.database = database
        self.connection = connection  # for whatever is not our layer
        self.rounds = rounds
        self.keep = keep
        self.faults: list[str] = []
        self.again: list[str] = []

    async def first(self, case: Case) -> Page[Execution]:
        """The first page."""
        return await list_page(self.database, case.filter, case.order, PageRequest(first=PAGE))

    async def cursors(self, case: Case, place: Place) -> list[str]:
        """The cursors of the executions after which the pages of a place begin."""
        page = await self.first(case)
        executions = await by_ids(self.database, place.ids)
        return [page.cursor(executions[id_]) for id_ in place.ids]

    async def requests(self, case: Case) -> dict[str, list[PageRequest]]:
        """The pages of a list that are measured, by the name of their place."""
        requests = {"first page": [PageRequest(first=PAGE)], "last page, backward": [PageRequest(last=PAGE)]}
        for place in await places(self.connection, case):
            cursors = await self.cursors(case, place)
            requests[place.name] = [PageRequest(first=PAGE, after=cursor) for cursor in cursors]
            if not place.name.startswith(BORDER):
                requests[f"{place.name}, backward"] = [PageRequest(last=PAGE, before=cursor) for cursor in cursors]
        return requests

    async def case(self, case: Case) -> list[Measured]:
        """Plans and times of one list."""
        requests = await self.requests(case)
        pages = {name: await statements_of(self.database, case, some[0]) for name, some in requests.items()}
        plans = await explained(self.connection, pages)
        self.faults += [f"{case.name}: {fault}" for fault in faults(plans)]
        if self.keep:
            name = "".join(letter if letter.isalnum() else "_" for letter in case.name.lower())
            (EXPLAIN / f"{name.replace('__', '_')}.txt").write_text(plans)

        def reading(request: PageRequest) -> Read:
            return lambda: list_page(self.database, case.filter, case.order, request)

        reads = {name: [reading(request) for request in some] for name, some in requests.items()}
        for rounds in (self.rounds, self.rounds * 4):
            figures = await measure(reads, rounds)
            base = figures["first page"].median
            measured = [Measured(case.name, name, each, each.median / base) for name, each in figures.items()]
            worst = max(measured, key=lambda each: each.ratio)
            if worst.ratio <= PROMISE:
                break
            self.again.append(f"{case.name}, {worst.place}: {short(worst.ratio)} in {rounds} rounds")
        print(f"{case.name:36} first {short(base):>6} ms; worst × {short(worst.ratio)} ({worst.place})", flush=True)
        return measured

    async def flags(self, case: Case) -> Figure:
        """How many times a first page a deep one costs whose reader also asks whether there are pages before it."""
        requests = await self.requests(case)
        deep = next(some for name, some in requests.items() if name.startswith("half") and "backward" not in name)

        def with_flags(request: PageRequest) -> Read:
            async def read() -> None:
                page = await list_page(self.database, case.filter, case.order, request)
                await page.has_next_page()
                await page.has_previous_page()

            return read

        figures = await measure(
            {"first": [with_flags(PageRequest(first=PAGE))], "deep": [with_flags(request) for request in deep]},
            self.rounds,
        )
        return reporting.ratio(figures["deep"].values, figures["first"].values)

    async def outside(self, case: Case) -> list[tuple[object, ...]]:
        """The same pages by hand: one keyset statement through asyncpg, and OFFSET."""
        columns = ", ".join(EXECUTIONS.names)
        select = f"SELECT {columns} FROM executions WHERE {case.sql}"
        keyset = await self.connection.prepare(
            f"{select} AND (queued_at, id) < ($1, $2) ORDER BY queued_at DESC, id DESC LIMIT {PAGE + 1}"
        )
        offset = await self.connection.prepare(f"{select} ORDER BY queued_at DESC, id DESC LIMIT {PAGE + 1} OFFSET $1")
        total = await self.connection.fetchval(f"SELECT count(*) FROM executions WHERE {case.sql}")
        rows: list[Any] = []
        for depth in sorted({0, min(10_000, total // 4), total // 2, total - 10 * PAGE}):
            number = max(depth - 1, 0)
            key, id_ = await self.connection.fetchrow(
                f"SELECT queued_at, id FROM executions WHERE {case.sql} ORDER BY {case.order_by} OFFSET $1 LIMIT 1",
                number,
            )
            after = None
            if depth:
                after = (await self.cursors(case, Place("", (id_.hex,))))[0]
            position = (key, id_) if depth else (2**63 - 1, "f" * 32)
            request = PageRequest(first=PAGE, after=after)
            figures = await measure(
                {
                    "ours": [_of(list_page, self.database, case.filter, case.order, request)],
                    "keyset": [_of(keyset.fetch, *position)],
                    "offset": [_of(offset.fetch, depth)],
                },
                self.rounds,
            )
            ours, by_hand, by_offset = (figures[name] for name in ("ours", "keyset", "offset"))
            rows.append(
                (
                    case.name,
                    f"{depth:,}",
                    ours,
                    by_hand,
                    by_offset,
                    short(ours.median / by_hand.median),
                    short(by_offset.median / ours.median),
                )
            )
        return rows

    async def limits(self) -> list[tuple[str, str, str]]:
        """Combinations that no index serves: what became of them, and after how many seconds."""
        by_name = ExecutionOrder(OrderField.WORKFLOW_NAME, False)
        by_status = ExecutionOrder(OrderField.STATUS, True)
        day = 86_400 * 1_000_000
        rows: list[Any] = []
        for name, where, order in (
            ("a missing term, a least duration, by name", ExecutionFilter(search="nowhere", min_duration=1), by_name),
            ("a missing term of two letters, a least duration, by name",
             ExecutionFilter(search="zq", min_duration=1), by_name),
            ("no run is so long, two triggers, by status",
             ExecutionFilter(min_duration=day, trigger_kinds=("api", "manual")), by_status),
            ("a missing term of two letters, newest first", ExecutionFilter(search="zq"), NEWEST_FIRST),
        ):  # fmt: skip
            rows.append((name, *await _outcome(list_page(self.database, where, order, PageRequest(first=PAGE)))))
        waiting = self.database.fetch(f"SELECT pg_sleep({READ_TIMEOUT_SECONDS * 2})")
        rows.append((f"a statement that takes {READ_TIMEOUT_SECONDS * 2:g} s", *await _outcome(waiting)))
        return rows


async def _outcome(read: Awaitable[Any]) -> tuple[str, str]:
    start = time.perf_counter()
    try:
        answer = await read
    except LimitExceeded as error:
        said = error.code.value
    else:
        said = f"{len(answer.items)} rows" if isinstance(answer, Page) else "answered"
    return said, f"{time.perf_counter() - start:.2f}"


def _of(function: Callable[..., Awaitable[object]], *arguments: object) -> Read:
    return lambda: function(*arguments)


async def run(executions: int, rounds: int, *, keep: bool) -> int:
    """Fill, measure, report; 1 when the promise is not kept."""
    random.seed(1)
    if keep:
        EXPLAIN.mkdir(parents=True, exist_ok=True)
        for old in EXPLAIN.glob("*.txt"):
            old.unlink()
    with PostgresServer(own=True, shared_buffers=SHARED_BUFFERS, settings={"work_mem": "64MB"}) as server:
        url = server.create_database("paging")
        await migrate(url)
        connection = await asyncpg.connect(url, server_settings={"jit": "off"})
        start = time.perf_counter()
        await fill(connection, executions)
        print(f"{executions:,} executions in {time.perf_counter() - start:.0f} s", flush=True)
        facts: dict[str, Any] = reporting.machine() | {"executions": executions, "rounds": rounds}
        postgres = await reporting.postgres_facts(url)
        database = await open_database(url)
        try:
            bench = Bench(database, connection, rounds, keep=keep)
            workflows = [row[0].hex for row in await connection.fetch("SELECT id FROM workflows ORDER BY name")]
            cases = [*orderings(), *single_filters(workflows)]
            measured = [each for case in cases for each in await bench.case(case)]
            outside = [row for case in (cases[0], cases[12], cases[13]) for row in await bench.outside(case)]
            flags = [(case.name, await bench.flags(case)) for case in (cases[0], cases[4], cases[12])]
            limits = await bench.limits()
        finally:
            await database.close()
            await connection.close()
    text = _text(facts, postgres, measured, outside, flags, limits, bench)
    if keep:
        data = {
            "machine": facts,
            "postgres": postgres,
            "promise": PROMISE,
            "worst": max(each.ratio for each in measured),
            "worst_within_a_segment": max(each.ratio for each in measured if not each.place.startswith(BORDER)),
            "pages": [_plain(each) for each in measured],
            "outside": [[str(cell) for cell in row] for row in outside],
            "page_flags": {name: short(figure.median) for name, figure in flags},
            "limits": limits,
            "measured_again": bench.again,
            "faults": bench.faults,
        }
        reporting.write("paging", data, text)
    print(text)
    return int(bool(bench.faults) or max(each.ratio for each in measured) > PROMISE)


def _plain(each: Measured) -> dict[str, object]:
    figure = each.figure
    times = {"median": figure.median, "quartile_1": figure.low, "quartile_3": figure.high}
    return {
        "list": each.case,
        "page": each.place,
        "ms": {name: round(value, 3) for name, value in times.items()},
        "ratio": round(each.ratio, 3),
    }


def _text(
    facts: dict[str, Any],
    postgres: dict[str, str],
    measured: list[Measured],
    outside: list[tuple[object, ...]],
    flags: list[tuple[str, Figure]],
    limits: list[tuple[str, str, str]],
    bench: Bench,
) -> str:
    worst = max(measured, key=lambda each: each.ratio)
    elsewhere = max((each for each in measured if not each.place.startswith(BORDER)), key=lambda each: each.ratio)
    again = "".join(f"- {line}\n" for line in bench.again) or "none\n"
    plans = "".join(f"- {line}\n" for line in bench.faults) or (
        "None of the plans has a sequential scan of executions, none of the statements an OR.\n"
    )
    return "\n".join(
        [
            "# What a page costs at any depth\n",
            f"`./dev bench paging`: pages of {PAGE} by `app.executions.list_page`, in ms: median (quartiles).",
            "A ratio is a median against that of the first page of the same list, read in turn with it.\n",
            f"- {reporting.facts_text(facts)}",
            f"- Postgres: {reporting.facts_text(postgres)}; data in memory\n",
            f"**Worst ratio: {worst.ratio:.2f}** ({worst.case}, {worst.place}); promised: {PROMISE}.",
            f"But for the one page of a list that goes across the border to the nulls: {elsewhere.ratio:.2f}",
            f"({elsewhere.case}, {elsewhere.place}).\n",
            f"## Plans\n\n{plans}",
            "They are kept in `explain/`, one file a list: as chosen for statements prepared before and run often.\n",
            f"## Lists that were measured again, with four times the rounds\n\n{again}",
            "## By hand\n\nThe same rows by one keyset statement through asyncpg without our layer, and by OFFSET.\n",
            reporting.table(
                ("list", "depth", "ours", "keyset by hand", "OFFSET by hand", "ours / keyset", "OFFSET / ours"), outside
            ),
            "## With both flags of pageInfo\n",
            "Behind a cursor, whether there is a page before is one more statement, for those who ask.\n",
            reporting.table(("list", "deep / first"), [(name, figure) for name, figure in flags]),
            "## Combinations without an index\n",
            reporting.table(("asked for", "ended with", "seconds"), limits),
            "## Every list\n",
            reporting.table(
                ("list", "page", "ms", "ratio"),
                [(each.case, each.place, each.figure, f"{each.ratio:.2f}") for each in measured],
            ),
        ]
    )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="100,000 executions, few rounds, nothing kept")
    quick = parser.parse_args().quick
    return asyncio.run(run(100_000, 15, keep=False) if quick else run(1_000_000, 60, keep=True))


if __name__ == "__main__":
    sys.exit(main())
