"""How the statements of lists are planned: from an index, whatever the order, the filter and the depth."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any

import asyncpg
import pytest

from app.db import Database, Row, Transaction, open_database
from app.executions import (
    ExecutionFilter,
    ExecutionOrder,
    OrderField,
    count,
    latest_of_workflows,
    lineage,
    list_page,
    neighbour,
)
from app.lifecycle import State, Status
from app.paging import PageRequest
from benchmarks.data import DAY, START, fill
from specs.harness.servers.postgres import PostgresServer
from tests.app.executions.lists import ORDERS
from tests.app.plans import Statement, postgres_plans, sqlite_plan
from tests.factories import record_statements

PlansOf = Callable[[Statement], Awaitable[list[str]]]

SINGLE_FILTERS = {
    "none": ExecutionFilter(),
    "success": ExecutionFilter(statuses=(Status.SUCCESS,)),
    "failure": ExecutionFilter(statuses=(Status.FAILURE,)),
    "pending": ExecutionFilter(statuses=(Status.PENDING,)),
    "finished": ExecutionFilter(statuses=(Status.SUCCESS, Status.FAILURE, Status.CANCELLED)),
    "skipped": ExecutionFilter(states=(State.SKIPPED,)),
    "two states": ExecutionFilter(states=(State.CRASHED, State.SUCCEEDED)),
    "frequent workflow": ExecutionFilter(workflow_names=("workflow-001",)),
    "rare workflow": ExecutionFilter(workflow_names=("workflow-050",)),
    "two workflows": ExecutionFilter(workflow_names=("workflow-001", "workflow-050")),
    "all but one workflow": ExecutionFilter(exclude_workflow_names=("workflow-001",)),
    "engine": ExecutionFilter(engines=("engine-1",)),
    "failed step": ExecutionFilter(failed_step_names=("step-3", "step-7")),
    "error group": ExecutionFilter(error_group_ids=(hashlib.md5(b"group1").hexdigest(),)),
    "time": ExecutionFilter(queued_from=START + 3 * DAY, queued_to=START + 20 * DAY),
}
NULLABLE = (OrderField.STARTED_AT, OrderField.FINISHED_AT, OrderField.DURATION)
INDEX_OF = {
    OrderField.QUEUED_AT: "executions_queued_at",
    OrderField.STARTED_AT: "executions_started_at",
    OrderField.FINISHED_AT: "executions_finished_at",
    OrderField.DURATION: "executions_duration",
    OrderField.WORKFLOW_NAME: "executions_workflow_name",
    OrderField.STATUS: "executions_status",
}

# One execution in 100 is a retry of the one before it.
_RETRIES = """
UPDATE executions SET retry_of = numbered.earlier
FROM (
  SELECT id, lag(id) OVER by_id AS earlier, row_number() OVER by_id AS n FROM executions WINDOW by_id AS (ORDER BY id)
) numbered
WHERE numbered.id = executions.id AND n % 100 = 0
"""

_FAMILIES = """
UPDATE executions SET root_id = coalesce(retry_of, id)
WHERE retry_of IS NOT NULL OR id IN (SELECT retry_of FROM executions)
"""


@pytest.fixture(scope="module")
def filled_url(postgres_server: PostgresServer, migrated_postgres: str) -> Iterator[str]:
    """A Postgres with 20,000 executions, for reading only."""
    with postgres_server.database("scans", template=migrated_postgres) as url:

        async def run() -> None:
            connection = await asyncpg.connect(url)
            await fill(connection, 20_000)
            await connection.execute(_RETRIES)
            await connection.execute(_FAMILIES)
            await connection.execute("VACUUM (ANALYZE) executions")
            await connection.close()

        asyncio.run(run())
        yield url


@pytest.fixture
async def filled(filled_url: str) -> AsyncIterator[Database]:
    database = await open_database(filled_url)
    yield database
    await database.close()


@pytest.fixture
async def plans_of(filled_url: str) -> AsyncIterator[PlansOf]:
    """Ask how Postgres would run a statement, knowing its parameters, and not, as it may from the sixth time on."""
    connection = await asyncpg.connect(filled_url)

    yield partial(postgres_plans, connection)
    await connection.close()


async def page_statements(database: Database, where: ExecutionFilter, order: ExecutionOrder) -> list[Statement]:
    """The statements of first pages from either end, of pages in the middle, and of hasNextPage and hasPreviousPage."""
    statements = record_statements(database)
    first = await list_page(database, where, order, PageRequest(first=100))
    middle = first.end_cursor
    last = await list_page(database, where, order, PageRequest(last=100))
    for request in (PageRequest(after=middle), PageRequest(last=50, before=last.start_cursor), PageRequest(first=1)):
        page = await list_page(database, where, order, request)
        await page.has_next_page()
        await page.has_previous_page()
    named = ("FROM workflows", "FROM error_group_aliases")  # what a filter names, by one key each
    return [statement for statement in statements if not any(each in statement[0] for each in named)]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.field}-{order.descending}")
async def test_every_order_is_read_from_its_index(filled: Database, plans_of: PlansOf, order: ExecutionOrder) -> None:
    for statement in await page_statements(filled, ExecutionFilter(), order):
        for plan in await plans_of(statement):
            assert f"using {INDEX_OF[order.field]}" in plan
            assert "Seq Scan" not in plan
            assert "Bitmap" not in plan
            # With nulls the page itself is sorted once more: it is put together of two parts.
            assert plan.count("Sort Key") == plan.count("CTE head")
            assert "Sort" not in plan or order.field in NULLABLE


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("where", SINGLE_FILTERS.values(), ids=SINGLE_FILTERS)
async def test_every_single_filter_under_queued_at_is_read_from_an_index(
    filled: Database, plans_of: PlansOf, where: ExecutionFilter, descending: bool
) -> None:
    statements = await page_statements(filled, where, ExecutionOrder(OrderField.QUEUED_AT, descending))
    await count(filled, where)
    expected = "executions_(state_|workflow_)?queued_at"
    if where.allowed_states is not None:
        expected = "executions_state_queued_at"
    elif where.names_workflows:
        expected = "executions_workflow_queued_at"
    elif where.failed_step_names:
        expected = "executions_failed_step_name"
    elif where.error_group_ids:
        expected = "executions_error_group"
    for statement in statements:
        for plan in await plans_of(statement):
            assert re.search(f"using {expected} ", plan)
            assert "Seq Scan" not in plan
            assert "Hash Join" not in plan


async def test_the_latest_of_each_workflow_is_read_from_an_index(filled: Database, plans_of: PlansOf) -> None:
    ids = [row[0] for row in await filled.fetch("SELECT id FROM workflows")]
    statements = record_statements(filled)
    assert len(await latest_of_workflows(filled, ids)) == len(ids)
    for plan in await plans_of(statements[0]):
        assert "using executions_workflow_queued_at" in plan
        assert "Seq Scan" not in plan


@pytest.mark.parametrize("statuses", [None, (Status.FAILURE,), (Status.SUCCESS,)], ids=str)
@pytest.mark.parametrize("earlier", [True, False])
async def test_neighbours_in_a_workflow_are_read_from_an_index(
    filled: Database, plans_of: PlansOf, statuses: tuple[Status, ...] | None, earlier: bool
) -> None:
    where = ExecutionFilter(workflow_names=("workflow-001",))
    middle = (await list_page(filled, where, ExecutionOrder(), PageRequest(first=50))).items[-1]
    statements = record_statements(filled)
    found = await neighbour(filled, middle, statuses, earlier=earlier)
    assert found is not None
    assert (found.workflow_id, (found.queued_at, found.id) < (middle.queued_at, middle.id)) == (
        middle.workflow_id,
        earlier,
    )
    assert len(statements) == 1
    for plan in await plans_of(statements[0]):
        assert "using executions_workflow_queued_at" in plan
        assert "Seq Scan" not in plan


async def test_retries_of_an_execution_or_a_bulk_retry_are_read_from_their_index(
    filled: Database, plans_of: PlansOf
) -> None:
    for order in ORDERS:
        for where, index in (
            (ExecutionFilter(retry_of="a" * 32), "executions_retry_of"),
            (ExecutionFilter(bulk_retry_id="a" * 32), "executions_bulk_retry"),
        ):
            statements = await page_statements(filled, where, order)
            for plan in [plan for statement in statements for plan in await plans_of(statement)]:
                assert index in plan
                assert "Seq Scan" not in plan


@pytest.mark.parametrize("others", [{}, {"statuses": (Status.SUCCESS,)}, {"workflow_names": ("workflow-001",)}])
async def test_a_family_is_read_from_its_index(filled: Database, plans_of: PlansOf, others: dict[str, Any]) -> None:
    [(root,)] = await filled.fetch("SELECT root_id FROM executions WHERE root_id IS NOT NULL ORDER BY id LIMIT 1")
    for order in ORDERS:
        where = ExecutionFilter(root_id=root, **others)
        statements = await page_statements(filled, where, order)
        counting = record_statements(filled)
        await count(filled, where)
        statements += counting[-1:]
        for plan in [plan for statement in statements for plan in await plans_of(statement)]:
            assert re.search(" (executions_root|executions_pkey) ", plan), plan
            assert "Seq Scan" not in plan
        if order.field is OrderField.QUEUED_AT:
            assert any("using executions_root " in plan for plan in await plans_of(statements[-1]))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_family_is_read_from_its_index_on_sqlite(database: Database) -> None:
    for order in ORDERS:
        where = ExecutionFilter(root_id="a" * 32, statuses=(Status.SUCCESS,))
        statements = [each for each in await page_statements(database, where, order) if "SELECT root_id" not in each[0]]
        assert statements
        for statement in statements:
            plan = await sqlite_plan(database, statement)
            assert re.search(r"USING (COVERING )?INDEX executions_root \(", plan), plan
            assert "SCAN executions" not in plan


@pytest.mark.parametrize("others", [{}, {"statuses": (Status.SUCCESS,)}, {"workflow_names": ("workflow-001",)}])
async def test_named_executions_are_read_from_their_index(
    filled: Database, plans_of: PlansOf, others: dict[str, Any]
) -> None:
    rows = await filled.fetch("SELECT id, external_id FROM executions ORDER BY queued_at LIMIT 3")
    ids, external_ids = tuple(row[0] for row in rows), tuple(row[1] for row in rows)
    for order in ORDERS:
        for where, index in (
            (ExecutionFilter(ids=ids, **others), "executions_pkey"),
            (ExecutionFilter(external_ids=external_ids, **others), "executions_external_id"),
        ):
            statements = await page_statements(filled, where, order)
            counting = record_statements(filled)
            await count(filled, where)
            statements += counting[-1:]
            for plan in [plan for statement in statements for plan in await plans_of(statement)]:
                assert f" {index}" in plan
                assert "Seq Scan" not in plan


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_named_executions_are_read_from_their_index_on_sqlite(database: Database) -> None:
    for where, index in (
        (ExecutionFilter(ids=("a" * 32,), statuses=(Status.SUCCESS,)), "sqlite_autoindex_executions_1"),
        (ExecutionFilter(external_ids=("run-1",), statuses=(Status.SUCCESS,)), "executions_external_id"),
        (ExecutionFilter(bulk_retry_id="a" * 32, statuses=(Status.SUCCESS,)), "executions_bulk_retry"),
    ):
        for order in ORDERS:
            for statement in await page_statements(database, where, order):
                plan = await sqlite_plan(database, statement)
                assert f"USING INDEX {index} (" in plan
                assert "SCAN executions" not in plan


async def test_families_are_followed_by_their_indexes(filled: Database, plans_of: PlansOf) -> None:
    ids = [row[0] for row in await filled.fetch("SELECT id FROM executions WHERE retry_of IS NOT NULL LIMIT 20")]
    parents = [row[0] for row in await filled.fetch("SELECT retry_of FROM executions WHERE retry_of IS NOT NULL")]
    statements = record_statements(filled)
    await lineage.roots_of(filled, ids)
    await lineage.attempts_of(filled, ids)
    await lineage.retries_of(filled, parents[:20])

    class Looked(Exception):
        """Nothing is kept of what the transaction wrote."""

    async def look(transaction: Transaction) -> None:
        fetch = transaction.fetch

        async def recording(sql: str, *params: object) -> Sequence[Row]:
            statements.append((sql, params))
            return await fetch(sql, *params)

        transaction.fetch = recording  # type: ignore[method-assign]
        await lineage.with_ancestors(transaction, ids)
        await lineage.line_of(transaction, ids[0])
        await lineage.retries_of(transaction, [parents[0]])
        await lineage.refresh_ancestors(transaction, parents[:20])
        await lineage.with_descendants(transaction, parents[:20])
        await lineage.refresh_roots(transaction, ids)
        raise Looked

    with pytest.raises(Looked):
        await filled.transaction(look)
    assert len(ids) == 20
    assert len(statements) == 11
    for statement in statements:
        for plan in await plans_of(statement):
            assert re.search("using executions_(pkey|retry_of) ", plan), plan
            assert "Seq Scan on executions" not in plan, plan


async def test_no_statement_compares_keys_with_or_and_texts_are_few(database: Database) -> None:
    texts = set()
    for where in SINGLE_FILTERS.values():
        for order in ORDERS:
            texts |= {sql for sql, _ in await page_statements(database, where, order)}
    assert not [text for text in texts if re.search(r"\bOR\b", text)]
    assert not [text for text in texts if re.search(r"\bOFFSET\b", text)]
    assert all(re.search(r"\(\w\.\w+(, \w\.\w+)+\) > \(|IS NULL", text) for text in texts)


async def test_the_text_does_not_depend_on_values_or_depth(filled: Database) -> None:
    texts = set()
    for names in (("workflow-001",), ("workflow-050", "workflow-002"), tuple(f"workflow-{n:03}" for n in range(1, 51))):
        where = ExecutionFilter(workflow_names=names)
        statements = await page_statements(filled, where, ExecutionOrder())
        texts |= {sql for sql, _ in statements}
    # Two directions; pages of 100, of 50 and of 1.
    assert len(texts) <= 6
