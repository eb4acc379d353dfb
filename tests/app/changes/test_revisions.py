"""Positions in the changes, and their opaque form."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.changes.revisions import parse_updates_cursor, revision_of, updates_cursor
from app.db import Database

epochs = st.text("0123456789abcdef", min_size=1, max_size=64)


async def test_a_new_database_starts_at_zero_in_an_epoch_of_its_own(database: Database) -> None:
    epoch, revision = await revision_of(database)
    assert revision == 0
    assert len(epoch) == 32
    assert parse_updates_cursor(updates_cursor(epoch, revision)) == (epoch, revision)


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
