"""Puts the failures of versions with other fingerprints into their error groups, newest first, beside the traffic.

How far it has come is in the database (the table `regrouping`), committed with the groups. The group that a failure was
in becomes an alias of its new one, so that ids that people kept still lead to it. Figures move along by deltas. No run
has changed: nobody is told, and no alert rule looks.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from app.db import Database, Transaction
from app.db.locks import Lock
from app.db.rows import Column, RowsOf
from app.error_groups.fingerprints import fingerprint
from app.ingestion import execution_rows
from app.log import get_logger
from app.metrics import deltas
from app.sweep import Sweep

log = get_logger(__name__)

SWEEP_SECONDS = 60.0
# Failures of a transaction, and bytes of stack traces that one reads.
MAX_BATCH_ROWS = 100
MAX_BATCH_BYTES = 1024 * 1024
# Between two batches, for the others.
PAUSE_SECONDS = 0.05


class _Failure(msgspec.Struct):
    id: Annotated[str, Column("e.id")]
    queued_at: Annotated[int, Column("e.queued_at")]
    workflow_id: Annotated[str, Column("e.workflow_id")]
    trigger_kind: Annotated[str, Column("e.trigger_kind")]
    status: Annotated[int, Column("e.status")]
    duration: Annotated[int | None, Column("e.duration")]
    group: Annotated[str, Column("e.error_group_id")]
    error_type: Annotated[str | None, Column("e.error_type")]
    error_message: Annotated[str | None, Column("e.error_message")]
    failed_step: Annotated[str | None, Column("e.failed_step_name")]
    workflow: Annotated[str, Column("w.name")]
    stack_trace: Annotated[str | None, Column("p.stack_trace")]

    def regrouped(self) -> str:
        return fingerprint(
            self.error_type, self.error_message, self.stack_trace, workflow=self.workflow, failed_step=self.failed_step
        ).key

    def figure(self, group: str) -> deltas.Figure | None:
        return deltas.figure(self.queued_at, self.workflow_id, self.trigger_kind, self.status, self.duration, group)


_FAILURES = RowsOf(_Failure)

# Counts of pruned failures cannot be told apart any more: they go along where the group has become one.
_ONE = (
    "error_group_aliases a WHERE NOT EXISTS (SELECT 1 FROM error_group_aliases b"
    " WHERE b.alias = a.alias AND b.error_group_id <> a.error_group_id)"
)
_MOVE_KEPT = (
    f"UPDATE metric_deltas SET error_group_id = (SELECT a.error_group_id FROM {_ONE} AND a.alias ="
    f" metric_deltas.error_group_id) WHERE kept = 1 AND error_group_id IN (SELECT a.alias FROM {_ONE})",
    "INSERT INTO metric_error_groups (grain, start, error_group_id, workflow_id, trigger_kind, kept, failures)"
    " SELECT r.grain, r.start, s.error_group_id, r.workflow_id, r.trigger_kind, r.kept, CAST(sum(r.failures) AS BIGINT)"
    f" FROM metric_error_groups r JOIN (SELECT a.alias, a.error_group_id FROM {_ONE}) s ON s.alias = r.error_group_id"
    " WHERE r.kept = 1 GROUP BY r.grain, r.start, s.error_group_id, r.workflow_id, r.trigger_kind, r.kept"
    " ON CONFLICT (grain, start, error_group_id, workflow_id, trigger_kind, kept)"
    " DO UPDATE SET failures = metric_error_groups.failures + excluded.failures",
    f"DELETE FROM metric_error_groups WHERE kept = 1 AND error_group_id IN (SELECT a.alias FROM {_ONE})",
)


class Regrouping(Sweep):
    """Regroups older failures, once. One process per database does it at a time."""

    def __init__(self, database: Database) -> None:
        super().__init__(self.regroup, "failures_not_regrouped", seconds=SWEEP_SECONDS, least_pause=PAUSE_SECONDS)
        self._database = database

    async def regroup(self) -> None:
        """Regroup a few; the next ones soon, unless all are, or another process is about it."""
        if not await self._database.fetch("SELECT 1 FROM regrouping"):
            return
        if await self._database.transaction(self._batch):
            self.wake()

    async def _batch(self, transaction: Transaction) -> bool:
        """Regroup the next few; False if there are none left, or another process regroups them."""
        if not await transaction.try_lock(Lock.GROUPS):
            return False
        ids = await self._next(transaction)
        if not ids:
            return not await self._end(transaction)
        await execution_rows.lock_with(transaction, (), ids)
        condition = transaction.any_of("e.id", 1, "id")
        found = _FAILURES.read_all(
            await transaction.fetch(
                f"SELECT {_FAILURES.columns} FROM executions e JOIN workflows w ON w.id = e.workflow_id"
                f" LEFT JOIN execution_payloads p ON p.execution_id = e.id"
                f" WHERE e.error_group_id IS NOT NULL AND {condition}",
                transaction.array(ids),
            )
        )
        moved = [(each, group) for each in found if (group := each.regrouped()) != each.group]
        if moved:
            await transaction.execute_many(
                "UPDATE executions SET error_group_id = $1 WHERE id = $2", [(group, each.id) for each, group in moved]
            )
            await transaction.execute_many(
                "INSERT INTO error_group_aliases (alias, error_group_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                sorted({(each.group, group) for each, group in moved}),
            )
            changes = (deltas.change(each.figure(each.group), each.figure(group)) for each, group in moved)
            await deltas.append(transaction, [delta for change in changes for delta in change])
        await transaction.execute_many("UPDATE regrouping SET before = $1", [(ids[-1],)])
        return True

    async def _next(self, transaction: Transaction) -> list[str]:
        rows = await transaction.fetch(
            f"""
            SELECT e.id, coalesce(p.stack_trace_bytes, 0) FROM executions e
            LEFT JOIN execution_payloads p ON p.execution_id = e.id
            WHERE e.id < (SELECT before FROM regrouping) AND e.error_group_id IS NOT NULL
            ORDER BY e.id DESC LIMIT {MAX_BATCH_ROWS}
            """
        )
        ids, room = [], MAX_BATCH_BYTES
        for id_, size in rows:
            ids.append(id_)
            room -= size
            if room < 0:
                break
        return ids

    async def _end(self, transaction: Transaction) -> bool:
        """Move the counts that pruned failures left; False while another process changes those."""
        if not await transaction.try_lock(Lock.ROLLUPS):
            return False
        for statement in _MOVE_KEPT:
            await transaction.fetch(statement)
        await transaction.fetch("DELETE FROM regrouping")
        log.info("failures_regrouped")
        return True
