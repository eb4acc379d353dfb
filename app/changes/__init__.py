"""Changes of executions, read from the database in the order of their revisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from app.db import Database, Row
from app.db.rows import RowsOf
from app.executions import EXECUTIONS, Execution


class _Revision(msgspec.Struct):
    revision: int
    execution_id: str
    deleted: bool
    created_revision: int | None
    finished_revision: int | None
    previous_revision: int | None


_REVISIONS = RowsOf(_Revision, "r")
_SELECT = f"""
SELECT {_REVISIONS.columns}, {EXECUTIONS.columns}
FROM execution_revisions r LEFT JOIN executions e ON e.id = r.execution_id
WHERE r.revision > $1 ORDER BY r.revision LIMIT {{limit}}
"""


@dataclass(frozen=True, slots=True)
class Changed:
    """An execution as of a revision, which includes its earlier changes."""

    revision: int
    execution_id: str
    execution: Execution | None  # None: deleted
    created: int  # the revision at which it was created; 0: before Runwatch recorded that
    finished: int  # the revision at which it last finished; 0: it has not
    previous: int  # its previous revision; 0: none, or unknown

    @property
    def is_first(self) -> bool:
        """Whether it is new: an execution that does not match a filter now has never matched it."""
        return self.created == self.revision


async def since(database: Database, revision: int, limit: int) -> Sequence[Changed]:
    """What has changed after a revision, each execution once, oldest change first."""
    rows = await database.fetch(_SELECT.format(limit=limit), revision)
    return [_changed(row) for row in rows]


async def count_since(database: Database, revision: int, limit: int) -> int:
    """How many executions have changed after a revision; counting stops at `limit`."""
    rows = await database.fetch(
        f"SELECT count(*) FROM (SELECT 1 FROM execution_revisions WHERE revision > $1 LIMIT {limit}) c", revision
    )
    return int(rows[0][0])


def _changed(row: Row) -> Changed:
    found, values = _REVISIONS.split(row)
    # The row may be gone before its tombstone is visible: its deleting transaction is only partly visible to this
    # statement.
    execution = None if found.deleted or values[0] is None else EXECUTIONS.read(values)
    return Changed(
        found.revision,
        found.execution_id,
        execution,
        found.created_revision or 0,
        found.finished_revision or 0,
        found.previous_revision or 0,
    )
