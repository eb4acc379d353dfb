"""What a clock that was ahead wrote down, once it is put back: it would hold until the clock is there again."""

from __future__ import annotations

from app import clock
from app.auth import codes, sessions
from app.db import Transaction

# Columns that say when something was: none of them is after now.
PAST = (
    *(("alert_rules", "looked_at"), ("alert_rules", "updated_at"), ("alerts", "met_at")),
    *(("engine_clients", "last_seen_at"), ("engines", "clock_skew_at"), ("engines", "last_seen_at")),
    ("error_group_marks", "at"),
    *(("retention", "announced_at"), ("retention", "ended_at")),
    ("server_processes", "seen_at"),
    *(("sessions", "last_seen_at"), ("tokens", "last_used_at")),
)
# Columns that say until when something holds, and for how long it does at most.
ENDS = (("sessions", "expires_at", sessions.LIFETIME), ("sign_in_codes", "expires_at", codes.LIFETIME))
# The next turn stays as far from what it counts from: the announcement, or the end of the one before.
_TURN = """
UPDATE retention SET next_turn_at = next_turn_at + $1
  - CASE WHEN ended_at > announced_at THEN ended_at ELSE announced_at END
WHERE announced_at > $2 OR ended_at > $2
"""
# Better told at night than a year late.
_HELD = "UPDATE alert_notices SET held_until = $1 WHERE held_until IS NOT NULL AND created_at > $2"


async def pull_in(transaction: Transaction, now: int) -> None:
    """Let it count from now. What is only shown stays as it is, and so does what somebody set by date."""
    for sql in (_TURN, _HELD):
        await transaction.fetch(sql, now, now + clock.MAX_SKEW)
    for table, column, longest in (*((*each, 0) for each in PAST), *ENDS):
        sql = f"UPDATE {table} SET {column} = $1 WHERE {column} > $2"
        await transaction.fetch(sql, now + longest, now + longest + clock.MAX_SKEW)
