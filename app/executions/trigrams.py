"""The index of trigrams that SQLite has for search: which rows may contain a term, and when asking it is worth it.

It has the finished runs, as far as app/ingestion/search_indexing.py has come; the others are read one by one. What it
finds has all trigrams of a term, maybe not in its order: the condition on the text itself decides.
"""

from __future__ import annotations

from enum import IntEnum

from app.db import Database
from app.db.dialect import Dialect
from app.paging import MAX_COUNT
from app.paging.keyset import Params
from app.paging.search import searchable

LENGTH = 3
# Of so many rows the newest are found sooner in the order of the list: one in 500 of a million, 51 after 25,000 rows.
MAX_FEW = 2_000
# More make a term no rarer, and FTS5 allows a tree of 256.
MAX_TRIGRAMS = 64


class Hits(IntEnum):
    """How many rows the index finds for a search."""

    UNKNOWN = 0  # more than are counted, or there is no index, or none that helps
    COUNTABLE = 1
    FEW = 2


async def exists(database: Database) -> bool:
    """Whether the database has the index: an SQLite that could make it."""
    if database.dialect is not Dialect.SQLITE:
        return False
    return bool(await database.fetch_by_key("SELECT 1 FROM sqlite_master WHERE name = 'execution_trigrams'"))


async def hits(database: Database, search: str) -> Hits:
    """What the index says of a search, in two statements, the first of which takes no time."""
    term = searchable(search)
    if len(term) < LENGTH or not await exists(database):
        return Hits.UNKNOWN
    params = Params(database.dialect)
    found = f"SELECT 1 FROM execution_trigrams WHERE execution_trigrams MATCH {params.bind(match(term))}"
    missing = "SELECT 1 FROM executions WHERE search_number IS NULL"
    numbers = " + ".join(f"(SELECT count(*) FROM ({rows} LIMIT {MAX_COUNT + 1}))" for rows in (found, missing))
    ((count,),) = await database.fetch_long(f"SELECT {numbers}", *params.values)
    return Hits.FEW if count <= MAX_FEW else Hits.COUNTABLE if count <= MAX_COUNT else Hits.UNKNOWN


def candidates(params: Params, search: str) -> str:
    """A query of the whole rows that may contain a search."""
    term = params.bind(match(searchable(search)))
    return (
        "SELECT * FROM executions WHERE search_number IN"
        f" (SELECT rowid FROM execution_trigrams WHERE execution_trigrams MATCH {term})"
        " UNION ALL SELECT * FROM executions WHERE search_number IS NULL"
    )


def match(term: str) -> str:
    """The FTS5 query for all trigrams of a searchable term, or as many as matter."""
    trigrams = dict.fromkeys(term[at : at + LENGTH] for at in range(len(term) - LENGTH + 1))
    return " AND ".join('"' + each.replace('"', '""') + '"' for each in list(trigrams)[:MAX_TRIGRAMS])
