"""Puts the failures of versions with other fingerprints into their error groups (see backfill.py, group_moves.py)."""

from __future__ import annotations

from collections.abc import Sequence

from app.db import Database, Reader, Row, Transaction
from app.db.locks import Lock
from app.error_groups import fingerprints
from app.ingestion import group_moves
from app.ingestion.backfill import Backfill, Position
from app.log import get_logger
from app.paging.keyset import GREATEST_ID

log = get_logger(__name__)


class Regrouping(Backfill):
    """Regroups older failures, once for each version of the fingerprints."""

    table = "regrouping"
    lock = Lock.GROUPS
    failure = "failures_not_regrouped"

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._asked = False

    async def go_on(self) -> None:
        """Regroup a few, after asking for it where fingerprints are of an older version."""
        if not self._asked and await _version(self.database) < fingerprints.VERSION:
            await self.database.transaction(_ask)
        self._asked = True
        await super().go_on()

    async def may_go_on(self, transaction: Transaction) -> bool:
        """False in a process of an older version, beside one that has asked for newer fingerprints."""
        return await _version(transaction) == fingerprints.VERSION

    async def next_rows(self, transaction: Transaction, before: Position) -> Sequence[Row]:
        """Failures, with the sizes of their stack traces."""
        return await transaction.fetch(
            f"""
            SELECT e.id, coalesce(p.stack_trace_bytes, 0) FROM executions e
            LEFT JOIN execution_payloads p ON p.execution_id = e.id
            WHERE e.id < $1 AND e.error_group_id IS NOT NULL
            ORDER BY e.id DESC LIMIT {self.max_rows}
            """,
            *before,
        )

    async def work(self, transaction: Transaction, keys: Sequence[Position]) -> None:
        """Regroup them."""
        await group_moves.move(transaction, [id_ for (id_,) in keys])

    async def finish(self, transaction: Transaction) -> bool:
        """Move the counts that pruned failures left; False while another process changes those."""
        if not await transaction.try_lock(Lock.ROLLUPS):
            return False
        await group_moves.move_kept(transaction)
        return True


async def _version(reader: Reader) -> int:
    """Which fingerprints failures have, or are being given."""
    [(version,)] = await reader.fetch("SELECT version FROM fingerprint_version")
    return int(version)


async def _ask(transaction: Transaction) -> None:
    """Ask for all failures to be regrouped, unless another process has done so."""
    await transaction.lock(Lock.GROUPS)
    if await _version(transaction) >= fingerprints.VERSION:
        return
    await transaction.upsert("regrouping", ("id", "before"), [(1, GREATEST_ID["uuid"])], key=("id",))
    await transaction.execute_many("UPDATE fingerprint_version SET version = $1", [(fingerprints.VERSION,)])
    log.info("regrouping_asked", version=fingerprints.VERSION)
