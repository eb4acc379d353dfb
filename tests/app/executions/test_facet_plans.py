"""How facets are planned: the newest rows that match come from an index, and no table is read as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from app.db import Database, open_database
from app.executions import ExecutionFilter, facets
from app.executions.facets import Facet, Facets
from app.lifecycle import State, Status
from benchmarks.data import fill
from specs.harness.servers.postgres import PostgresServer
from tests.app.plans import postgres_plans, sqlite_plan
from tests.factories import record_statements

FILTERS = (
    (Facet.WORKFLOW, ExecutionFilter(), "executions_queued_at"),
    (Facet.ENGINE, ExecutionFilter(min_duration=1), "executions_queued_at"),
    (Facet.WORKFLOW, ExecutionFilter(statuses=(Status.FAILURE,)), "executions_state_queued_at"),
    (Facet.TRIGGER_KIND, ExecutionFilter(states=(State.TIMED_OUT,)), "executions_state_queued_at"),
    (Facet.TRIGGER_KIND, ExecutionFilter(workflow_names=("workflow-050",)), "executions_workflow_queued_at"),
    (Facet.WORKFLOW, ExecutionFilter(failed_step_names=("step-3",)), "executions_failed_step_name"),
    (Facet.FAILED_STEP_NAME, ExecutionFilter(error_group_ids=("a" * 32,)), "executions_error_group"),
    (Facet.WORKFLOW, ExecutionFilter(external_ids=("run-1",)), "executions_external_id"),
)


@pytest.fixture(scope="module")
def filled_url(postgres_server: PostgresServer, migrated_postgres: str) -> Iterator[str]:
    """A Postgres with 20,000 executions, for reading only."""
    with postgres_server.database("facets", template=migrated_postgres) as url:

        async def run() -> None:
            connection = await asyncpg.connect(url)
            await fill(connection, 20_000)
            await connection.execute("VACUUM (ANALYZE) executions")
            await connection.close()

        asyncio.run(run())
        yield url


@pytest.mark.parametrize(
    ("facet", "where", "index"), FILTERS, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_no_table_is_read_whole(
    filled_url: str, facet: Facet, where: ExecutionFilter, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets, "MAX_ROWS", 1_000)  # as small a part of this table as 100,000 are of a full one
    database = await open_database(filled_url)
    recorded = record_statements(database)
    await Facets(database).by(facet, where)
    statement = next(each for each in recorded if " GROUP BY x.value" in each[0])
    connection = await asyncpg.connect(filled_url)
    plans = await postgres_plans(connection, statement)
    await connection.close()
    await database.close()
    for plan in plans:
        assert "Seq Scan on executions" not in plan, plan
        assert index in plan


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("facet", Facet)
async def test_no_table_is_read_whole_on_sqlite(database: Database, facet: Facet) -> None:
    recorded = record_statements(database)
    await Facets(database).by(facet, ExecutionFilter(min_duration=1))
    plan = await sqlite_plan(database, recorded[0])
    assert "USING INDEX executions_queued_at" in plan
