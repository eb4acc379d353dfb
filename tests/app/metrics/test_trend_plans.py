"""How counting for a trend is planned: what a filter names is read from its index, and no table as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import asyncpg
import pytest

from app import clock
from app.db import open_database
from app.executions.filters import ExecutionFilter
from app.lifecycle import State
from app.metrics.of_executions import trend_of
from benchmarks.data import DAY, START, fill
from specs.harness.servers.postgres import PostgresServer
from tests.app.plans import postgres_plans
from tests.factories import record_statements

WINDOW = (START + 3 * DAY, START + 29 * DAY + clock.MINUTE)
FILTERS = (
    (ExecutionFilter(states=(State.TIMED_OUT,)), "executions_state_queued_at"),
    (ExecutionFilter(unresolved=True), "executions_state_queued_at"),
    (ExecutionFilter(failed_step_names=("step-3",)), "executions_failed_step_name"),
    (ExecutionFilter(error_group_ids=("a" * 32,)), "executions_error_group"),
    (ExecutionFilter(workflow_names=("workflow-050",), min_duration=1), "executions_workflow_queued_at"),
    (ExecutionFilter(min_duration=1), "executions_queued_at"),
    (ExecutionFilter(unresolved=False), "executions_queued_at"),
)


@pytest.fixture(scope="module")
def filled_url(postgres_server: PostgresServer, migrated_postgres: str) -> Iterator[str]:
    """A Postgres with 20,000 executions, for reading only."""
    with postgres_server.database("trends", template=migrated_postgres) as url:

        async def run() -> None:
            connection = await asyncpg.connect(url)
            await fill(connection, 20_000)
            await connection.close()

        asyncio.run(run())
        yield url


@pytest.mark.parametrize(("conditions", "index"), FILTERS, ids=lambda value: value if isinstance(value, str) else "")
async def test_no_table_is_read_whole(filled_url: str, conditions: ExecutionFilter, index: str) -> None:
    """Postgres expects a third of all rows within bounds that it does not see, and would join those with the table."""
    database = await open_database(filled_url)
    recorded = record_statements(database)
    where = replace(conditions, queued_from=WINDOW[0], queued_to=WINDOW[1])
    await trend_of(database, where, None, histograms=True)
    counting = recorded[-1]
    await trend_of(database, replace(where, queued_from=None), None, histograms=False, fit=True)
    fitting = next(each for each in recorded if "min(x.queued_at)" in each[0])
    connection = await asyncpg.connect(filled_url)
    plans = [*await postgres_plans(connection, counting), *await postgres_plans(connection, fitting)]
    await connection.close()
    await database.close()
    for plan in plans:
        assert "Seq Scan on executions" not in plan, plan
        assert index in plan
