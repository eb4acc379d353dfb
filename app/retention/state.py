"""What retention remembers: which rules it announced, and whose turn it is."""

from __future__ import annotations

import msgspec

from app.db import Reader, Transaction
from app.db.rows import RowsOf


class State(msgspec.Struct):
    """Times in µs since the epoch. `rules`: the text of those that were announced; empty if none ever were."""

    rules: str = ""
    announced_at: int = 0
    next_turn_at: int = 0
    ended_at: int | None = None


_STATE = RowsOf(State)


async def read(reader: Reader) -> State:
    """The state that is stored."""
    rows = await reader.fetch(f"SELECT {_STATE.columns} FROM retention")
    return _STATE.read(rows[0]) if rows else State()


async def announce(transaction: Transaction, rules: str, now: int, first_turn_at: int) -> None:
    """Remember that rules were announced."""
    row = (1, rules, now, first_turn_at)
    await transaction.upsert("retention", ("id", "rules", "announced_at", "next_turn_at"), [row], key=("id",))


async def move_turn(transaction: Transaction, rules: str, at: int, ended_at: int | None = None) -> bool:
    """Have the next turn begin at a time, unless other rules were announced; `ended_at`: this one has ended."""
    rows = await transaction.fetch(
        "UPDATE retention SET next_turn_at = $1, ended_at = coalesce($2, ended_at) WHERE rules = $3 RETURNING id",
        at,
        ended_at,
        rules,
    )
    return bool(rows)


async def forget(transaction: Transaction) -> None:
    """Have the rules announced anew."""
    await transaction.fetch("DELETE FROM retention")
