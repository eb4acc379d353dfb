"""Error groups that administrators merge by hand, and take apart again.

A merge moves no run: it says that a fingerprint counts as part of another group, and reading follows it. So runs that
come later count there too, undoing it is exact, and no alert rule has anything to look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app import audit, clock, ids
from app.db import Database, Transaction
from app.db.locks import Lock
from app.db.rows import RowsOf
from app.error_groups import ErrorGroup, by_ids
from app.errors import BadInput, LimitExceeded, NotFound

# One filter by a group reads the runs of all of them.
MAX_MEMBERS = 200


@dataclass(frozen=True, slots=True)
class Merge:
    """A fingerprint that was merged into another group; `at` in µs since the epoch."""

    fingerprint: str
    group_id: str
    at: int
    actor: str


_MERGES = RowsOf(Merge)


async def merge(database: Database, actor: str, given: Sequence[str], into: str) -> ErrorGroup:
    """Merge groups into another one, and return that as it is then. Merging again changes nothing.

    Raises BadInput for no group or too many, NotFound for one without any execution, LimitExceeded when it would have
    too many fingerprints.
    """
    if not given or len(given) > MAX_MEMBERS:
        raise BadInput(f"from: must be 1 to {MAX_MEMBERS} error groups, not {len(given)}")

    async def work(transaction: Transaction) -> None:
        await transaction.lock(Lock.GROUPS)
        found = await by_ids(transaction, [*given, into])
        for name, id_ in (*(("from", each) for each in given), ("into", into)):
            if id_ not in found:
                raise NotFound(f"{name}: no such errorGroup: {ids.to_global('errorGroup', id_)!r}")
        target = found[into].id
        merged = sorted({found[id_].id for id_ in given} - {target})
        if not merged:
            return
        condition = transaction.any_of("group_id", 1, "id")
        await transaction.fetch(
            f"UPDATE error_group_merges SET group_id = $2 WHERE {condition} RETURNING fingerprint",
            transaction.array(merged),
            target,
        )
        now = clock.now_us()
        await transaction.insert("error_group_merges", _MERGES.names, [(id_, target, now, actor) for id_ in merged])
        [(size,)] = await transaction.fetch("SELECT count(*) FROM error_group_merges WHERE group_id = $1", target)
        if size >= MAX_MEMBERS:
            raise LimitExceeded(f"An error group has at most {MAX_MEMBERS} fingerprints")
        await audit.note(
            transaction, actor, "mergeErrorGroups", ids.to_global("errorGroup", target), {"from": _global(merged)}
        )

    await database.transaction(work)
    return await _found(database, into)


async def unmerge(database: Database, actor: str, id_: str) -> ErrorGroup:
    """Take a fingerprint out of the group that it was merged into, or take a group apart; return the group of `id_`.

    Of what has no merge nothing changes. Raises NotFound for one without any execution.
    """

    async def work(transaction: Transaction) -> None:
        await transaction.lock(Lock.GROUPS)
        apart = await transaction.fetch(
            "DELETE FROM error_group_merges WHERE group_id = $1 RETURNING fingerprint, group_id", id_
        )
        if not apart:
            # With what the fingerprint was called before, and has become since.
            related = {id_}
            for column, other in (("alias", "error_group_id"), ("error_group_id", "alias")):
                condition = transaction.any_of(column, 1, "id")
                rows = await transaction.fetch(
                    f"SELECT {other} FROM error_group_aliases WHERE {condition}", transaction.array(related)
                )
                related |= {each for (each,) in rows}
            condition = transaction.any_of("fingerprint", 1, "id")
            apart = await transaction.fetch(
                f"DELETE FROM error_group_merges WHERE {condition} RETURNING fingerprint, group_id",
                transaction.array(related),
            )
        if apart:
            members = _global(sorted(fingerprint for fingerprint, _ in apart))
            detail = {"from": ids.to_global("errorGroup", apart[0][1]), "members": members}
            await audit.note(transaction, actor, "unmergeErrorGroup", ids.to_global("errorGroup", id_), detail)

    await database.transaction(work)
    return await _found(database, id_)


async def of_groups(database: Database, group_ids: Iterable[str]) -> dict[str, list[Merge]]:
    """What was merged into groups, the newest first, by the id of the group. Leaves out groups without."""
    found: dict[str, list[Merge]] = {}
    rows = await database.fetch(
        f"SELECT {_MERGES.columns} FROM error_group_merges WHERE {database.any_of('group_id', 1, 'id')}"
        " ORDER BY at DESC, fingerprint",
        database.array(group_ids),
    )
    for each in _MERGES.read_all(rows):
        found.setdefault(each.group_id, []).append(each)
    return found


async def _found(database: Database, id_: str) -> ErrorGroup:
    group = (await by_ids(database, [id_])).get(id_)
    if group is None:
        raise NotFound(f"id: no such errorGroup: {ids.to_global('errorGroup', id_)!r}")
    return group


def _global(local_ids: Iterable[str]) -> list[str]:
    return [ids.to_global("errorGroup", id_) for id_ in local_ids]
