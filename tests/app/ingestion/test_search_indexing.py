"""SQLite's index for search: it finds what is there, whatever has become of it since, and forgets what is gone."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.db import Database, open_database
from app.executions import ExecutionFilter, ExecutionOrder, OrderField, count, list_page, trigrams
from app.executions.trigrams import Hits, hits, match
from app.ingestion import search_indexing
from app.ingestion.search_indexing import SearchIndexing
from app.paging import PageRequest
from app.paging.search import search_text, searchable
from tests.factories import execution_row, insert_executions, record_statements

ALPHABET = "ab\"' AND*ß\u00e9"
SECRET = "\u16a0\u16a1\u16a2\u16a3\u16a4"  # letters that nothing else has, three bytes each


@pytest.fixture(params=["sqlite"])
def database_url(tmp_path: Path, migrated_sqlite: Path) -> str:
    path = tmp_path / "runwatch.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    return f"sqlite:///{path}"


async def index_all(database: Database) -> int:
    """Index and purge until nothing is left; how many calls that took."""
    indexing, calls = SearchIndexing(database), 0
    while not calls or indexing._woken.is_set():
        indexing._woken.clear()
        await indexing.index()
        calls += 1
        assert calls < 1_000
    return calls


async def found(database: Database, search: str, order: ExecutionOrder | None = None, first: int = 50) -> list[str]:
    where = ExecutionFilter(search=search)
    page = await list_page(database, where, order or ExecutionOrder(), PageRequest(first=first))
    return [each.external_id for each in page.items]


async def change(database: Database, sql: str, *params: str) -> None:
    await database.transaction(lambda transaction: transaction.fetch(sql, *params))


async def test_whatever_is_indexed_the_answer_is_the_same(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_indexing, "MAX_BATCH_ROWS", 7)
    draw = random.Random(1)
    texts = ["".join(draw.choices(ALPHABET, k=draw.randrange(9))) for _ in range(90)]
    rows = [
        execution_row(external_id=f"{number}-{text}", error_message=text[::-1], queued_at=number, status=number % 3)
        for number, text in enumerate(texts)
    ]
    await insert_executions(database, *rows)
    terms = ["".join(draw.choices(ALPHABET, k=size)) for size in (1, 2, 3, 3, 3, 4, 5, 6) for _ in range(4)]
    every = {
        row["external_id"]: search_text(row["workflow_name"], row["external_id"], row["error_message"]) for row in rows
    }
    for stage in range(3):
        for term in terms:
            expected = [id_ for id_, text in every.items() if searchable(term) in text]
            for field in (OrderField.QUEUED_AT, OrderField.DURATION):
                listed = await found(database, term, ExecutionOrder(field, descending=True), 100)
                assert sorted(listed) == sorted(expected), (stage, term)
            assert await found(database, term, first=5) == expected[::-1][:5]
            assert (await count(database, ExecutionFilter(search=term))).value == len(expected)
        if stage == 0:
            await SearchIndexing(database).index()  # a few of them
        else:
            await index_all(database)
            assert await database.fetch("SELECT count(*) FROM executions WHERE search_number IS NULL") == [
                (sum(row["status"] == 0 for row in rows),)
            ]


async def test_a_rare_term_is_looked_up_and_a_frequent_one_is_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [execution_row(external_id=f"many {number}", queued_at=number) for number in range(30)]
    await insert_executions(database, *rows, execution_row(external_id="a rare one"))
    monkeypatch.setattr(trigrams, "MAX_FEW", 29)
    assert await hits(database, "rare") is Hits.COUNTABLE  # nothing is indexed yet: all are candidates
    await index_all(database)
    for term, expected in (("rare", Hits.FEW), ("nowhere", Hits.FEW), ("many", Hits.COUNTABLE), ("ma", Hits.UNKNOWN)):
        assert await hits(database, term) is expected, term
    monkeypatch.setattr(trigrams, "MAX_COUNT", 29)
    assert await hits(database, "many") is Hits.UNKNOWN
    recorded = record_statements(database)
    for term, uses in (("rare", True), ("many", False), ("ma", False)):
        recorded.clear()
        await found(database, term)
        assert ("MATCH" in recorded[-1][0]) is uses, term
    recorded.clear()
    await found(database, "rare")
    text, params = recorded[-1]
    plan = [step[3] for step in await database.fetch(f"EXPLAIN QUERY PLAN {text}", *params)]
    assert [step for step in plan if "search_number=?" in step], plan
    assert not [step for step in plan if step == "SCAN executions"], plan


async def test_what_is_masked_or_deleted_leaves_the_file(database: Database, database_url: str) -> None:
    """Its trigrams as well as its text, at the latest with the end of the purge."""
    await insert_executions(
        database,
        *(execution_row(external_id=f"other {number}", error_message="m" * number) for number in range(50)),
        execution_row(external_id="masked", error_message=f"the key is {SECRET}"),
        execution_row(external_id="deleted", error_message=f"the key is {SECRET[::-1]}"),
    )
    await index_all(database)
    assert await found(database, SECRET) == ["masked"]
    assert await found(database, SECRET[::-1]) == ["deleted"]
    await change(
        database,
        "UPDATE executions SET error_message = '***', search_text = $1 WHERE external_id = 'masked'",
        "masked ***",
    )
    await change(database, "DELETE FROM executions WHERE external_id = 'deleted'")
    assert await found(database, SECRET) == await found(database, SECRET[::-1]) == []
    assert [await found(database, term) for term in ("masked", "***")] == [["masked"]] * 2
    path = Path(database_url.removeprefix("sqlite:///"))
    assert _trigrams_on_disk(path), "the purge is needed"
    await index_all(database)
    assert await database.fetch("SELECT 1 FROM trigram_purge") == []
    assert not _trigrams_on_disk(path)
    assert [await found(database, term) for term in ("masked", "***", "mmmm")][:2] == [["masked"]] * 2
    assert len(await found(database, "mmmm", first=100)) == 46


def _trigrams_on_disk(path: Path) -> bool:
    """Whether the end of a trigram of SECRET, either way round, is in the file; FTS5 leaves out equal beginnings."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = path.read_bytes()
    return any(letter.encode() in content for letter in SECRET)


