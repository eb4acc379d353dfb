"""The outbox: messages to deliver, written in the transaction that decided on them, delivered at least once.

One process at a time claims a row for a while: it moves next_attempt_at ahead, commits, and sends. When it is killed
anywhere in between, the row falls due again by itself. So a delivery may happen twice, and is never lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from app import backoff, clock
from app.db import Database, Reader, Row, Transaction
from app.db.rows import Column, RowsOf
from app.ids import new_id

FIRST_PAUSE = clock.SECOND
MAX_PAUSE = 5 * clock.MINUTE
# Nothing waits for longer: a receiver may ask for an hour, and a lease is over after some minutes.
MAX_WAIT = 2 * clock.HOUR
# How much to keep of an answer that explains a failure.
MAX_ERROR_BYTES = 4 * 1024
# Characters that no database keeps in a text.
_UNFIT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One row that is being delivered. Its id is the same at each attempt."""

    id: str
    kind: str
    subject_id: str
    created_at: int
    attempts: int  # including this one
    receiver: Annotated[str | None, Column("{receiver}")] = None  # None if its subject was deleted
    retry_after: Annotated[int, Column("0")] = 0  # µs for which its receiver wants no other attempt
    paused: int = 0  # µs since created_at within which nobody could try
    lingers: Annotated[bool, Column("FALSE")] = False  # the attempt failed, and may still send something


