"""Everything that is sealed, brought under the newest key, so that older ones can be dropped."""

from __future__ import annotations

from collections.abc import Sequence

from app.db import Database, Row, Transaction
from app.sealing import CannotUnseal, Sealer

# One transaction each; decrypting and encrypting so many takes about 30 ms.
ROWS_AT_ONCE = 500

SEALED: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("execution_secrets", ("execution_id",), "sealed"),
    ("execution_payloads", ("execution_id",), "trigger_sealed"),
    ("step_payloads", ("execution_id", "step_index"), "input_sealed"),
    ("step_payloads", ("execution_id", "step_index"), "output_sealed"),
    ("log_entries", ("execution_id", "sequence"), "attributes_sealed"),
)


async def rotate(database: Database, sealer: Sealer) -> tuple[int, int]:
    """Seal everything anew with the first key; how many values were, and how many no key opens. Safe while serving."""
    rotated = unreadable = 0
    for table, key, column in SEALED:
        after: Row | None = None
        while True:
            rows = await _batch(database, table, key, column, after)
            changes = []
            for row in rows:
                try:
                    changes.append((sealer.rotated(row[-1]), *row))
                except CannotUnseal:
                    unreadable += 1
            if changes:
                await _write(database, table, key, column, changes)
                rotated += len(changes)
            if len(rows) < ROWS_AT_ONCE:
                break
            after = rows[-1][: len(key)]
    return rotated, unreadable


async def _batch(database: Database, table: str, key: Sequence[str], column: str, after: Row | None) -> Sequence[Row]:
    names, limit = ", ".join(key), ROWS_AT_ONCE
    beyond = "" if after is None else f"AND ({names}) > ({', '.join(f'${n}' for n in range(1, len(key) + 1))})"
    return await database.fetch(
        f"SELECT {names}, {column} FROM {table} WHERE {column} IS NOT NULL {beyond} ORDER BY {names} LIMIT {limit}",
        *(after or ()),
    )


async def _write(database: Database, table: str, key: Sequence[str], column: str, changes: Sequence[Row]) -> None:
    same = " AND ".join(f"{name} = ${number}" for number, name in enumerate(key, 2))
    # Only what is still the same: an event may have replaced it since it was read.
    sql = f"UPDATE {table} SET {column} = $1 WHERE {same} AND {column} = ${len(key) + 2}"

    async def work(transaction: Transaction) -> None:
        await transaction.execute_many(sql, changes)

    await database.transaction(work)