async def test_a_purge_and_new_rows_do_not_wait_for_each_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_indexing, "MAX_BATCH_ROWS", 2)
    await insert_executions(database, *(execution_row(external_id=f"one {number}") for number in range(4)))
    await index_all(database)
    await change(database, "DELETE FROM executions WHERE external_id = 'one 1'")
    await insert_executions(database, *(execution_row(external_id=f"two {number}") for number in range(9)))
    indexing = SearchIndexing(database)
    for _ in range(2):
        await indexing.index()
    assert await database.fetch("SELECT count(*) FROM executions WHERE search_number IS NULL") == [(7,)]
    assert await database.fetch("SELECT begun FROM trigram_purge") in ([(1,)], [])
    await index_all(database)
    assert len(await found(database, "one")) == 3
    assert len(await found(database, "two")) == 9


async def test_numbers_survive_a_vacuum(database: Database, database_url: str) -> None:
    await insert_executions(database, *(execution_row(external_id=f"run {number:03}") for number in range(20)))
    await index_all(database)
    await change(database, "DELETE FROM executions WHERE external_id < 'run 010'")
    await database.close()
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
        connection.execute("VACUUM")
    opened = await open_database(database_url)
    for number in range(20):
        term = f"run {number:03}"
        assert await found(opened, term) == ([term] if number >= 10 else [])
    await opened.close()


@settings(max_examples=200)
@given(st.text(min_size=3, max_size=400))
def test_any_text_is_a_query(term: str) -> None:
    term = term.replace("\0", "")
    if len(term) < 3:
        return
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(
            "CREATE VIRTUAL TABLE t USING fts5 (text, detail = none, tokenize = 'trigram case_sensitive 1')"
        )
        connection.execute("INSERT INTO t VALUES (?), (?)", (f"a{term}b", "other"))
        assert (1,) in connection.execute("SELECT rowid FROM t WHERE t MATCH ?", (match(term),)).fetchall()
