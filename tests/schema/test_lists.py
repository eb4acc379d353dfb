"""Lists within lists: an operation asks for a bounded number of rows, however deep it nests them."""

from __future__ import annotations

import pytest

from app.auth.roles import Role, Viewer
from app.db import Database
from app.errors import LimitExceeded
from app.ids import new_id
from resolvers import budget
from resolvers.budget import MAX_ROWS
from schema import schema
from tests.contexts import context_of
from tests.factories import (
    execution_row,
    insert,
    insert_engine,
    insert_executions,
    insert_workflow,
    log_row,
    record_statements,
)

EXECUTIONS = "executions(first: 100) {{ nodes {{ workflow {{ {} }} }} }}"


async def fill(database: Database, number: int) -> list[str]:
    """A workflow with so many executions, each a retry of the one before; the ids of these."""
    engine = await insert_engine(database, "engine")
    workflow = await insert_workflow(database, engine, "workflow")
    ids = [new_id(second) for second in range(number)]
    parents = [None, *ids]
    rows = [
        execution_row(id=id_, engine_id=engine, workflow_id=workflow, retry_of=parent)
        for id_, parent in zip(ids, parents, strict=False)
    ]
    await insert_executions(database, *rows)
    return ids


def nested(levels: int) -> str:
    """The executions of the workflows of executions, and so on."""
    selection = "id"
    for _ in range(levels):
        selection = EXECUTIONS.format(selection)
    return f"{{ {selection} }}"


@pytest.mark.slow
async def test_two_levels_of_whole_pages_are_had(database: Database) -> None:
    await fill(database, 100)
    context = context_of(database)
    result = await schema.execute(nested(2), context_value=context)
    assert result.errors is None
    assert 10_000 < context.budget.rows < MAX_ROWS
    context.forget()  # an event of a subscription is an operation of its own
    assert context.budget.rows == 0


@pytest.mark.slow
@pytest.mark.parametrize("levels", [3, 20])
async def test_further_levels_are_refused_before_they_are_read(database: Database, levels: int) -> None:
    await fill(database, 100)
    recorded = record_statements(database)
    context = context_of(database)
    result = await schema.execute(nested(levels), context_value=context)
    assert result.errors
    assert all(isinstance(error.original_error, LimitExceeded) for error in result.errors)
    # Of the third level as many lists as are left, with two statements each.
    assert len(recorded) < 2 * (MAX_ROWS // 100)


@pytest.mark.parametrize(
    "list_",
    [
        "alerts(first: 10) { nodes { id } }",
        "auditLog(last: 10) { nodes { id } }",
        "errorGroups(first: 10) { nodes { id } }",
        "executions(first: 10) { nodes { id } }",
        "workflows(last: 10) { nodes { id } }",
        'executionLogs(executionId: "execution_ID", first: 10) { nodes { id } }',
        'execution(id: "execution_ID") { logs(first: 10) { nodes { id } } }',
        'execution(id: "execution_ID") { retries(first: 10) { id } }',
        'execution(id: "execution_ID") { steps { id } }',
    ],
)
async def test_every_list_counts(database: Database, monkeypatch: pytest.MonkeyPatch, list_: str) -> None:
    [id_] = await fill(database, 1)
    await insert(database, "log_entries", [log_row(id_, 1)])
    monkeypatch.setattr(budget, "MAX_ROWS", 100)
    for times, refused in ((4, False), (12, True)):
        lists = " ".join(f"a{number}: {list_.replace('ID', id_)}" for number in range(times))
        context = context_of(database, Viewer("x", Role.ADMIN))
        result = await schema.execute(f"{{ {lists} }}", context_value=context)
        assert bool(result.errors) is refused, result.errors
        assert all(isinstance(error.original_error, LimitExceeded) for error in result.errors or ())


async def test_cursor_of_updates_is_read_only_if_it_is_selected(database: Database) -> None:
    statements = record_statements(database)
    for document, reads in (
        ("{ executions { nodes { id } } }", False),
        ("{ executions { updatesCursor } }", True),
        ("{ executions { ...F } } fragment F on ExecutionConnection { u: updatesCursor }", True),
        ("query($u: Boolean!) { executions { nodes { id } updatesCursor @include(if: $u) } }", False),
    ):
        statements.clear()
        result = await schema.execute(document, {"u": False}, context_value=context_of(database))
        assert result.errors is None
        assert any("revision_counter" in sql for sql, _ in statements) is reads, document
