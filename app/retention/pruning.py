"""Deletes old executions in batches, each leaving tombstones by which subscribers hear of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from app import clock
from app.alerts import streaks
from app.changes.commits import NO_LISTENERS, Announcements
from app.db import Database, Reader, Transaction
from app.db.rows import RowsOf
from app.lifecycle import State, Status
from app.metrics import deltas
from app.metrics.deltas import Figure

# Executions per transaction. With 1,000 log lines each, 200 are 200,000 rows.
MAX_BATCH_EXECUTIONS = 200
# Tombstones to keep. A subscriber who has been away for longer lists again.
MAX_TOMBSTONES = 100_000
# Tombstones forgotten per transaction.
MAX_BATCH_TOMBSTONES = 5_000

BELOW = (
    ("log_entries", "execution_id"),
    ("step_payloads", "execution_id"),
    ("steps", "execution_id"),
    ("execution_payloads", "execution_id"),
    ("execution_secrets", "execution_id"),
    ("retry_keys", "execution_id"),
    ("resolutions", "execution_id"),
    ("outbox", "subject_id"),
)

# A running execution is kept, however old. One that lost contact is not.
OVER = tuple(state for state in State if state >= State.CONTACT_LOST)
# Later than any time: executions of any age.
ANY_AGE = 2**62

# For each state of executions that go, the time (µs since the epoch) before which they were queued.
QueuedBefore = Mapping[State, int]


class _Old(msgspec.Struct):
    """What has to be known of an execution that is deleted."""

    id: str
    workflow_id: str
    trigger_kind: str
    state: State
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


@dataclass(frozen=True, slots=True)
class Batch:
    """The result of a batch: how many executions it deleted, and whether there may be more."""

    deleted: int
    more: bool


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
    deleted, more, ages = 0, True, dict.fromkeys(OVER, queued_before)
    while more:
        batch = await database.transaction(
            lambda tx: delete_batch(
                tx, ages, MAX_BATCH_EXECUTIONS, keep_metrics=keep_metrics, announcements=announcements
            )
        )
        deleted, more = deleted + batch.deleted, batch.more
        progress(deleted)
    while await database.transaction(forget_tombstones):
        pass
    return deleted


def oldest(reader: Reader, ages: QueuedBefore, limit: int) -> tuple[str, list[int]]:
    """A statement for the ids of the oldest executions that go, and its parameters. A range of an index each state."""
    times = list(dict.fromkeys(ages.values()))
    order = f"ORDER BY queued_at, id LIMIT {limit}"
    each = [
        "SELECT id, queued_at FROM (SELECT id, queued_at FROM executions"
        f" WHERE state = {int(state)} AND queued_at < ${times.index(time) + 1} {order}) s{int(state)}"
        for state, time in ages.items()
    ]
    return f"SELECT id FROM ({' UNION ALL '.join(each)}) u {order}", times


async def delete_batch(
    transaction: Transaction,
    ages: QueuedBefore,
    limit: int,
    *,
    keep_metrics: bool,
    announcements: Announcements = NO_LISTENERS,
) -> Batch:
    """Delete up to so many executions, the oldest first."""
    statement, times = oldest(transaction, ages, limit)
    found = [id_ for (id_,) in await transaction.fetch(statement, *times)]
    if not found:
        return Batch(0, more=False)
    rows = await transaction.fetch(
        f"SELECT {_OLD.columns} FROM executions WHERE {transaction.any_of('id', 1, 'id')}"
        f" ORDER BY queued_at, id {transaction.for_update}",
        transaction.array(found),
    )
    # Once more: an event may have come before the lock.
    old = [each for each in _OLD.read_all(rows) if each.queued_at < ages.get(each.state, -ANY_AGE)]
    if old:
        await _delete(transaction, old, keep_metrics, announcements)
    return Batch(len(old), more=len(found) == limit)


async def _delete(
    transaction: Transaction, old: Sequence[_Old], keep_metrics: bool, announcements: Announcements
) -> None:
    ids = [each.id for each in old]
    given = transaction.array(ids)
    for table, column in BELOW:
        await transaction.fetch(f"DELETE FROM {table} WHERE {transaction.any_of(column, 1, 'id')}", given)
    await transaction.fetch(f"DELETE FROM executions WHERE {transaction.any_of('id', 1, 'id')}", given)
    gone = [delta for each in old for delta in deltas.deletion(each.figure, keep=keep_metrics)]
    await deltas.append(transaction, gone)
    await streaks.remember_pruned(transaction, [(each.workflow_id, each.status, each.finished_at) for each in old])
    await _note_workflows(transaction, {each.workflow_id for each in old})
    await announcements.announce_deleted(transaction, ids)


async def _note_workflows(transaction: Transaction, ids: set[str]) -> None:
    """Note that runs of these workflows were deleted: an hour at a time, or each batch would rewrite their rows."""
    now = clock.now_us()
    await transaction.execute_many(
        "UPDATE workflows SET pruned_at = $2 WHERE id = $1 AND (pruned_at IS NULL OR pruned_at < $3)",
        [(id_, now, now - clock.HOUR) for id_ in sorted(ids)],
    )


async def forget_tombstones(transaction: Transaction) -> bool:
    """Delete the oldest tombstones beyond MAX_TOMBSTONES, some of them; whether there may be more."""
    rows = await transaction.fetch(
        f"SELECT revision FROM execution_revisions WHERE deleted ORDER BY revision DESC LIMIT 1 OFFSET {MAX_TOMBSTONES}"
    )
    if not rows:
        return False
    # The oldest first: whoever stands before the newest of them has to list again.
    some = await transaction.fetch(
        "SELECT revision FROM execution_revisions WHERE deleted AND revision <= $1"
        f" ORDER BY revision LIMIT 1 OFFSET {MAX_BATCH_TOMBSTONES - 1}",
        rows[0][0],
    )
    until = (some or rows)[0][0]
    await transaction.fetch("DELETE FROM execution_revisions WHERE deleted AND revision <= $1", until)
    await transaction.fetch("UPDATE revision_counter SET forgotten = $1", until)
    return bool(some)
