"""Revisions: every change of an execution takes the next number, so one number is a position in the changes.

The epoch names one life of the counter. A database restored from a backup gets a new epoch (docs/operating.md), so that
an old cursor cannot count as a position in the new count.

The last statement of a changing transaction takes the number, from a row that stays locked until the commit. So numbers
become visible in order, and a reader who has seen 7 misses nothing below it. (A plain sequence lost 37 % of the changes
to readers, because lower numbers commit later.)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from app.db import Database, Transaction
from app.db.dialect import Dialect
from app.paging import opaque

MAX_REVISION = 2**63 - 1
STAMP = ("execution_id", "revision", "deleted", "created_revision", "finished_revision")
# Created executions from which on a second round trip is less than what an INSERT takes longer than COPY. With others
# beside them it is more: of 100 that are created and 500 that are changed one statement takes 0.7 of the time.
WORTH_TWO = 100
_FORM = re.compile(r"([0-9a-f]{1,64}):(0|[1-9][0-9]{0,18})")


async def revision_of(database: Database) -> tuple[str, int]:
    """The epoch and the newest revision. Read it before a list: what the list misses then comes after it."""
    epoch, revision, _ = await counter_of(database)
    return epoch, revision


async def counter_of(database: Database) -> tuple[str, int, int]:
    """The epoch, the newest revision, and the newest pruned tombstone's: earlier readers may miss deletions."""
    rows = await database.fetch("SELECT epoch, revision, forgotten FROM revision_counter WHERE id = 1")
    epoch, revision, forgotten = rows[0]
    return epoch, revision, forgotten


def updates_cursor(epoch: str, revision: int) -> str:
    """The opaque form of a position in the changes."""
    return opaque.encode(f"{epoch}:{revision}")


def parse_updates_cursor(cursor: str) -> tuple[str, int] | None:
    """The epoch and revision in `cursor`; None if it is not such a cursor."""
    match = _FORM.fullmatch(opaque.decode(cursor) or "")
    if match is None or int(match[2]) > MAX_REVISION:
        return None
    return match[1], int(match[2])


async def take(
    transaction: Transaction,
    execution_ids: Sequence[str],
    *,
    created: Collection[str] = (),
    finished: Collection[str] = (),
) -> int:
    """Give each execution a new revision, in the given order; returns the last one. Must be the last statement.

    Executions in `created` and `finished` also keep it as the revision at which they were created or finished.
    """
    count, births, ends = len(execution_ids), frozenset(created), frozenset(finished)
    # One statement is one round trip under the lock of the counter; SQLite has no server, and no UPDATE in a WITH.
    if transaction.dialect is Dialect.POSTGRES and not WORTH_TWO <= len(births) == count:
        given = [[id_ in some for id_ in execution_ids] for some in (births, ends)]
        rows = await transaction.fetch(_TAKE, list(execution_ids), count, *given)
        return int(rows[0][0])
    rows = await transaction.fetch("UPDATE revision_counter SET revision = revision + $1 RETURNING revision", count)
    last = int(rows[0][0])
    stamps = [
        (id_, number, False, number if id_ in births else None, number if id_ in ends else None)
        for number, id_ in enumerate(execution_ids, last - count + 1)
    ]
    await transaction.insert("execution_revisions", STAMP, [stamp for stamp in stamps if stamp[0] in births])
    await transaction.execute_many(_STAMP, [stamp for stamp in stamps if stamp[0] not in births])
    return last


async def bury(transaction: Transaction, execution_ids: Sequence[str]) -> int:
    """Give deleted executions a new revision, and leave that as their tombstone; the last one. Must be done last."""
    last = await take(transaction, execution_ids)
    condition = transaction.any_of("execution_id", 1, "id")
    await transaction.fetch(
        f"UPDATE execution_revisions SET deleted = TRUE WHERE {condition}", transaction.array(execution_ids)
    )
    return last


_ON_CONFLICT = """
ON CONFLICT (execution_id) DO UPDATE SET revision = excluded.revision, deleted = false,
  previous_revision = execution_revisions.revision,
  created_revision = coalesce(excluded.created_revision, execution_revisions.created_revision),
  finished_revision = coalesce(excluded.finished_revision, execution_revisions.finished_revision)
"""
_TAKE = f"""
WITH taken AS (UPDATE revision_counter SET revision = revision + $2 RETURNING revision)
INSERT INTO execution_revisions (execution_id, revision, deleted, created_revision, finished_revision)
SELECT given.id, taken.revision - $2 + given.place, false,
  CASE WHEN given.birth THEN taken.revision - $2 + given.place END,
  CASE WHEN given.ending THEN taken.revision - $2 + given.place END
FROM taken, unnest($1::uuid[], $3::bool[], $4::bool[]) WITH ORDINALITY AS given (id, birth, ending, place)
{_ON_CONFLICT} RETURNING (SELECT revision FROM taken)
"""
_STAMP = f"""
INSERT INTO execution_revisions ({", ".join(STAMP)}) VALUES ($1, $2, $3, $4, $5) {_ON_CONFLICT}
"""
