"""Families of retries: which ancestors and descendants are followed, locked, and looked up from an index."""

from __future__ import annotations

import re
from pathlib import Path

from app import executions
from app.db import Database, Transaction
from app.executions import gaps, lineage
from app.executions.lineage import attempts_of
from app.lifecycle import State
from tests.factories import execution_row, insert_executions, record_statements

IDS = [f"{n:032x}" for n in range(1, 8)]


async def test_attempts_count_ancestors(database: Database) -> None:
    ids = [f"{n:032x}" for n in range(1, 8)]
    chain = [execution_row(id=ids[n], retry_of=ids[n - 1] if n else None) for n in range(4)]
    branch = execution_row(id=ids[4], retry_of=ids[0])
    orphan = execution_row(id=ids[5], retry_of="f" * 31 + "e")
    await insert_executions(database, *chain, branch, orphan)
    statements = record_statements(database)
    expected = {ids[0]: 1, ids[1]: 2, ids[2]: 3, ids[3]: 4, ids[4]: 2, ids[5]: 2, ids[6]: 1}
    assert await attempts_of(database, ids) == expected
    assert len(statements) == 1
    assert await attempts_of(database, []) == {}


async def test_a_cycle_of_retries_ends(database: Database) -> None:
    ids = ["a" * 32, "b" * 32]
    await insert_executions(
        database, execution_row(id=ids[0], retry_of=ids[1]), execution_row(id=ids[1], retry_of=ids[0])
    )
    attempts = await attempts_of(database, ids)
    assert all(attempt > 1000 for attempt in attempts.values())


async def test_family_of_a_branch(database: Database) -> None:
    # 0 ← 1 ← 2 ← 3, 0 ← 4 (which succeeded), and 5, whose parent was deleted.
    chain = [
        execution_row(id=IDS[n], retry_of=IDS[n - 1] if n else None, queued_at=n, state=State.FAILED) for n in range(4)
    ]
    succeeded = execution_row(id=IDS[4], retry_of=IDS[0], queued_at=9, state=State.SUCCEEDED)
    orphan = execution_row(id=IDS[5], retry_of="f" * 32)
    await insert_executions(database, *chain, succeeded, orphan)

    async def look(transaction: Transaction) -> None:
        assert await lineage.with_ancestors(transaction, []) == set()
        assert await lineage.with_ancestors(transaction, [IDS[2], IDS[4]]) == {IDS[n] for n in (0, 1, 2, 4)}
        assert await lineage.with_ancestors(transaction, [IDS[5], IDS[6]]) == {IDS[5]}
        line = await lineage.line_of(transaction, IDS[3])
        assert line == [(row["engine_id"], row["external_id"]) for row in reversed(chain)]
        assert await lineage.line_of(transaction, IDS[6]) == []
        locked = await lineage.lock_with_ancestors(transaction, [IDS[1], "nonsense"])
        assert locked.keys() == {IDS[0], IDS[1]}
        found = await lineage.retries_of(transaction, [IDS[0], IDS[3]])
        assert {id_: [each.id for each in retries] for id_, retries in found.items()} == {IDS[0]: [IDS[4], IDS[1]]}
        assert await lineage.refresh_ancestors(transaction, [IDS[2], IDS[0]]) == set(IDS[:3])

    await database.transaction(look)
    assert await lineage.roots_of(database, IDS) == {
        **dict.fromkeys(IDS[:5], IDS[0]),
        IDS[5]: IDS[5],
    }
    children = await lineage.retries_of(database, IDS)
    assert {id_: [each.id for each in found] for id_, found in children.items()} == {
        IDS[0]: [IDS[4], IDS[1]],
        IDS[1]: [IDS[2]],
        IDS[2]: [IDS[3]],
    }
    assert children[IDS[0]][0].state is State.SUCCEEDED
    found = await executions.by_ids(database, IDS)
    assert {id_ for id_, execution in found.items() if execution.retry_succeeded} == {IDS[0]}
    assert lineage.line_in(found, IDS[3]) == [IDS[3], IDS[2], IDS[1], IDS[0]]
    assert lineage.line_in(found, IDS[5]) == [IDS[5]]


def test_links_are_followed_here_only() -> None:
    app = Path(executions.__file__).parents[1]
    following = [path for path in app.rglob("*.py") if re.search(r"\bRECURSIVE\b", path.read_text())]
    # The latter steps back in time, along no links.
    assert {*following} == {Path(lineage.__file__), Path(gaps.__file__)}