@dataclass(frozen=True, slots=True)
class Receivers:
    """Who receives rows of a kind: an expression with one value for each row of the outbox, and the kind of that.

    A subquery, never a join: a few looks into primary keys for each row, whatever the planner believes.
    """

    sql: str
    kind: Literal["id", "text"]


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Delivery status, for readers. Times are in µs; next_attempt_at None: no more attempts."""

    attempts: int
    accepted_at: int | None
    next_attempt_at: int | None
    last_error: str | None


_ITEMS = RowsOf(OutboxItem)
# At $1.
_WAITS = "next_attempt_at IS NOT NULL AND accepted_at IS NULL AND (claimed_until IS NULL OR claimed_until <= $1)"
_DISPATCHES = RowsOf(Dispatch)


async def add(transaction: Transaction, kind: str, subject_id: str) -> str:
    """Add a row that is due at once; returns its id."""
    now = clock.now_us()
    id_ = new_id(now)
    columns = ("id", "kind", "subject_id", "created_at", "attempts", "next_attempt_at")
    await transaction.insert("outbox", columns, [(id_, kind, subject_id, now, 0, now)])
    return id_


async def claim(
    database: Database,
    kinds: Iterable[str],
    limit: int,
    lease: int,
    receivers: Receivers,
    without: Iterable[str] = (),
) -> list[OutboxItem]:
    """Up to `limit` due rows of these kinds, claimed for `lease` µs: nobody else gets them until then.

    `without`: receivers whose rows stay where they are.
    """
    about = (database.array(kinds), database.array(without))
    due = _due(database, receivers)
    lock = database.dialect.for_update_skip_locked

    async def work(transaction: Transaction) -> Sequence[Row]:
        # Now, and not before the wait for the transaction: a lease that is over when it begins keeps nobody away.
        now = clock.now_us()
        # Materialized: a subquery with a limit may be run again for each row, and then take more than that.
        return await transaction.fetch(
            f"""
            WITH due AS MATERIALIZED (SELECT id FROM outbox WHERE {due} ORDER BY next_attempt_at LIMIT {limit} {lock})
            UPDATE outbox SET next_attempt_at = $4, claimed_until = $4, attempts = attempts + 1
            WHERE id IN (SELECT id FROM due)
            RETURNING {_ITEMS.columns.format(receiver=receivers.sql)}
            """,
            now,
            *about,
            now + lease,
        )

    # Every process looks each second, so without the lock of a write.
    if not await database.fetch(f"SELECT 1 FROM outbox WHERE {due} LIMIT 1", clock.now_us(), *about):
        return []
    return _ITEMS.read_all(await database.transaction(work))


def _due(database: Database, receivers: Receivers) -> str:
    """A condition: due at $1, of a kind of $2, and not for a receiver of $3."""
    of_kind, without = database.any_of("kind", 2, "text"), database.any_of(receivers.sql, 3, receivers.kind)
    return f"next_attempt_at IS NOT NULL AND next_attempt_at <= $1 AND {of_kind} AND NOT coalesce({without}, FALSE)"


async def accepted(transaction: Transaction, subject_ids: Iterable[str]) -> bool:
    """Record that deliveries arrived: no more attempts. False if all were accepted already."""
    rows = await transaction.fetch(
        "UPDATE outbox SET accepted_at = $2, next_attempt_at = NULL, body_sealed = NULL"
        f" WHERE accepted_at IS NULL AND {transaction.any_of('subject_id', 1, 'id')} RETURNING id",
        transaction.array(subject_ids),
        clock.now_us(),
    )
    return bool(rows)


async def delivered(transaction: Transaction, item: OutboxItem) -> None:
    """Record that this row arrived, whatever becomes of others of its subject: no more attempts."""
    await transaction.fetch(
        "UPDATE outbox SET accepted_at = $2, next_attempt_at = NULL, body_sealed = NULL"
        " WHERE id = $1 AND accepted_at IS NULL",
        item.id,
        clock.now_us(),
    )


async def failed(transaction: Transaction, item: OutboxItem, error: str, next_attempt_at: int | None) -> bool:
    """Record a failed attempt, and when the next is; None: given up.

    False if that no longer counts: the row was accepted or cancelled meanwhile, or its lease was over and another
    attempt has started, which may have given up.
    """
    forget = ", body_sealed = NULL" if next_attempt_at is None else ""
    rows = await transaction.fetch(
        f"UPDATE outbox SET last_error = $1, next_attempt_at = $2{forget}"
        " WHERE id = $3 AND attempts = $4 AND accepted_at IS NULL AND next_attempt_at IS NOT NULL RETURNING id",
        error,
        next_attempt_at,
        item.id,
        item.attempts,
    )
    return bool(rows)


async def release(transaction: Transaction, item: OutboxItem) -> None:
    """Record that the attempt is over: nothing more of it is sent."""
    sql = "UPDATE outbox SET claimed_until = NULL WHERE id = $1 AND attempts = $2"
    await transaction.fetch(sql, item.id, item.attempts)


async def under_way(reader: Reader, kind: str, receivers: Receivers, receiver: str) -> int:
    """How many rows of a kind some process may be sending to a receiver."""
    [(count,)] = await reader.fetch(
        f"SELECT count(*) FROM outbox WHERE claimed_until > $1 AND kind = $2 AND {receivers.sql} = $3",
        clock.now_us(),
        kind,
        receiver,
    )
    return int(count)


async def waiting(reader: Reader, kind: str, receivers: Receivers, receiver: str, limit: int) -> list[str]:
    """The subjects of up to `limit` rows for a receiver that are to be delivered, and that no process is sending."""
    rows = await reader.fetch(
        f"SELECT subject_id FROM outbox WHERE {_WAITS} AND kind = $2 AND {receivers.sql} = $3 LIMIT {limit}",
        clock.now_us(),
        kind,
        receiver,
    )
    return [subject_id for (subject_id,) in rows]


async def cancel(transaction: Transaction, subject_ids: Iterable[str], reason: str) -> list[OutboxItem]:
    """Give up rows that wait, for a reason; returns them, without those that a process has begun to send."""
    rows = await transaction.fetch(
        "UPDATE outbox SET last_error = $3, next_attempt_at = NULL, body_sealed = NULL"
        f" WHERE {_WAITS} AND {transaction.any_of('subject_id', 2, 'id')}"
        f" RETURNING {_ITEMS.columns.format(receiver='NULL')}",
        clock.now_us(),
        transaction.array(subject_ids),
        reason,
    )
    return _ITEMS.read_all(rows)


async def pause_all(transaction: Transaction, since: int, until: int) -> None:
    """What waits could not be tried from `since` to `until`: it gets that time back."""
    await transaction.fetch(
        "UPDATE outbox SET paused = paused + $2 - CASE WHEN created_at > $1 THEN created_at ELSE $1 END"
        " WHERE next_attempt_at IS NOT NULL AND created_at < $2",
        since,
        until,
    )


async def pull_in(transaction: Transaction) -> None:
    """Make due what a clock put off that was ahead and is put back: it would wait until the clock is there again."""
    now = clock.now_us()
    await transaction.fetch(
        "UPDATE outbox SET created_at = CASE WHEN created_at > $1 THEN $1 ELSE created_at END, paused = 0,"
        " next_attempt_at = $1, claimed_until = NULL"
        " WHERE next_attempt_at > $2 AND (created_at > $2 OR next_attempt_at > $3)",
        now,
        now + clock.MAX_SKEW,
        now + MAX_WAIT,
    )


async def kept_body(database: Database, item: OutboxItem) -> str | None:
    """What the first attempt sent, sealed."""
    rows = await database.fetch("SELECT body_sealed FROM outbox WHERE id = $1", item.id)
    return rows[0][0] if rows else None


async def keep_body(database: Database, item: OutboxItem, sealed: str) -> str | None:
    """Keep what is about to be sent; returns what is kept, which is another attempt's if that was first."""
    sql = "UPDATE outbox SET body_sealed = $2 WHERE id = $1 AND body_sealed IS NULL AND next_attempt_at IS NOT NULL"
    await database.transaction(lambda transaction: transaction.fetch(sql, item.id, sealed))
    return await kept_body(database, item)


def readable(error: str) -> str:
    """An error in a form that databases keep, whatever an engine put into it."""
    return _UNFIT.sub("\ufffd", error).encode()[:MAX_ERROR_BYTES].decode(errors="ignore")


def pause(attempts: int) -> int:
    """How long to wait after so many attempts, in µs."""
    return round(backoff.pause(attempts, FIRST_PAUSE, MAX_PAUSE))


def pause_of(item: OutboxItem) -> int:
    """How long to wait after an attempt that failed, in µs; at least as long as the receiver asked for."""
    return max(pause(item.attempts), item.retry_after)


async def of_subjects(database: Database, subject_ids: Iterable[str]) -> dict[str, Dispatch]:
    """The delivery status of each subject, by its id. Leaves out subjects without one."""
    rows = await database.fetch(
        f"SELECT subject_id, {_DISPATCHES.columns} FROM outbox"
        f" WHERE {database.any_of('subject_id', 1, 'id')} ORDER BY id",
        database.array(subject_ids),
    )
    return {subject_id: _DISPATCHES.read(values) for subject_id, *values in rows}
