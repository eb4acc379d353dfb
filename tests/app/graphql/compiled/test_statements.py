"""Plans read what graphql-core's execution reads: the same number of statements, whatever the number of rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson
import pytest

from app.auth import Role, Viewer
from app.db import Database
from app.db.rows import MAX_SELECTIONS, RowsOf
from app.executions import Execution
from tests.app.graphql.compiled.asking import by_core, by_plan
from tests.app.graphql.compiled.test_equality import filled
from tests.contexts import context_of
from tests.factories import record_statements

# Each loader is reached by one way alone: of two, which is faster decides whether they share a statement.
RUNS = (
    "id workflow { name engine { name } } engine { name } error { message group { count } }",
    "attempt retryOf { id } rootExecution { id } failedStep { name input }",
    "trigger { data dataBytes } retryability { canRetry } steps { output }",
)
DOCUMENTS = (
    *(f"{{ executions {{ nodes {{ {each} }} }} }}" for each in RUNS),
    "{ workflows { nodes { engine { name } consecutiveFailures lastExecution { workflow { id } } } } }",
    "{ errorGroups { edges { count node { latestExecution { id } } } } metrics { topErrors { group { id } } } }",
)


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_plan_needs_no_more_statements(database: Database, document: str) -> None:
    await filled(database)
    statements = record_statements(database)
    viewer = Viewer("root", Role.ADMIN, None)
    expected = await by_core(document, None, context_of(database, viewer))
    by_core_alone = len(statements)
    statements.clear()
    assert await by_plan(document, None, context_of(database, viewer)) == expected
    assert 0 < len(statements) <= by_core_alone


async def test_plan_reads_the_columns_that_are_selected(database: Database) -> None:
    await filled(database)
    statements = record_statements(database)
    document = """query Page($first: Int, $after: String, $named: Boolean!) {
      executions(first: $first, after: $after, orderBy: {field: DURATION}) {
        edges {
          cursor
          node { key: externalId workflow @include(if: $named) { name engine { name } } error { message } }
        }
        pageInfo { endCursor hasPreviousPage hasNextPage }
      }
    }"""
    after = None
    for named in (True, False, True):
        variables = {"first": 3, "after": after, "named": named}
        expected = await by_core(document, variables, context_of(database))
        whole = [sql for sql, _ in statements if "external_id" in sql]
        statements.clear()
        assert await by_plan(document, variables, context_of(database)) == expected
        page, *_ = [sql for sql, _ in statements if "external_id" in sql]
        assert "requested_by" in whole[0]
        assert "requested_by" not in page
        assert ("workflow_id" in page) == named
        statements.clear()
        after = orjson.loads(expected)["data"]["executions"]["pageInfo"]["endCursor"]


@pytest.mark.parametrize(
    "asked", ["first: 2", "last: 1, minLevel: DEBUG", "around: $line, size: 2", "skip: 1, first: 1"]
)
async def test_plan_reads_the_columns_of_lines_that_are_selected(database: Database, asked: str) -> None:
    """The lists below the log's execution have rows of their own."""
    id_ = (await filled(database))["executionId"][0]
    ids = await by_core(
        "query Q($id: ID!) { executionLogs(executionId: $id) { nodes { id } } }", {"id": id_}, context_of(database)
    )
    line = orjson.loads(ids)["data"]["executionLogs"]["nodes"][0]["id"]
    below = "execution { steps { name } logs(first: 1) { nodes { level truncated attributes } } }"
    document = f"""query Log($id: ID!, $line: ID!) {{
      executionLogs(executionId: $id, {asked}) {{
        edges {{ cursor node {{ id level message }} }} offset pageInfo {{ startCursor hasNextPage }} %s
      }}
      line: node(id: $line) @skip(if: true) {{ id }}
    }}"""
    statements = record_statements(database)
    variables = {"id": id_, "line": line}
    for more, read in (("", ""), (below, "attributes_bytes"), ("nodes { truncated }", "attributes_bytes")):
        statements.clear()
        expected = await by_core(document % more, variables, context_of(database))
        assert _reads_of_lines(statements, "step_index") != []
        statements.clear()
        assert await by_plan(document % more, variables, context_of(database)) == expected
        assert _reads_of_lines(statements, "x.step_index,") == []
        assert bool(_reads_of_lines(statements, "attributes_bytes")) == bool(read)


def _reads_of_lines(statements: Sequence[tuple[str, object]], column: str) -> list[str]:
    return [sql for sql, _ in statements if "x.message" in sql and column in sql]


async def test_one_execution_with_steps_and_log_takes_a_statement_each(database: Database) -> None:
    id_ = (await filled(database))["executionId"][0]
    below = "steps { name error { message } } logs(first: 2) { edges { cursor node { message } } %s }"
    statements = record_statements(database)
    for more, expected in (("pageInfo { hasNextPage }", 3), ("updatesCursor", 4)):
        document = f"query Q($id: ID!) {{ execution(id: $id) {{ state {below % more} }} }}"
        for ask in (by_core, by_plan):
            statements.clear()
            answer = await ask(document, {"id": id_}, context_of(database))
            assert answer is not None
            assert b"line 0" in answer
            assert len(statements) == expected, statements


def test_sets_of_columns_are_few() -> None:
    """Each has statements of its own, which connections keep prepared."""
    table = RowsOf(Execution, "e")
    names = table.names[: MAX_SELECTIONS + 5]
    chosen = [table.select(frozenset({name, other})) for name in names for other in names]
    assert len(set(chosen)) <= MAX_SELECTIONS + 1
    assert chosen[-1] == table.names
    assert set(chosen[1]) == {names[0], names[1]}


async def test_cancelled_queries_leave_the_database_as_it_was(database: Database) -> None:
    await filled(database)
    for moment in range(30):
        asking = asyncio.create_task(by_plan(DOCUMENTS[0], None, context_of(database)))
        for _ in range(moment):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    answers = await asyncio.gather(*(by_plan(DOCUMENTS[0], None, context_of(database)) for _ in range(20)))
    assert None not in answers
    assert len(set(answers)) == 1
