"""What Postgres does for a page, kept as text and looked through for what must not be there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import asyncpg

from app.db import Database
from app.db.postgres import PostgresDatabase
from app.executions import list_page
from app.paging import PageRequest
from benchmarks.paging_cases import Case

Statement = tuple[str, tuple[Any, ...]]

# So many runs of a prepared statement, and Postgres has chosen whether one plan will do for all parameters.
RUNS_UNTIL_CHOSEN = 6


async def statements_of(database: Database, case: Case, request: PageRequest) -> list[Statement]:
    """The statements on executions that a page takes."""
    heard: list[Statement] = []

    class Listening(PostgresDatabase):
        """Notes what it is asked, and asks the other."""

        def __init__(self) -> None:
            pass

        async def fetch(self, sql: str, *params: Any) -> Sequence[Any]:
            """The rows of one statement."""
            heard.append((sql, params))
            return await database.fetch(sql, *params)

        async def fetch_long(self, sql: str, *params: Any) -> Sequence[Any]:
            """The rows of one that may read much."""
            return await self.fetch(sql, *params)

    await list_page(Listening(), case.filter, case.order, request)
    return [(sql, params) for sql, params in heard if "FROM workflows w WHERE" not in sql or "executions" in sql]


async def explained(connection: asyncpg.Connection, pages: dict[str, list[Statement]]) -> str:
    """The plans of the pages, as of statements prepared before and run often, in turn with the others of their text."""
    texts = list(dict.fromkeys(sql for statements in pages.values() for sql, _ in statements))
    for number, sql in enumerate(texts):
        await connection.execute(f"PREPARE page_{number} AS {sql}")
    parts = []
    try:
        for _ in range(RUNS_UNTIL_CHOSEN):
            for statements in pages.values():
                for sql, params in statements:
                    await connection.execute(_execute(texts.index(sql), params))
        for name, statements in pages.items():
            for sql, params in statements:
                rows = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS) {_execute(texts.index(sql), params)}")
                parts.append("\n".join([f"-- {name}", _wrapped(sql), *(row[0] for row in rows)]))
    finally:
        for number in range(len(texts)):
            await connection.execute(f"DEALLOCATE page_{number}")
    return "\n\n".join(parts) + "\n"


def faults(plans: str) -> list[str]:
    """What a plan or a statement has that makes deep pages dear."""
    found = []
    if "Seq Scan on executions" in plans:
        found.append("a sequential scan of executions")
    if re.search(r"\bOR\b", plans):
        found.append("a condition with OR")
    return found


def _execute(number: int, params: Sequence[Any]) -> str:
    given = ", ".join(map(_literal, params))
    return f"EXECUTE page_{number} ({given})" if given else f"EXECUTE page_{number}"


def _literal(value: Any) -> str:
    if isinstance(value, list):
        value = "{" + ",".join(map(str, value)) + "}"
    return "'" + str(value).replace("'", "''") + "'"


def _wrapped(sql: str) -> str:
    return re.sub(r" (FROM|WHERE|ORDER BY) ", r"\n\1 ", " ".join(sql.split()))
