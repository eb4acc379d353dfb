"""Maps log lines to table rows. Only app/ingestion/, the one writer, uses it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.db import Transaction
from app.events import LogLine
from app.ingestion.columns import text_columns
from app.paging.search import folded
from app.turns import pieces

# Lines whose rows are made in one go: a fifth of a millisecond, but for long ones.
PIECE = 128

LOG_ENTRY = (
    "execution_id",
    "sequence",
    "event_key",
    "at",
    "level",
    "step_index",
    "message",
    "message_bytes",
    "folded",
    "attributes",
    "attributes_bytes",
)


async def known_keys(transaction: Transaction, lines: Mapping[str, Iterable[str]]) -> set[tuple[str, str]]:
    """Which of the log lines, given as event keys by execution id, are stored already."""
    executions, ids = transaction.among("execution_id", 1, "id", lines)
    keys, given = transaction.among("event_key", 2, "id", (key for of_one in lines.values() for key in of_one))
    rows = await transaction.fetch(
        f"SELECT execution_id, event_key FROM log_entries WHERE {executions} AND {keys}", ids, given
    )
    return {(execution_id, key) for execution_id, key in rows}


async def insert(transaction: Transaction, written: Iterable[tuple[str, int, LogLine]]) -> None:
    """Insert log lines, each with its execution's id and its number there."""
    rows: list[tuple[Any, ...]] = []
    for piece in pieces(written, PIECE):
        rows += rows_of(piece)
        await transaction.pause()
    await transaction.insert("log_entries", LOG_ENTRY, rows)


def rows_of(written: Iterable[tuple[str, int, LogLine]]) -> list[tuple[Any, ...]]:
    """The rows of log lines, each with its execution's id and its number there."""
    return [
        (
            execution_id,
            sequence,
            line.key,
            line.at,
            int(line.level),
            line.step,
            line.message.value,
            line.message.size,
            folded(line.message.value),
            *text_columns(line.attributes),
        )
        for execution_id, sequence, line in written
    ]
