"""Error groups that administrators split by hand, by what tells their failures apart, and undo that.

A split is a rule: failures with a fingerprint get a finer one. Ingestion applies it to runs that come, and a service
(app/ingestion/splitting.py) to those that are there; undoing it brings all of them together again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from app import audit, clock, ids
from app.db import Database, Reader, Transaction
from app.db.locks import Lock
from app.db.rows import RowsOf
from app.error_groups import ErrorGroup, by_ids
from app.error_groups.fingerprints import Distinction
from app.errors import BadInput, Conflict, LimitExceeded, NotFound
from app.executions import group_members

# Each process knows them all.
MAX_SPLITS = 100


@dataclass(frozen=True, slots=True)
class Split:
    """A rule; times in µs since the epoch. `undone_at`: its failures are brought together again."""

    fingerprint: str
    kinds: Distinction
    at: int
    actor: str
    undone_at: int | None


_SPLITS = RowsOf(Split)


async def splits(reader: Reader) -> list[Split]:
    """All there are, those that are being undone too."""
    return _SPLITS.read_all(await reader.fetch(f"SELECT {_SPLITS.columns} FROM error_group_splits"))


async def split(database: Database, actor: str, id_: str, by: Sequence[Distinction]) -> ErrorGroup:
    """Split a group; return what its id leads to. The same split again changes nothing.

    Raises NotFound for a group without any execution; BadInput for one that was merged or is a part of a split one, is
    split by something else, or for no `by`; Conflict while a split of it is being undone; LimitExceeded for too many.
    """
    if not by:
        raise BadInput("by: must have a value")
    kinds = reduce(or_, by)

    async def work(transaction: Transaction) -> None:
        await transaction.lock(Lock.GROUPS)
        every = {each.fingerprint: each for each in await splits(transaction)}
        group = (await by_ids(transaction, [id_])).get(id_)
        # The id of a part leads back to what was split, while that is being undone.
        if known := every.get(id_) or (group and every.get(group.id)):
            if known.undone_at is not None:
                raise Conflict("Its last split is being undone; try again in some minutes")
            if known.kinds != kinds:
                raise BadInput("by: it is split by something else; undo that with unsplitErrorGroup first")
            return
        if group is None:
            raise _unknown(id_)
        if len(group.fingerprints) > 1:
            raise BadInput("id: others were merged into it; take them out with unmergeErrorGroup first")
        if group.split_by:
            raise BadInput("id: a part of a group that was split; undo that with unsplitErrorGroup first")
        if len(every) >= MAX_SPLITS:
            raise LimitExceeded(f"At most {MAX_SPLITS} error groups are split; undo one first")
        row = (group.id, int(kinds), clock.now_us(), actor, None)
        await transaction.insert("error_group_splits", _SPLITS.names, [row])
        detail = {"by": [each.name for each in Distinction if each in kinds]}
        await audit.note(transaction, actor, "splitErrorGroup", ids.to_global("errorGroup", group.id), detail)

    await database.transaction(work)
    return await _found(database, id_)


async def unsplit(database: Database, actor: str, id_: str) -> ErrorGroup:
    """Undo the split of a group, or of the one that this is a part of; return what the id leads to.

    Any other group stays as it is. Raises NotFound for one without any execution, BadInput while a part is merged.
    """

    async def work(transaction: Transaction) -> None:
        await transaction.lock(Lock.GROUPS)
        undone = await _rules_of(transaction, [id_])
        if not undone:
            return
        # With those that its failures have by newer fingerprints.
        led = await group_members.lead(transaction, [id_])
        undone |= await _rules_of(transaction, led.groups[id_])
        given = transaction.array(sorted(undone))
        merged = await transaction.fetch(
            "SELECT 1 FROM error_group_parts p JOIN error_group_merges m"
            f" ON m.fingerprint = p.part OR m.group_id = p.part WHERE {transaction.any_of('p.fingerprint', 1, 'id')}"
            " LIMIT 1",
            given,
        )
        if merged:
            raise BadInput("id: a part was merged; take it out with unmergeErrorGroup first")
        await transaction.fetch(
            "UPDATE error_group_splits SET undone_at = $2"
            f" WHERE {transaction.any_of('fingerprint', 1, 'id')} RETURNING fingerprint",
            given,
            clock.now_us(),
        )
        await audit.note(transaction, actor, "unsplitErrorGroup", ids.to_global("errorGroup", id_))

    await database.transaction(work)
    return await _found(database, id_)


async def _rules_of(transaction: Transaction, given: Iterable[str]) -> set[str]:
    """The fingerprints among these that were split, and those of which these are parts."""
    rows = await transaction.fetch(
        f"SELECT s.fingerprint FROM error_group_splits s WHERE s.undone_at IS NULL"
        f" AND ({transaction.any_of('s.fingerprint', 1, 'id')} OR s.fingerprint IN (SELECT p.fingerprint"
        f" FROM error_group_parts p WHERE {transaction.any_of('p.part', 1, 'id')}))",
        transaction.array(given),
    )
    return {fingerprint for (fingerprint,) in rows}


async def _found(database: Database, id_: str) -> ErrorGroup:
    group = (await by_ids(database, [id_])).get(id_)
    if group is None:
        raise _unknown(id_)
    return group


def _unknown(id_: str) -> NotFound:
    return NotFound(f"id: no such errorGroup: {ids.to_global('errorGroup', id_)!r}")
