"""Logs as the schema shows them: batched, by both ways in, and refused when they cannot be meant."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from strawberry.types.execution import PreExecutionError

from app import ids
from app.db import Database, Transaction
from app.errors import LimitExceeded
from app.executions import log_counts, log_pages, logs
from app.ingestion import Ingestion
from schema import schema
from tests.app.reports import events, line, report, row_of, step
from tests.contexts import context_of
from tests.factories import record_statements
from tests.sealing import SEALER

LOG = """
fragment Log on ExecutionLogConnection {
  nodes { id at level message attributes truncated step { id name } } edges { cursor node { id } }
  pageInfo { hasNextPage hasPreviousPage endCursor } updatesCursor execution { externalId }
}
"""
BY_ROOT = LOG + "query L($id: ID!, $step: ID) { executionLogs(executionId: $id, stepId: $step) { ...Log } }"
BY_RUN = LOG + "query L($id: ID!, $step: ID) { execution(id: $id) { logs(stepId: $step) { ...Log } } }"


async def ask(database: Database, document: str, **variables: Any) -> Any:
    context = context_of(database)
    return await schema.execute(document, variables, context_value=context)


def sent(data: Any) -> Any:
    """Data as a client gets them; JSON is passed on as it is stored."""
    return orjson.loads(orjson.dumps(data))


async def write(database: Database, *reports: dict[str, Any], subject: str = "run") -> str:
    """Report events of one execution; its id."""
    await Ingestion(database, SEALER).record(events(reports, subject))
    id_: str = (await row_of(database, subject))["id"]
    return id_


async def test_both_ways_in_show_the_same_with_few_statements(database: Database) -> None:
    lines = [line(str(n), at=n, level="ERROR", step=n % 3, attributes={"n": n}) for n in range(9)]
    id_ = await write(database, report("execution.queued"), step("started", 0), step("started", 1), *lines)
    global_id = ids.to_global("execution", id_)
    statements = record_statements(database)
    by_root = await ask(database, BY_ROOT, id=global_id)
    # The execution, the position, the page; the steps, and the definition, which might name the one not reported.
    assert len(statements) == 5, statements
    by_run = await ask(database, BY_RUN, id=global_id)
    assert by_root.errors is by_run.errors is None
    log = sent(by_root.data["executionLogs"])
    assert sent(by_run.data["execution"]["logs"]) == log
    assert [node["id"] for node in log["nodes"]] == [f"log_{id_}_{n}" for n in range(1, 10)]
    assert [edge["node"]["id"] for edge in log["edges"]] == [node["id"] for node in log["nodes"]]
    first = log["nodes"][0]
    assert (first["at"], first["level"], first["message"]) == ("2026-05-28T20:26:40.000000Z", "ERROR", "0")
    assert [node["step"] and node["step"]["name"] for node in log["nodes"][:3]] == ["step 0", "step 1", None]
    assert log["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": False, "endCursor": log["edges"][-1]["cursor"]}
    assert first["attributes"] == {"n": 0}
    assert log["execution"] == {"externalId": "run"}


NUMBERS = """
fragment Log on ExecutionLogConnection { edges { node { number message } } nodes { number message } }
query L($id: ID!, $level: LogLevel) {
  executionLogs(executionId: $id, minLevel: $level) { ...Log }
  execution(id: $id) { logs(last: 2, minLevel: $level) { ...Log } }
}
"""
FOLLOW = """
subscription F($id: ID!, $after: String) {
  executionLogAppended(executionId: $id, after: $after) {
    cursor entry { message number } entries { message number step { name } }
  }
}
"""


async def test_numbers_are_read_together_when_they_are_asked_for(database: Database) -> None:
    lines = [line(str(n), at=n, level="ERROR" if n % 2 else "INFO") for n in (1, 2, 3, 4)]
    id_ = await write(database, report("execution.queued"), *lines, line("0", at=0))
    statements = record_statements(database)
    for level, all_, last in ((None, [1, 2, 3, 4, 5], [4, 5]), ("ERROR", [2, 4], [2, 4])):
        statements.clear()
        found = await ask(database, NUMBERS, id=ids.to_global("execution", id_), level=level)
        for log, expected in (
            (found.data["executionLogs"], all_),
            (found.data["execution"]["logs"], last),
        ):
            assert log["nodes"] == [edge["node"] for edge in log["edges"]]
            assert [node["number"] for node in log["nodes"]] == expected
            assert [int(node["message"]) + 1 for node in log["nodes"]] == expected
        # The execution; and for each list its page and its numbers.
        assert len(statements) == 1 + 2 * 2, statements


async def test_the_log_of_a_run_that_is_deleted_meanwhile_is_not_empty(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = await write(database, report("execution.queued"), line("0"))
    document = "query L($id: ID!) { execution(id: $id) { logs(minLevel: FATAL) { nodes { message } } } }"
    found = await ask(database, document, id=ids.to_global("execution", id_))
    assert found.data == {"execution": {"logs": {"nodes": []}}}
    list_page = log_pages.list_page

    async def late(*given: Any) -> Any:
        async def delete(transaction: Transaction) -> None:
            for table, column in (("log_entries", "execution_id"), ("executions", "id")):
                await transaction.fetch(f"DELETE FROM {table} WHERE {column} = $1", id_)

        await database.transaction(delete)
        return await list_page(*given)

    monkeypatch.setattr(log_pages, "list_page", late)
    found = await ask(database, document, id=ids.to_global("execution", id_))
    assert found.data == {"execution": None}
    assert [error.original_error.extensions["code"] for error in found.errors] == ["NOT_FOUND"]


AROUND = """
query L($id: ID!, $around: ID!) {
  executionLogs(executionId: $id, around: $around, size: 3) {
    nodes { message } pageInfo { hasNextPage hasPreviousPage }
    levels { level count { value kind } } matches(search: "x") { number }
  }
}
"""


async def test_lines_around_one_take_three_statements_and_each_figure_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = await write(database, report("execution.queued"), *(line(f"x{n}", at=n) for n in range(9)))
    variables = {"id": ids.to_global("execution", id_), "around": ids.log_id(id_, 5)}
    statements = record_statements(database)
    found = await ask(database, AROUND, **variables)
    assert found.errors is None
    log = found.data["executionLogs"]
    assert [node["message"] for node in log["nodes"]] == ["x3", "x4", "x5"]
    assert log["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": True}
    assert [match["number"] for match in log["matches"]] == list(range(1, 10))
    assert len(statements) == 3 + 2, statements

    async def late(*_: object) -> None:
        raise LimitExceeded("late")

    # What takes too long leaves the others.
    monkeypatch.setattr(log_counts, "levels", late)
    monkeypatch.setattr(log_counts, "matches", late)
    found = await ask(database, AROUND, **variables)
    assert [error.original_error.extensions["code"] for error in found.errors] == ["LIMIT_EXCEEDED"] * 2
    assert found.data["executionLogs"] == log | {"levels": None, "matches": None}


async def test_an_update_with_several_lines_takes_no_statement_a_line(database: Database) -> None:
    reports = [step("started", 0), step("started", 1), *(line(str(n), at=9 - n, step=n % 2) for n in range(8))]
    id_ = await write(database, report("execution.queued"), *reports)
    position = await logs.position(database, id_)
    assert position is not None
    statements = record_statements(database)
    variables = {"id": ids.to_global("execution", id_), "after": position.at(2).cursor}
    stream = await schema.subscribe(FOLLOW, variables, context_value=context_of(database))
    assert not isinstance(stream, PreExecutionError)
    (result,) = [await anext(stream)]
    await stream.aclose()
    assert result.errors is None
    assert result.data is not None
    update = result.data["executionLogAppended"]
    assert [entry["message"] for entry in update["entries"]] == ["2", "3", "4", "5", "6", "7"]
    assert [entry["number"] for entry in update["entries"]] == [6, 5, 4, 3, 2, 1]
    assert [entry["step"]["name"] for entry in update["entries"]] == ["step 0", "step 1"] * 3
    assert update["entry"] == {"message": "7", "number": 1}
    # The position, the lines; their numbers, and their steps.
    assert len(statements) == 4, statements


async def test_of_one_step(database: Database) -> None:
    id_ = await write(database, line("a", at=1, step=0), line("b", at=2, step=1), line("c", at=3))
    for index, expected in ((0, ["a"]), (1, ["b"]), (7, [])):
        found = await ask(database, BY_ROOT, id=ids.to_global("execution", id_), step=ids.step_id(id_, index))
        assert [node["message"] for node in found.data["executionLogs"]["nodes"]] == expected


@pytest.mark.parametrize("document", [BY_ROOT, BY_RUN])
async def test_a_step_of_anything_else_is_refused(database: Database, document: str) -> None:
    id_ = await write(database, line("a", step=0))
    other = await write(database, line("a", step=0), subject="other")
    global_id = ids.to_global("execution", id_)
    for foreign in (ids.step_id(other, 0), global_id, "", "nonsense", ids.step_id(id_, 0) + "0000", f"step_{id_}_-1"):
        found = await ask(database, document, id=global_id, step=foreign)
        assert found.errors is not None, foreign
        assert found.errors[0].original_error.extensions["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("id_", ["execution_" + "0" * 32, "workflow_" + "0" * 32, "nonsense", "", "a\0b"])
async def test_an_unknown_execution_has_no_log(database: Database, id_: str) -> None:
    await write(database, line("a"))
    found = await ask(database, BY_ROOT, id=id_)
    assert (found.errors, found.data) == (None, {"executionLogs": None})
