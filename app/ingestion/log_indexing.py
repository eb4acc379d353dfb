"""Gives the log lines of versions that searched a terminal's escapes the text that search looks in (see backfill.py).

Few lines have escapes, but all are looked at: 20,000 a second at most.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.db import Row, Transaction
from app.db.locks import Lock
from app.ingestion import execution_rows
from app.ingestion.backfill import Backfill, Position
from app.paging.keyset import Params
from app.paging.search import ESCAPE_STARTS, folded, occurs


class LogIndexing(Backfill):
    """Folds older log lines anew."""

    table = "log_indexing"
    key = ("before", "sequence")
    lock = Lock.LOG_LINES
    failure = "log_lines_not_indexed"
    max_rows = 1_000

    async def next_rows(self, transaction: Transaction, before: Position) -> Sequence[Row]:
        """Any lines, with their sizes."""
        return await transaction.fetch(
            "SELECT x.execution_id, x.sequence, x.message_bytes FROM log_entries x"
            " WHERE (x.execution_id, x.sequence) < ($1, $2)"
            f" ORDER BY x.execution_id DESC, x.sequence DESC LIMIT {self.max_rows}",
            *before,
        )

    async def work(self, transaction: Transaction, keys: Sequence[Position]) -> None:
        """Fold those that have escapes."""
        if found := await self._escaped(transaction, keys, "DISTINCT x.execution_id"):
            # A secret that is learned rewrites lines too, under this lock.
            await execution_rows.lock_with(transaction, (), [id_ for (id_,) in found])
            rows = await self._escaped(transaction, keys, "x.execution_id, x.sequence, x.message, x.folded")
            changed = [(id_, line, new) for id_, line, message, old in rows if (new := folded(message)) != old]
            columns = ("execution_id", "sequence", "folded")
            await transaction.update("log_entries", columns, changed, key=columns[:2])

    async def _escaped(self, transaction: Transaction, keys: Sequence[Position], selected: str) -> Sequence[Row]:
        params = Params(transaction.dialect)
        newest, oldest = (", ".join(map(params.bind, key)) for key in (keys[0], keys[-1]))
        escaped = " OR ".join(occurs(params, start, "x.message") for start in ESCAPE_STARTS)
        return await transaction.fetch(
            f"SELECT {selected} FROM log_entries x WHERE (x.execution_id, x.sequence) >= ({oldest})"
            f" AND (x.execution_id, x.sequence) <= ({newest}) AND ({escaped})",
            *params.values,
        )
