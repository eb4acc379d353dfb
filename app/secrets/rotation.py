"""Brings everything sealed under the newest key, so that older keys can be dropped."""

from __future__ import annotations

from collections.abc import Sequence

from app.db import Database, Row, Transaction
from app.secrets.sealing import SEPARATOR, CannotUnseal, Sealer

# Rows per read, in primary key order whether sealed or not: a search for sealed ones would read all of a large table in
# one statement, which is cut off. When all of them are sealed, sealing them anew takes 0.1 s.
MAX_BATCH_ROWS = 2_000

SEALED: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("engines", ("id",), "connection_sealed"),
    ("alert_channels", ("rule_id", "kind"), "sealed"),
    ("outbox", ("id",), "body_sealed"),
    ("execution_secrets", ("execution_id",), "sealed"),
    ("execution_payloads", ("execution_id",), "trigger_sealed"),
    ("execution_payloads", ("execution_id",), "trigger_message"),
    ("step_payloads", ("execution_id", "step_index"), "input_sealed"),
    ("step_payloads", ("execution_id", "step_index"), "output_sealed"),
)


async def rotate(database: Database, sealer: Sealer) -> tuple[int, int]:
    """Seal everything anew with the first key; returns how many values were, and how many no key opens. Safe while
    serving.
    """
    rotated = unreadable = 0
    for table, key, column in SEALED:
        after: Row | None = None
        while True:
            rows = await _batch(database, table, key, column, after)
            changes = []
            for row in (row for row in rows if row[-1] is not None):
                try:
                    parts = [sealer.rotated(part) for part in row[-1].split(SEPARATOR)]
                    changes.append((SEPARATOR.join(parts), *row))
                except CannotUnseal:
                    unreadable += 1
            if changes:
                await _write(database, table, key, column, changes)
                rotated += len(changes)
            if len(rows) < MAX_BATCH_ROWS:
                break
            after = rows[-1][: len(key)]
    return rotated, unreadable


async def _batch(database: Database, table: str, key: Sequence[str], column: str, after: Row | None) -> Sequence[Row]:
    names = ", ".join(key)
    places = ", ".join(f"${number}" for number in range(1, len(key) + 1))
    beyond = "" if after is None else f"WHERE ({names}) > ({places})"
    sql = f"SELECT {names}, {column} FROM {table} {beyond} ORDER BY {names} LIMIT {MAX_BATCH_ROWS}"
    return await database.fetch(sql, *(after or ()))


async def _write(database: Database, table: str, key: Sequence[str], column: str, changes: Sequence[Row]) -> None:
    same = " AND ".join(f"{name} = ${number}" for number, name in enumerate(key, 2))
    # Only if unchanged: an event may have replaced it since it was read.
    sql = f"UPDATE {table} SET {column} = $1 WHERE {same} AND {column} = ${len(key) + 2}"

    async def work(transaction: Transaction) -> None:
        await transaction.execute_many(sql, changes)

    await database.transaction(work)
