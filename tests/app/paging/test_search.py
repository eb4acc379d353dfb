"""Texts that people take for the same are the same to search, in lists and where a filter is applied in Python."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db import Database
from app.executions import ExecutionFilter, ExecutionOrder, list_page
from app.executions.predicate import predicate
from app.paging import PageRequest
from app.paging.search import searchable
from tests.factories import execution_row, insert_executions

SAME = [
    ("Straße", "STRASSE"),
    ("e\u0301te\u0301", "ÉTÉ"),
    ("ＡＢＣ１２３", "abc123"),
    ("ｶﾞｽ", "ガス"),
    ("a\u3000b", "a b"),
    ("\x1b[31;1mfailed\x1b[0m again", "failed again"),
    ("see \x1b]8;;https://example.com\x1b\\the log\x1b]8;;\x1b\\", "see the log"),
    ("İstanbul", "i\u0307stanbul"),
    ("Å", "å"),
    ("ﬃ", "FFI"),
]
DIFFERENT = [("½", "1/2"), ("™", "tm"), ("é", "e"), ("１", "２")]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_to_search(one: str, other: str) -> None:
    assert searchable(one) == searchable(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_not_the_same(one: str, other: str) -> None:
    assert searchable(one) != searchable(other)


@given(st.text(max_size=30))
def test_neither_case_nor_composition_matters(text: str) -> None:
    assert searchable(unicodedata.normalize("NFD", text)) == searchable(unicodedata.normalize("NFC", text))
    if text.isascii() and "\x1b" not in text:
        assert searchable(text.upper()) == searchable(text.lower())


async def test_lists_and_subscriptions_agree(database: Database) -> None:
    rows = [execution_row(external_id=f"run {number}", error_message=one) for number, (one, _) in enumerate(SAME)]
    await insert_executions(database, *rows)
    for number, (_, other) in enumerate(SAME):
        where = ExecutionFilter(search=other)
        items = (await list_page(database, where, ExecutionOrder(), PageRequest())).items
        assert f"run {number}" in {each.external_id for each in items}, other
        assert all(map(predicate(where, {}, {}), items))
