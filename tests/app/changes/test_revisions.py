"""Positions in the changes, and their opaque form."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.changes import revisions
from app.changes.revisions import parse_updates_cursor, revision_of, updates_cursor
from app.db import Database, Transaction
from app.db.postgres_transaction import PostgresTransaction
from app.ids import new_id

epochs = st.text("0123456789abcdef", min_size=1, max_size=64)


async def test_a_new_database_starts_at_zero_in_an_epoch_of_its_own(database: Database) -> None:
    epoch, revision = await revision_of(database)
    assert revision == 0
    assert len(epoch) == 32
    assert parse_updates_cursor(updates_cursor(epoch, revision)) == (epoch, revision)


@pytest.mark.parametrize("many", [1, revisions.WORTH_TWO])
async def test_created_and_known_executions_take_revisions_in_one_order(
    database: Database, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one statement, or in two; never in one for each, while all others wait who write."""
    monkeypatch.setattr(revisions, "WORTH_TWO", many)
    monkeypatch.delattr(PostgresTransaction, "execute_many")
    first, second, third = (new_id(0) for _ in range(3))
    await _take(database, [first, second], created={first, second}, finished={second})
    assert await _take(database, [second, third, first], created={third}, finished={first}) == 5
    rows = await database.fetch(f"SELECT execution_id, {', '.join(STAMPS)} FROM execution_revisions ORDER BY revision")
    assert [tuple(row) for row in rows] == [
        (second, 3, 2, 2, 2, False),
        (third, 4, 4, None, None, False),
        (first, 5, 1, 5, 1, False),
    ]


STAMPS = ("revision", "created_revision", "finished_revision", "previous_revision", "deleted")


async def _take(database: Database, ids: list[str], *, created: set[str], finished: set[str]) -> int:
    async def work(transaction: Transaction) -> int:
        return await revisions.take(transaction, ids, created=created, finished=finished)

    return await database.transaction(work)


@given(epoch=epochs, revision=st.integers(0, 2**63 - 1))
def test_a_cursor_comes_back_as_it_was(epoch: str, revision: int) -> None:
    assert parse_updates_cursor(updates_cursor(epoch, revision)) == (epoch, revision)


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_garbage_is_no_cursor(garbage: str) -> None:
    assert parse_updates_cursor(garbage) is None


@pytest.mark.parametrize(
    "text", ["ab:-1", "ab:01", "ab:1 ", "ab:9223372036854775808", "AB:1", ":1", "ab:", "ab", "ab:1:2", "ab:1\n", "ab:١"]
)
def test_numbers_have_one_form(text: str) -> None:
    cursor = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    assert parse_updates_cursor(cursor) is None
