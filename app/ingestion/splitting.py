"""Applies the splits of error groups to stored failures, and tells ingestion of them (app/error_groups/splitting.py).

A process knows of a split after two seconds at most. What another one, or an older version, stores meanwhile is moved
by whichever process sees it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app import clock
from app.db import Database, Transaction
from app.db.locks import Lock
from app.error_groups import splitting
from app.error_groups.fingerprints import Distinction
from app.error_groups.splitting import Split
from app.ingestion import group_moves
from app.ingestion.backfill import MAX_BATCH_BYTES, MAX_BATCH_ROWS, PAUSE_SECONDS
from app.sweep import Sweep

SWEEP_SECONDS = 2.0
# Until all processes know that a split was undone.
PATIENCE = clock.MINUTE


class Splitting(Sweep):
    """Moves failures into the parts of split groups, and back. One process per database does it at a time."""

    def __init__(self, database: Database) -> None:
        super().__init__(self.go_on, "error_groups_not_split", seconds=SWEEP_SECONDS, least_pause=PAUSE_SECONDS)
        self._database = database
        self.rules: Mapping[str, Distinction] = {}  # by fingerprint

    async def go_on(self) -> None:
        """Move a few; the next ones soon if there are more."""
        every = await splitting.splits(self._database)
        self.rules = {each.fingerprint: each.kinds for each in every if each.undone_at is None}
        if not every:
            return
        if ids := await self._misplaced(every):
            if await self._database.transaction(lambda transaction: _move(transaction, ids)):
                self.wake()
        elif any(_is_over(each) for each in every):
            await self._database.transaction(_end)

    async def _misplaced(self, every: Sequence[Split]) -> list[str]:
        """Some failures that splits, or undoing them, have yet to move."""
        groups = [*self.rules]
        if undone := [each.fingerprint for each in every if each.undone_at is not None]:
            condition = self._database.any_of("fingerprint", 1, "id")
            sql = f"SELECT part FROM error_group_parts WHERE {condition}"
            groups += [part for (part,) in await self._database.fetch(sql, self._database.array(undone))]
        rows = await self._database.fetch(
            f"SELECT e.id, coalesce(p.stack_trace_bytes, 0) FROM executions e"
            f" LEFT JOIN execution_payloads p ON p.execution_id = e.id WHERE e.error_group_id IS NOT NULL"
            f" AND {self._database.any_of('e.error_group_id', 1, 'id')} LIMIT {MAX_BATCH_ROWS}",
            self._database.array(groups),
        )
        ids, room = [], MAX_BATCH_BYTES
        for id_, size in rows:
            ids.append(id_)
            room -= size
            if room < 0:
                break
        return ids


def _is_over(split: Split) -> bool:
    return split.undone_at is not None and split.undone_at < clock.now_us() - PATIENCE


async def _move(transaction: Transaction, ids: Sequence[str]) -> bool:
    return await transaction.try_lock(Lock.GROUPS) and await group_moves.move(transaction, ids) > 0


async def _end(transaction: Transaction) -> None:
    """Forget splits that were undone: the ids of their parts lead back."""
    if not (await transaction.try_lock(Lock.GROUPS) and await transaction.try_lock(Lock.ROLLUPS)):
        return
    over = [(each.fingerprint,) for each in await splitting.splits(transaction) if _is_over(each)]
    for statement in (
        "INSERT INTO error_group_aliases (alias, error_group_id) SELECT p.part, p.fingerprint FROM error_group_parts p"
        " WHERE p.fingerprint = $1 ON CONFLICT DO NOTHING",
        "DELETE FROM error_group_aliases WHERE alias = $1 AND error_group_id IN"
        " (SELECT p.part FROM error_group_parts p WHERE p.fingerprint = $1)",
        "DELETE FROM error_group_splits WHERE fingerprint = $1",
    ):
        await transaction.execute_many(statement, over)
    await group_moves.move_kept(transaction)
