"""The ways to store runs that bench_store compares; each takes batches of the same runs, a transaction a batch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiosqlite
import asyncpg
from tortoise.expressions import F
from tortoise.transactions import in_transaction

from app import clock
from app.changes import revisions
from app.db import Database, Row, Transaction
from app.events import Event
from app.ingestion import Ingestion
from app.ingestion.arrivals import Arrivals
from app.ingestion.execution_rows import Key
from app.ingestion.fresh_rows import Fresh, at_hand
from app.ingestion.merging import ExecutionFacts
from app.ingestion.registry import Registry
from benchmarks.models import BY_TABLE, RevisionCounter

COUNT = "UPDATE revision_counter SET revision = revision + $1 RETURNING revision"
REVISION = ("execution_id", "revision", "deleted")


@dataclass(slots=True)
class Prepared:
    """One batch of runs in each form that a way takes."""

    events: Sequence[Event]
    facts: dict[Key, ExecutionFacts] = field(default_factory=dict)
    workflows: dict[Key, str] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    rows: dict[str, tuple[Sequence[str], list[Row]]] = field(default_factory=dict)  # by table: columns, rows

    def by_run(self) -> list[dict[str, tuple[Sequence[str], list[Row]]]]:
        """The rows of each run by itself."""
        found: dict[str, dict[str, tuple[Sequence[str], list[Row]]]] = {id_: {} for id_ in self.ids}
        for name, (columns, rows) in self.rows.items():
            for row in rows:
                found[row[0]].setdefault(name, (columns, []))[1].append(row)
        return list(found.values())


class _Recorder:
    """Stands in for a transaction: keeps the rows that app/ingestion/fresh_rows.py would insert."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[Sequence[str], list[Row]]] = {}

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        self.rows.setdefault(table, (columns, []))[1].extend(rows)

    async def insert_missing(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], *, key: Sequence[str], returning: str
    ) -> set[Any]:
        await self.insert(table, columns, rows)
        return {row[0] for row in rows}

    insert_unseen = insert_missing
    meanwhile = Transaction.meanwhile

    async def pause(self) -> None:
        """Nobody else is there."""


async def prepare(database: Database, events: Sequence[Event]) -> Prepared:
    """Register the engine and workflows of the events, and bring them into every form, ahead of all measuring."""
    prepared = Prepared(events)
    registry = Registry()

    async def work(transaction: Transaction) -> None:
        engines = await registry.engine_ids(transaction, {event.source for event in events})
        arrivals = await Arrivals.of_events(transaction, events, engines, clock.now_us())
        prepared.facts = await arrivals.merge(transaction, arrivals.keys)
        prepared.workflows = await registry.workflow_ids(transaction, arrivals.workflows(arrivals.keys))

    await database.transaction(work)
    recorder: Any = _Recorder()
    fresh = Fresh(prepared.workflows, clock.now_us())
    await fresh.insert(recorder, at_hand(prepared.facts))
    prepared.ids = list(fresh.ids.values())
    prepared.rows = recorder.rows
    return prepared


Way = Callable[[Sequence[Prepared]], Awaitable[None]]


def our_record(recorder: Ingestion) -> Way:
    """Decoded events through the whole of Ingestion.record."""

    async def run(batches: Sequence[Prepared]) -> None:
        for batch in batches:
            rejected = await recorder.record(batch.events)
            assert not rejected

    return run


def our_insert(database: Database) -> Way:
    """Merged facts through Fresh and revisions.take: measured with ids and rows."""

    async def run(batches: Sequence[Prepared]) -> None:
        for batch in batches:

            async def work(transaction: Transaction, batch: Prepared = batch) -> None:
                now = clock.now_us()
                fresh = Fresh(batch.workflows, now)
                await fresh.insert(transaction, at_hand(batch.facts))
                await revisions.take(transaction, list(fresh.ids.values()))

            await database.transaction(work)

    return run


async def bulk_create(batches: Sequence[Prepared]) -> None:
    """Tortoise: rows that are ready become models, one bulk_create a table; of the app's work it does less."""
    for batch in batches:
        async with in_transaction() as connection:
            for name, (columns, rows) in batch.rows.items():
                model = BY_TABLE[name]
                await model.bulk_create(
                    [model(**dict(zip(columns, row, strict=True))) for row in rows], using_db=connection
                )
            counter = RevisionCounter.all().using_db(connection)
            await counter.update(revision=F("revision") + len(batch.ids))
            last = (await counter.get()).revision
            revision = BY_TABLE["execution_revisions"]
            stamps = _stamps(batch.ids, last)
            await revision.bulk_create(
                [revision(**dict(zip(REVISION, row, strict=True))) for row in stamps], using_db=connection
            )


def copy_postgres(connection: asyncpg.Connection) -> Way:
    """COPY in Postgres's binary format, and nothing else: what the tables and their indexes take at least."""

    async def run(batches: Sequence[Prepared]) -> None:
        for batch in batches:
            async with connection.transaction():
                for name, (columns, rows) in batch.rows.items():
                    await connection.copy_records_to_table(name, columns=columns, records=rows)
                last = await connection.fetchval(COUNT, len(batch.ids))
                stamps = _stamps(batch.ids, last)
                await connection.copy_records_to_table("execution_revisions", columns=REVISION, records=stamps)

    return run


def row_by_row_postgres(connection: asyncpg.Connection) -> Way:
    """A transaction a run, an INSERT a row, by asyncpg (whose statements are prepared once)."""

    async def run(batches: Sequence[Prepared]) -> None:
        for batch in batches:
            for tables in batch.by_run():
                async with connection.transaction():
                    for name, (columns, rows) in tables.items():
                        for row in rows:
                            await connection.execute(_insert(name, columns, "$"), *row)
                    id_ = tables["executions"][1][0][0]
                    last = await connection.fetchval(COUNT, 1)
                    await connection.execute(_insert("execution_revisions", REVISION, "$"), id_, last, False)

    return run


def row_by_row_sqlite(connection: aiosqlite.Connection) -> Way:
    """A transaction a run, an INSERT a row, by aiosqlite."""

    async def run(batches: Sequence[Prepared]) -> None:
        for batch in batches:
            for tables in batch.by_run():
                await connection.execute("BEGIN IMMEDIATE")
                for name, (columns, rows) in tables.items():
                    for row in rows:
                        await connection.execute(_insert(name, columns, "?"), row)
                id_ = tables["executions"][1][0][0]
                [[last]] = await connection.execute_fetchall(COUNT.replace("$", "?"), (1,))
                await connection.execute(_insert("execution_revisions", REVISION, "?"), (id_, last, False))
                await connection.execute("COMMIT")

    return run


def _stamps(ids: Sequence[str], last: int) -> list[tuple[str, int, bool]]:
    return [(id_, last - len(ids) + place, False) for place, id_ in enumerate(ids, 1)]


def _insert(table: str, columns: Sequence[str], mark: str) -> str:
    marks = ", ".join(f"{mark}{number}" for number in range(1, len(columns) + 1))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
