"""A page costs a fixed number of statements, and what loaders remember ends with the operation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from app.db import Database
from app.ids import new_id
from app.lifecycle import State
from resolvers.context import Context
from resolvers.loaders import Loader
from schema import schema
from tests.contexts import context_of
from tests.factories import (
    NOON,
    execution_row,
    insert,
    insert_engine,
    insert_executions,
    insert_workflow,
    record_statements,
    step_row,
)

PAGE = """{ executions(first: 50) { nodes {
  id attempt engine { name } workflow { name engine { name } } retryOf { id retryOf { id } }
  stepCount currentStep { name } rootExecutionId trigger { label data dataBytes } error { message stackTrace truncated }
} } }"""


def context(database: Database) -> Context:
    return context_of(database)


async def fill(database: Database) -> None:
    """Two engines with three workflows each; 60 failed executions, each but the first ten a retry of another."""
    rows: list[dict[str, Any]] = []
    workflows = []
    for engine in ("one", "two"):
        engine_id = await insert_engine(database, engine)
        workflows += [(engine_id, await insert_workflow(database, engine_id, f"{engine} {n}")) for n in range(3)]
    for number in range(60):
        engine_id, workflow_id = workflows[number % 6]
        at = NOON + number
        rows.append(
            execution_row(
                id=new_id(at),
                engine_id=engine_id,
                workflow_id=workflow_id,
                queued_at=at,
                state=State.FAILED,
                retry_of=rows[number - 10]["id"] if number >= 10 else None,
            )
        )
    for row in rows[-6:]:
        row |= {"state": int(State.RUNNING), "status": int(State.RUNNING.status)}
    await insert_executions(database, *rows)
    await insert(
        database,
        "execution_payloads",
        [{"execution_id": row["id"], "trigger_data": '{"a": 1.0}', "trigger_data_bytes": 10} for row in rows],
    )
    await insert(database, "steps", [step_row(row["id"], index) for row in rows for index in range(2)])


async def test_a_page_takes_one_statement_a_kind(database: Database) -> None:
    await fill(database)
    recorded = record_statements(database)
    result = await schema.execute(PAGE, context_value=context(database))
    assert result.errors is None
    assert result.data is not None
    nodes = result.data["executions"]["nodes"]
    assert len(nodes) == 50
    assert {node["attempt"] for node in nodes} == {2, 3, 4, 5, 6}
    assert {node["stepCount"] for node in nodes} == {2}
    assert [node["currentStep"] for node in nodes] == [{"name": "step 1"}] * 6 + [None] * 44
    assert nodes[0]["workflow"]["engine"]["name"] == nodes[0]["engine"]["name"] == "two"
    assert nodes[0]["retryOf"]["retryOf"] is not None
    statements = [statement for statement, _ in recorded]
    # Revision, page, attempts, engines, workflows, payloads, progress, and the steps under way; two for retryOf, which
    # goes two deep. Engines are known by the time that workflows ask for them.
    assert len(statements) <= 11, statements
    for table in ("FROM engines", "FROM workflows", "FROM execution_payloads", "WITH RECURSIVE", "FROM steps s JOIN"):
        assert sum(table in statement for statement in statements) == 1, table


WORKFLOWS = """{ workflowMetrics(filter: {from: "2026-05-28T00:00:00Z", to: "2026-05-29T00:00:00Z"}) { nodes {
  total failed p95DurationMs trend { failed } previous { total }
  workflow { name engine { name } consecutiveFailures overdue usualGapMs recent(first: 3) { status queuedAt } }
} } }"""


async def test_a_page_of_workflows_takes_one_statement_a_kind(database: Database) -> None:
    await fill(database)
    recorded = record_statements(database)
    result = await schema.execute(WORKFLOWS, context_value=context(database))
    assert result.errors is None
    assert result.data is not None
    nodes = result.data["workflowMetrics"]["nodes"]
    assert len(nodes) == 6
    for node in nodes:
        recent = node["workflow"]["recent"]
        assert [run["status"] for run in recent] == ["PENDING", "FAILURE", "FAILURE"]
        assert recent == sorted(recent, key=lambda run: run["queuedAt"], reverse=True)
    statements = [statement for statement, _ in recorded]
    # Workflows, figures, trends, the window before, engines, streaks, the newest runs, and pauses.
    assert len(statements) <= 8, statements


async def test_loaders_end_with_their_operation(database: Database) -> None:
    id_ = await insert_engine(database, "one")
    query = f'{{ node(id: "engine_{id_}") {{ ... on Engine {{ name }} }} }}'
    statements = record_statements(database)
    for number in (1, 2):
        result = await schema.execute(query, context_value=context(database))
        assert result.errors is None
        assert len(statements) == number


class Reads:
    """A read that can be made to fail or to wait, and remembers the ids."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.error: Exception | None = None
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, database: Any, ids: Iterable[str]) -> dict[str, str]:
        self.asked.append(list(ids))
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return {id_: id_.upper() for id_ in self.asked[-1] if id_ != "missing"}


def make_loader(reads: Reads) -> Loader[str]:
    return Loader(reads, None)  # type: ignore[arg-type]  # the reads need no database


async def test_one_turn_is_one_read_and_each_id_is_read_once() -> None:
    reads = Reads()
    loader = make_loader(reads)
    found = await asyncio.gather(loader.load("a"), loader.load("b"), loader.load("a"), loader.load("missing"))
    assert list(found) == ["A", "B", "A", None]
    assert await loader.load("a") == "A"
    assert reads.asked == [["a", "b", "missing"]]


async def test_a_failed_read_fails_all_who_wait_and_is_tried_again() -> None:
    reads = Reads()
    reads.error = RuntimeError("no database")
    loader = make_loader(reads)
    found = await asyncio.gather(loader.load("a"), loader.load("b"), loader.load("a"), return_exceptions=True)
    assert all(each is reads.error for each in found)
    reads.error = None
    assert await loader.load("a") == "A"
    assert reads.asked == [["a", "b"], ["a"]]


@pytest.mark.parametrize("fails", [False, True])
async def test_one_cancelled_field_leaves_the_others_alone(fails: bool) -> None:
    reads = Reads()
    reads.go.clear()
    loader = make_loader(reads)

    async def field() -> str | None:
        return await loader.load("a")

    given_up, waiting = asyncio.create_task(field()), asyncio.create_task(field())
    await asyncio.sleep(0.01)  # the read is under way
    assert reads.asked == [["a"]]
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    if fails:
        reads.error = RuntimeError("no database")
    reads.go.set()
    if fails:
        with pytest.raises(RuntimeError, match="no database"):
            await waiting
    else:
        assert await waiting == "A"
        assert await loader.load("a") == "A"
    assert reads.asked == [["a"]]


async def test_a_read_of_nobody_waiting_any_more_is_silent() -> None:
    reads = Reads()
    reads.error = RuntimeError("no database")
    loader = make_loader(reads)
    only = asyncio.ensure_future(loader.load("a"))
    await asyncio.sleep(0)
    only.cancel()
    await asyncio.sleep(0.01)
    assert reads.asked == [["a"]]
