"""How long bulk retries are kept: no settings, since a snapshot that lives longer would be confirmed by mistake."""

from __future__ import annotations

from app import clock
from app.db import Transaction

# Somebody who confirms must still remember what was shown.
SNAPSHOT_LIFETIME = 10 * clock.MINUTE
LIFETIME = 30 * 24 * clock.HOUR
# Those that are over: dry runs that nobody confirmed, and bulk retries that began long ago.
OVER = "(started_at IS NULL AND created_at < $1) OR started_at < $2"


def over_before(now: int) -> tuple[int, int]:
    """The parameters of OVER."""
    return now - SNAPSHOT_LIFETIME, now - LIFETIME


async def forget(transaction: Transaction, now: int) -> int:
    """Delete those that are over; returns how many."""
    rows = await transaction.fetch(
        f"SELECT id FROM bulk_retries WHERE {OVER} ORDER BY id {transaction.for_update}", *over_before(now)
    )
    if rows:
        old = transaction.array([id_ for (id_,) in rows])
        for table, column in (("bulk_retry_executions", "bulk_retry_id"), ("bulk_retries", "id")):
            await transaction.fetch(f"DELETE FROM {table} WHERE {transaction.any_of(column, 1, 'id')}", old)
    return len(rows)
