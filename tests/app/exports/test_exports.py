"""Exports: every row once, in pieces of a page, cut off where they must end."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterable
from typing import Any

import pytest

from app import exports
from app.db import Database
from app.errors import BadInput
from app.executions import EVERYTHING, ExecutionFilter
from app.executions.logs import LogEnd, LogFilter
from app.exports import Format
from app.exports import executions as execution_exports
from app.exports import logs as log_exports
from app.ids import new_id
from app.lifecycle import State, Status
from tests.factories import NOON, execution_row, insert, insert_engine, insert_executions, log_row, step_row

COLUMNS = execution_exports.columns_of(None)


async def text_of(pieces: AsyncIterable[bytes]) -> str:
    return b"".join([piece async for piece in pieces]).decode()


async def fill(database: Database, count: int, **given: Any) -> list[str]:
    """Runs of one engine, a second apart; their ids, newest first."""
    engine = await insert_engine(database, "engine")
    rows = [
        execution_row(id=new_id(NOON + n), engine_id=engine, queued_at=NOON + n * 1_000_000, **given)
        for n in range(count)
    ]
    await insert_executions(database, *rows)
    return [f"execution_{row['id']}" for row in reversed(rows)]


async def test_pages_follow_each_other_without_a_gap(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_exports, "PAGE_ROWS", 10)
    ids = await fill(database, 25)
    lines = (await text_of(execution_exports.pieces(database, EVERYTHING, ("id",), Format.NDJSON))).splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids
    text = await text_of(execution_exports.pieces(database, EVERYTHING, ("id", "queuedAt"), Format.CSV))
    rows = list(csv.reader(text.splitlines()))
    assert rows[0] == ["id", "queuedAt"]
    assert [row[0] for row in rows[1:]] == ids


async def test_what_is_beyond_the_bound_is_said(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_exports, "PAGE_ROWS", 10)
    await fill(database, 25)
    for most, cut in ((20, True), (25, False), (12, True)):
        pieces = execution_exports.pieces(database, EVERYTHING, ("id",), Format.NDJSON, most)
        *_, last = lines = (await text_of(pieces)).splitlines()
        assert (json.loads(last) == {"cutOff": f"after {most} runs"}) is cut
        assert len(lines) == most + cut


async def test_a_row_has_every_column_as_lists_show_it(database: Database) -> None:
    (id_,) = await fill(
        database, 1, state=State.FAILED, started_at=NOON + 1, finished_at=NOON + 2_001, duration=2_000,
        error_message='line 1\nline "2"', retry_of="a" * 32, requested_by="anna", failed_step_name="check",
    )  # fmt: skip
    (line,) = (await text_of(execution_exports.pieces(database, EVERYTHING, COLUMNS, Format.NDJSON))).splitlines()
    found = json.loads(line)
    assert tuple(found) == COLUMNS
    assert found["id"] == id_
    assert (found["engine"], found["status"], found["state"], found["durationMs"]) == ("engine", "FAILURE", "FAILED", 2)
    assert (found["retryOf"], found["triggerLabel"]) == (f"execution_{'a' * 32}", None)
    assert found["finishedAt"].endswith(".002001Z")
    text = await text_of(execution_exports.pieces(database, EVERYTHING, ("errorMessage", "startedAt"), Format.CSV))
    assert list(csv.reader(text.splitlines(keepends=True)))[1][0] == 'line 1\nline "2"'


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
async def test_no_cell_is_a_formula(database: Database, start: str) -> None:
    await fill(database, 1, workflow_name=f"{start}cmd|x", error_message="a=b")
    text = await text_of(execution_exports.pieces(database, EVERYTHING, ("workflow", "errorMessage"), Format.CSV))
    assert text.split("\r\n", 1)[1].strip('"').startswith(f"'{start}cmd|x")
    assert "'a=b" not in text
    line = await text_of(execution_exports.pieces(database, EVERYTHING, ("workflow",), Format.NDJSON))
    assert json.loads(line) == {"workflow": f"{start}cmd|x"}


async def test_nothing_is_a_header_alone(database: Database) -> None:
    nothing = ExecutionFilter(statuses=(Status.FAILURE,))
    await fill(database, 1)
    assert await text_of(execution_exports.pieces(database, nothing, ("id",), Format.CSV)) == "id\r\n"
    assert await text_of(execution_exports.pieces(database, nothing, ("id",), Format.NDJSON)) == ""


@pytest.mark.parametrize("names", [["nonsense"], [], ["id", "id"]])
def test_columns_that_cannot_be_meant(names: list[str]) -> None:
    with pytest.raises(BadInput, match=r"^columns: "):
        execution_exports.columns_of(names)


async def test_a_log_has_its_lines_in_order(database: Database) -> None:
    (id_,) = await fill(database, 1)
    run = id_.removeprefix("execution_")
    await insert(database, "steps", [step_row(run, 0, name="read")])
    lines = [
        log_row(run, number, message=f"row {number}", step_index=0 if number == 2 else None) for number in (1, 2, 3)
    ]
    await insert(database, "log_entries", [{**line, "attributes": '{"n": 1.10}'} for line in lines])
    upto = LogEnd(run, 3)
    text = (await text_of(log_exports.pieces(database, LogFilter(), upto, Format.TXT))).splitlines()
    assert [line.split(" ", 1)[1] for line in text] == [
        'INFO row 1 {"n": 1.10}', 'INFO [read] row 2 {"n": 1.10}', 'INFO row 3 {"n": 1.10}'
    ]  # fmt: skip
    some = await text_of(log_exports.pieces(database, LogFilter(search="row 2"), upto, Format.NDJSON))
    assert '"attributes":{"n": 1.10}' in some
    found = json.loads(some)
    assert (found["step"], found["message"], found["level"]) == ("read", "row 2", "INFO")
    assert log_exports.cut_off(Format.TXT, "here: x") == b"Cut off here: x\n"


def test_a_page_of_an_export_is_one_that_lists_have_prepared() -> None:
    assert exports.PAGE_ROWS + 1 == 1_001
