"""The room that a database takes on disk, and giving back what it no longer needs."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from app.db import Database, Row
from app.db.dialect import Dialect

# Of SQLite's pages: what stays free for what comes next. To give it back and take it again would be work for nothing.
FREE_SHARE = 0.05
# Pages that a step gives back: it holds up writers for a few ms.
PAGES_PER_STEP = 250

# Postgres does not tell how much of a file deleted rows have left free. So it is what rows take, by some pages of each
# table: their number, and the bytes of a row's header, its pointer and its padding.
SAMPLED_PAGES, ROW_BYTES = 40, 34
_TABLES = """
SELECT c.relname, array_agg(a.attname::text), c.relpages, s.n_live_tup,
  pg_total_relation_size(c.oid), pg_table_size(c.oid)
FROM pg_class c
JOIN pg_stat_user_tables s ON s.relid = c.oid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
GROUP BY c.oid, c.relname, c.relpages, s.n_live_tup
"""

_PAGES = (
    "SELECT (SELECT page_count FROM pragma_page_count), (SELECT freelist_count FROM pragma_freelist_count),"
    " (SELECT page_size FROM pragma_page_size), (SELECT auto_vacuum FROM pragma_auto_vacuum)"
)


async def used_bytes(database: Database, table: str) -> tuple[int, int]:
    """How much of the database's files is in use, and how many rows a table had then.

    On Postgres both are estimates, and the first is within a fifth or so.
    """
    if database.dialect is Dialect.SQLITE:
        pages, free, size, _ = await _pages(database)
        return int((pages - free) * size), int((await database.fetch_long(f"SELECT count(*) FROM {table}"))[0][0])
    tables = await database.fetch(_TABLES)
    widths = " UNION ALL ".join(
        f"SELECT {number}, (SELECT avg({ROW_BYTES} + {_width(columns)})"
        f" FROM {name} TABLESAMPLE SYSTEM ({_share(pages):f}))"
        for number, (name, columns, pages, *_) in enumerate(tables)
    )
    used = 0.0
    for number, width in await database.fetch_long(widths):
        _, _, _, rows, whole, without_indexes = tables[number]
        # Indexes are as full as their table.
        used += float(width or 0) * rows * whole / max(without_indexes, 1)
    return round(used), next(rows for name, _, _, rows, *_ in tables if name == table)


async def file_bytes(database: Database) -> int:
    """The size of the database's files, without its write-ahead log."""
    if database.dialect is Dialect.POSTGRES:
        return int((await database.fetch("SELECT pg_database_size(current_database())"))[0][0])
    pages, _, size, _ = await _pages(database)
    return int(pages * size)


def _width(columns: Sequence[str]) -> str:
    return " + ".join(f"coalesce(pg_column_size({column}), 0)" for column in columns)


def _share(pages: int) -> float:
    return min(100.0, 100 * SAMPLED_PAGES / max(pages, 1))


async def gives_back(database: Database) -> bool:
    """Whether the files of this database become smaller by themselves, or reuse what is free (Postgres)."""
    return database.dialect is Dialect.POSTGRES or bool((await _pages(database))[3])


async def give_back(database: Database) -> bool:
    """Give a few free pages of SQLite's file back; whether there are more."""
    if database.dialect is Dialect.POSTGRES:
        return False  # autovacuum does
    pages, free, _, by_itself = await _pages(database)
    spare = int((free - pages * FREE_SHARE) / (1 - FREE_SHARE))
    if not by_itself or spare <= 0:
        return False
    await database.shrink(min(spare, PAGES_PER_STEP))
    return bool(spare > PAGES_PER_STEP)


async def _pages(database: Database) -> Row:
    """Number of pages, how many of them are free, their size, and how free ones are given back (0: not)."""
    return (await database.fetch(_PAGES))[0]


def rewrite(path: Path) -> tuple[int, int]:
    """Rewrite an SQLite file without free space, which it gives back by itself from then on; its sizes in bytes."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        before = path.stat().st_size
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return before, path.stat().st_size
