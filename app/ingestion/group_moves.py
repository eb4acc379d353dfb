"""Moves stored failures to the error groups that they belong to now, with ids, merges and figures.

No run has changed by that: nobody is told, and no alert rule looks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated

import msgspec

from app.db import Transaction
from app.db.rows import Column, RowsOf
from app.error_groups import splitting
from app.error_groups.fingerprints import Distinction, finer, fingerprint
from app.ingestion import execution_rows
from app.metrics import deltas


class Failure(msgspec.Struct):
    """A stored failure."""

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

    def fingerprint(self) -> str:
        """By this version, without splits."""
        return fingerprint(
            self.error_type, self.error_message, self.stack_trace, workflow=self.workflow, failed_step=self.failed_step
        ).key

    def finer(self, key: str, kinds: Distinction) -> str:
        """What a split gives it."""
        return finer(
            key, kinds, self.error_message, self.stack_trace, workflow=self.workflow, failed_step=self.failed_step
        )

    def figure(self, group: str) -> deltas.Figure | None:
        """What it counts as in a group."""
        return deltas.figure(self.queued_at, self.workflow_id, self.trigger_kind, self.status, self.duration, group)


_FAILURES = RowsOf(Failure)

# A group of before, $1, is an alias of what it has become, and so are its own aliases.
_LEAD = (
    "INSERT INTO error_group_aliases (alias, error_group_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    "INSERT INTO error_group_aliases (alias, error_group_id) SELECT a.alias, {new} FROM error_group_aliases a"
    " WHERE a.error_group_id = $1 AND a.alias <> {new} ON CONFLICT DO NOTHING",
)
# What an earlier split of $1 had made, and that was brought together, is a part again, and leads nowhere else.
_BE_PART = (
    "INSERT INTO error_group_parts (fingerprint, part) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    "DELETE FROM error_group_aliases WHERE alias = {new} AND (error_group_id = $1"
    " OR error_group_id IN (SELECT p.part FROM error_group_parts p WHERE p.fingerprint = $1))",
)
# Merges by hand stay: what was part of a group is part of it still, and a group keeps what was merged into it, with its
# id.
_STAY_MERGED = (
    "INSERT INTO error_group_merges (fingerprint, group_id, at, actor) SELECT {new}, m.group_id, m.at, m.actor"
    " FROM error_group_merges m WHERE (m.fingerprint = $1 OR m.group_id = $1) AND m.group_id <> {new}"
    " AND NOT EXISTS (SELECT 1 FROM error_group_merges x WHERE x.group_id = {new})"
    " ORDER BY m.at DESC, m.fingerprint LIMIT 1 ON CONFLICT DO NOTHING"
)
# So does what people said of a group; of its parts too.
_STAY_MARKED = (
    "INSERT INTO error_group_marks (group_id, kind, at, until, actor) SELECT {new}, k.kind, k.at, k.until, k.actor"
    " FROM error_group_marks k WHERE k.group_id = $1 ON CONFLICT DO NOTHING"
)
# A split stays: $2 is what failures with the fingerprint $1 have now.
_STAY_SPLIT = (
    "INSERT INTO error_group_splits (fingerprint, kinds, at, actor) SELECT {new}, s.kinds, s.at, s.actor"
    " FROM error_group_splits s WHERE s.fingerprint = $1 ON CONFLICT DO NOTHING"
)

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


async def move(transaction: Transaction, ids: Sequence[str]) -> int:
    """Move failures, under Lock.GROUPS; how many did not belong where they were."""
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
    bases = {each.id: each.fingerprint() for each in found}
    rules = await _rules(transaction, [(each.group, bases[each.id]) for each in found])
    moved, parts = [], set()
    for each in found:
        group = base = bases[each.id]
        if base in rules:
            group = each.finer(base, rules[base])
            parts.add((base, group))
        if group != each.group:
            moved.append((each, group))
    await note_parts(transaction, parts)
    if moved:
        await transaction.execute_many(
            "UPDATE executions SET error_group_id = $1 WHERE id = $2", [(group, each.id) for each, group in moved]
        )
        became = sorted({(each.group, group) for each, group in moved} - parts)
        await _each(transaction, (*_LEAD, _STAY_MERGED), became)
        await _each(transaction, (_STAY_MARKED,), sorted({(each.group, group) for each, group in moved}))
        changes = (deltas.change(each.figure(each.group), each.figure(group)) for each, group in moved)
        await deltas.append(transaction, [delta for change in changes for delta in change])
    return len(moved)


async def note_parts(transaction: Transaction, parts: Iterable[tuple[str, str]]) -> None:
    """Note which fingerprints were split into which; each id of before leads to all of its parts."""
    given = sorted(parts)  # in one order, for those who note the same at the same time
    await _each(transaction, (*_BE_PART, *_LEAD), given)


async def move_kept(transaction: Transaction) -> None:
    """Have the counts of pruned failures follow those that are kept, under Lock.ROLLUPS."""
    for statement in _MOVE_KEPT:
        await transaction.fetch(statement)


async def _rules(transaction: Transaction, found: Collection[tuple[str, str]]) -> dict[str, Distinction]:
    """The splits by fingerprint. What a split told apart by an older fingerprint stays so by the new one."""
    every = await splitting.splits(transaction)
    rules = {each.fingerprint: each.kinds for each in every if each.undone_at is None}
    if not rules:
        return rules
    condition = transaction.any_of("part", 1, "id")
    rows = await transaction.fetch(
        f"SELECT part, fingerprint FROM error_group_parts WHERE {condition}",
        transaction.array({group for group, _ in found}),
    )
    before = {part: base for part, base in rows if base in rules}
    taken = {each.fingerprint for each in every}
    renewed = sorted({(before[group], base) for group, base in found if group in before and base not in taken})
    await _each(transaction, (_STAY_SPLIT,), renewed)
    return rules | {base: rules[older] for older, base in renewed}


async def _each(transaction: Transaction, statements: Iterable[str], pairs: Sequence[tuple[str, str]]) -> None:
    new = transaction.dialect.cast("$2", "uuid")
    for statement in statements:
        await transaction.execute_many(statement.format(new=new), pairs)
