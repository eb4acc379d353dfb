"""Executions looked up by their own ids and their workflows'."""

from __future__ import annotations

from app.db import Database
from app.executions import by_ids, latest_of_workflows
from app.paging.search import search_text
from tests.factories import NOON, execution_row, insert_executions


async def test_by_ids_leaves_out_what_is_not_there(database: Database) -> None:
    known = [execution_row(), execution_row()]
    await insert_executions(database, *known)
    found = await by_ids(database, [known[0]["id"], known[1]["id"], "a" * 32, "no id", known[0]["id"]])
    assert found.keys() == {row["id"] for row in known}
    assert all(execution.id == id_ for id_, execution in found.items())
    assert await by_ids(database, []) == {}


async def test_the_latest_of_each_workflow(database: Database) -> None:
    workflows = [f"{n:032x}" for n in (1, 2, 3)]
    newest = []
    for workflow in workflows[:2]:
        data = [execution_row(workflow_id=workflow, queued_at=NOON + n % 4) for n in range(12)]
        await insert_executions(database, *data)
        newest.append(max(data, key=lambda row: (row["queued_at"], row["id"]))["id"])
    latest = await latest_of_workflows(database, [*workflows, "no id", workflows[0]])
    assert {workflow: execution.id for workflow, execution in latest.items()} == dict(
        zip(workflows[:2], newest, strict=True)
    )
    assert await latest_of_workflows(database, []) == {}


def test_search_texts_are_casefolded() -> None:
    assert search_text("Straße", "Run-1", "OOPS") == "strasse\x1frun-1\x1foops"
    assert search_text("a", "b", None) == "a\x1fb\x1f"
