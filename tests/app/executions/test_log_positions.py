"""Positions in the growth of a log: what has arrived behind one, and their opaque form."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.changes.revisions import updates_cursor
from app.db import Database
from app.errors import BadInput
from app.executions import logs
from app.executions.logs import LogPosition
from app.ingestion import Ingestion
from tests.app.reports import events, line, report, row_of
from tests.factories import NOON, execution_row, insert, insert_executions, log_row
from tests.sealing import SEALER

ID = "a" * 32
NEIGHBOUR = "b" * 32


def upto(sequence: int) -> LogPosition:
    return LogPosition(ID, sequence, "ab")


async def test_the_position_counts_lines_that_arrived(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events([report("execution.queued")]))
    id_ = (await row_of(database))["id"]
    found = []
    for reports in ([], [line("a")], [line("a"), line("b"), line("c")], [line("b")]):
        await ingestion.record(events(reports))
        position = await logs.position(database, id_)
        assert position is not None
        found.append(position)
    assert [position.sequence for position in found] == [0, 1, 3, 3]
    assert {position.execution_id for position in found} == {id_}
    assert {position.epoch for position in found} == {
        row[0] for row in await database.fetch("SELECT epoch FROM revision_counter")
    }


@pytest.mark.parametrize("id_", ["0" * 32, "", "nonsense", "a\0b"])
async def test_an_unknown_execution_has_no_position(database: Database, id_: str) -> None:
    await insert_executions(database, execution_row())
    assert await logs.position(database, id_) is None


async def test_appended_lines_come_by_arrival(database: Database) -> None:
    await insert(database, "log_entries", [log_row(ID, n, at=NOON - n) for n in range(1, 8)])
    await insert(database, "log_entries", [log_row(NEIGHBOUR, n) for n in range(1, 10)])
    for after, end, expected in ((0, 3, [1, 2, 3]), (3, 7, [4, 5, 6, 7]), (6, 100, [7]), (7, 7, []), (5, 2, [])):
        entries = await logs.appended(database, upto(after), upto(end))
        assert [entry.sequence for entry in entries] == expected
        assert {entry.execution_id for entry in entries} <= {ID}


@given(
    epoch=st.text("0123456789abcdef", min_size=1, max_size=64),
    id_=st.uuids().map(lambda id_: id_.hex),
    sequence=st.integers(0, 2**63 - 1),
)
def test_a_cursor_of_a_position_comes_back_as_it_was(epoch: str, id_: str, sequence: int) -> None:
    position = LogPosition(id_, sequence, epoch)
    assert LogPosition.of(id_, position.cursor) == position
    with pytest.raises(BadInput):
        LogPosition.of(NEIGHBOUR, position.cursor)


def opaque(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "garbage",
        "é",
        "A" * 10_000,
        upto(1).cursor + "=",
        upto(1).cursor + "\n",
        " " + upto(1).cursor,
        upto(1).cursor[:-1],
        updates_cursor("ab", 1),
        *(opaque(f"ab:{ID}:{number}") for number in ("-1", "01", "1 ", "", "1:2", "9223372036854775808", "١", "1\n")),
        opaque(f"AB:{ID}:1"),
        opaque(f":{ID}:1"),
        opaque(f"{'a' * 65}:{ID}:1"),
        opaque(f"ab:{ID.upper()}:1"),
    ],
)
def test_malformed_cursors_are_refused(cursor: str) -> None:
    with pytest.raises(BadInput, match="not a cursor of this execution's log"):
        LogPosition.of(ID, cursor)
