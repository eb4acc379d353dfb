"""How streaks are read: from one index, whatever the workflow and the statistics."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import asyncpg
import pytest

from app.alerts import raising, streaks
from app.alerts.streaks import FOREVER, NEVER, Streak
from app.db import Database, Transaction, open_database
from app.lifecycle import State
from specs.harness.servers.postgres import PostgresServer
from tests.app.plans import Statement, postgres_plans, sqlite_plan
from tests.factories import NOON, execution_row, insert_engine, insert_executions, insert_workflow

BUSY, SMALL, BROKEN = "a" * 32, "b" * 32, "c" * 32
ROWS = 20_000

# One workflow has nearly all executions, and failed last an hour ago; one has few; one never succeeds.
_FILL = f"""
INSERT INTO executions (id, engine_id, external_id, workflow_id, workflow_name, trigger_kind, trigger_incomplete, state,
  status, queued_at, started_at, finished_at, updated_at, search_text, state_key, first_event_at, received_at,
  log_count)
SELECT md5('e' || n)::uuid, repeat('e', 32)::uuid, 'run-' || n,
  CASE n % 100 WHEN 0 THEN '{SMALL}' WHEN 1 THEN '{BROKEN}' ELSE '{BUSY}' END::uuid, 'w', 'k', FALSE,
  CASE WHEN n % 100 = 1 OR n % 50 = 7 THEN 5 ELSE 4 END, CASE WHEN n % 100 = 1 OR n % 50 = 7 THEN 2 ELSE 1 END,
  {NOON} + n * 1000, {NOON} + n * 1000, {NOON} + n * 1000, {NOON}, '', '', {NOON}, {NOON}, 0
FROM generate_series(1, {ROWS}) n
"""


def all_of(database: Database) -> Statement:
    return streaks.statement(database), (database.array([BUSY, SMALL, BROKEN]),)


def ended(database: Database) -> Statement:
    return raising.ended_statement(database), ()


def over(database: Database) -> list[Statement]:
    """The statements that read a streak that is over."""
    limits = (*NEVER, *FOREVER)
    texts = (streaks._successes(database, "ASC"), streaks._successes(database, "DESC"), streaks._count(database))
    return [(text, (BUSY, *limits)) for text in texts]


def ends_of(database: Database) -> list[Statement]:
    """The statements that read the ends of a streak, as the transaction gets them."""
    found: list[Statement] = []

    class Recording:
        def __getattr__(self, name: str) -> object:
            return getattr(database, name)

        async def fetch(self, sql: str, *params: object) -> list[tuple[str, int]]:
            found.append((sql, params))
            return [(BUSY, 1)]

    streak = Streak(BUSY, 1)
    coroutine = streaks.ends(Recording(), streak)  # type: ignore[arg-type]
    with pytest.raises(StopIteration):
        coroutine.send(None)
    return found


@pytest.fixture(scope="module", params=["analysed", "never analysed"])
def filled_url(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, migrated_postgres: str
) -> Iterator[str]:
    """A Postgres with many executions, for reading only, with statistics and without."""
    with postgres_server.database("streaks", template=migrated_postgres) as url:

        async def fill() -> None:
            connection = await asyncpg.connect(url)
            engine = "e" * 32
            await connection.execute(f"INSERT INTO engines (id, name, created_at) VALUES ('{engine}', 'e', 0)")
            for id_ in (BUSY, SMALL, BROKEN):
                await connection.execute(
                    "INSERT INTO workflows (id, engine_id, name, search_text) VALUES ($1, $2, $3, '')", id_, engine, id_
                )
            await connection.execute(_FILL)
            if request.param == "analysed":
                await connection.execute("ANALYZE")
            await connection.close()

        asyncio.run(fill())
        yield url


async def test_postgres(filled_url: str) -> None:
    database = await open_database(filled_url)
    connection = await asyncpg.connect(filled_url)
    try:
        for statement in (all_of(database), ended(database), *over(database), *ends_of(database)):
            for plan in await postgres_plans(connection, statement):
                indexes = set(re.findall(r"using (executions\w*)", plan))
                assert indexes <= {"executions_outcome", "executions_pkey"}, plan
                assert "executions_outcome" in indexes, plan
                assert "Seq Scan on executions" not in plan, plan
                assert "Sort" not in plan, plan
                assert "Filter: ((finished_at" not in plan, plan
        lengths = await streaks.lengths(database, [BUSY, SMALL, BROKEN])
        assert lengths == {BUSY: 0, SMALL: 0, BROKEN: ROWS // 100}
    finally:
        await connection.close()
        await database.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sqlite(database: Database) -> None:
    for statement in (all_of(database), ended(database), *over(database), *ends_of(database)):
        plan = await sqlite_plan(database, statement)
        assert re.search(r"status=\? AND \(?finished_at", plan), plan
        lines = [line for line in plan.splitlines() if re.search(r"\b(SCAN|SEARCH) [ex]\b", line)]
        assert lines, plan
        for line in lines:
            assert "executions_outcome (workflow_id=? AND status=?" in line or "sqlite_autoindex_executions_1" in line
        assert "TEMP B-TREE" not in plan, plan


async def test_counting_stops(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = await insert_engine(database, "engine")
    workflow = await insert_workflow(database, engine, "nightly")
    rows = [
        execution_row(workflow_id=workflow, state=State.FAILED, finished_at=NOON + number)
        for number in range(streaks.MAX_COUNT + 5)
    ]
    await insert_executions(database, *rows)
    found = await streaks.of_workflows(database, [workflow, "nonsense", "0" * 32])
    assert found == {workflow: Streak(workflow, streaks.MAX_COUNT)}

    async def ends(transaction: Transaction) -> tuple[int, int]:
        first, last = await streaks.ends(transaction, found[workflow])
        return first.finished_at, last.finished_at

    assert await database.transaction(ends) == (NOON, NOON + streaks.MAX_COUNT + 4)
