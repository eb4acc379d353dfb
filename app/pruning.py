"""Deletes old executions in batches, each leaving tombstones by which subscribers hear of it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from app.alerts import streaks
from app.changes.commits import NO_LISTENERS, Announcements
from app.db import Database, Transaction
from app.db.rows import RowsOf
from app.lifecycle import State, Status
from app.metrics import deltas
from app.metrics.deltas import Figure

# Executions per transaction. With 1,000 log lines each, 200 are 200,000 rows.
MAX_BATCH_EXECUTIONS = 200
# Tombstones to keep. A subscriber who has been away for longer lists again.
MAX_TOMBSTONES = 100_000

BELOW = (
    ("log_entries", "execution_id"),
    ("step_payloads", "execution_id"),
    ("steps", "execution_id"),
    ("execution_payloads", "execution_id"),
    ("execution_secrets", "execution_id"),
    ("retry_keys", "execution_id"),
    ("outbox", "subject_id"),
)

# A running execution is kept, however old. One that lost contact is not.
_OVER = f"state >= {int(State.CONTACT_LOST)}"


class _Old(msgspec.Struct):
    """What has to be known of an execution that is deleted."""

    id: str
    workflow_id: str
    trigger_kind: str
    status: Status
    queued_at: int
    finished_at: int | None
    duration: int | None
    error_group_id: str | None

    @property
    def figure(self) -> Figure | None:
        return deltas.figure(
            self.queued_at, self.workflow_id, self.trigger_kind, self.status, self.duration, self.error_group_id
        )


_OLD = RowsOf(_Old)


async def prune(
    database: Database,
    queued_before: int,
    progress: Callable[[int], None] = lambda deleted: None,
    *,
    keep_metrics: bool = True,
    announcements: Announcements = NO_LISTENERS,
) -> int:
    """Delete executions that are over and were queued before a time (µs since the epoch); returns how many.

    With `keep_metrics` the figures continue to count them. Safe while serving, and to break off: each batch is a
    commit. Calls `progress` with the number after each.
    """
    deleted = 0
    while True:
        found = await database.transaction(lambda tx: _delete_batch(tx, queued_before, keep_metrics, announcements))
        deleted += found
        progress(deleted)
        if found < MAX_BATCH_EXECUTIONS:
            break
    await database.transaction(lambda tx: _forget_tombstones(tx))
    return deleted


async def _delete_batch(
    transaction: Transaction, queued_before: int, keep_metrics: bool, announcements: Announcements
) -> int:
    rows = await transaction.fetch(
        f"SELECT {_OLD.columns} FROM executions"
        f" WHERE {_OVER} AND queued_at < $1"
        f" ORDER BY queued_at, id LIMIT {MAX_BATCH_EXECUTIONS} {transaction.for_update}",
        queued_before,
    )
    old = _OLD.read_all(rows)
    ids = [each.id for each in old]
    if not ids:
        return 0
    given = transaction.array(ids)
    for table, column in BELOW:
        await transaction.fetch(f"DELETE FROM {table} WHERE {transaction.any_of(column, 1, 'id')}", given)
    await transaction.fetch(f"DELETE FROM executions WHERE {transaction.any_of('id', 1, 'id')}", given)
    gone = [delta for each in old for delta in deltas.deletion(each.figure, keep=keep_metrics)]
    await deltas.append(transaction, gone)
    await streaks.remember_pruned(transaction, [(each.workflow_id, each.status, each.finished_at) for each in old])
    await announcements.announce_deleted(transaction, ids)
    return len(ids)


async def _forget_tombstones(transaction: Transaction) -> None:
    rows = await transaction.fetch(
        f"SELECT revision FROM execution_revisions WHERE deleted ORDER BY revision DESC LIMIT 1 OFFSET {MAX_TOMBSTONES}"
    )
    if rows:
        await transaction.fetch("DELETE FROM execution_revisions WHERE deleted AND revision <= $1", rows[0][0])
        await transaction.fetch("UPDATE revision_counter SET forgotten = $1", rows[0][0])
