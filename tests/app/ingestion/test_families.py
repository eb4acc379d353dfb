"""Families of retries: whatever links arrive, in whatever order, each run knows its original, and who moves is told."""

from __future__ import annotations

import asyncio
import importlib
import random
from collections.abc import Mapping
from typing import Any

import pytest
from tortoise import Tortoise, connections
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

from app.db import Database
from app.db.config import tortoise_config
from app.executions import ExecutionFilter, ExecutionOrder, OrderField, list_page
from app.executions.lineage import roots_of
from app.ingestion import Ingestion
from app.paging import PageRequest
from app.retention.pruning import prune
from specs.harness.counts import count
from tests.app.reports import NOON, events, report, select
from tests.factories import execution_row, insert_executions
from tests.sealing import SEALER

ROUNDS = count("families of retries", 12, 200)
RUNS = 9
MIGRATION = importlib.import_module("app.migrations.0011_families_and_labels")


def climbed(rows: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    """The original of each run, by following what it retries."""

    def top(id_: str) -> str:
        parent = rows[id_]["retry_of"]
        return id_ if parent is None else top(parent)

    return {id_: top(id_) for id_ in rows}


async def stored(database: Database) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in await select(database, "executions", "1 = 1")}


def shown(rows: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    return {id_: row["root_id"] or id_ for id_, row in rows.items()}


async def revisions(database: Database) -> dict[str, int]:
    rows = await database.fetch("SELECT execution_id, revision FROM execution_revisions")
    return {id_: revision for id_, revision in rows}  # noqa: C416  # mypy takes no rows for pairs


async def runs(database: Database, number: int) -> list[str]:
    """New runs of one engine; their ids."""
    made = [report("execution.queued", f"run-{each}", at=each) for each in range(number)]
    await Ingestion(database, SEALER).record(events(made))
    rows = await select(database, "executions", "1 = 1 ORDER BY queued_at")
    return [row["id"] for row in rows]


def claim(child: int, parent: str, at: int) -> dict[str, Any]:
    return report(
        "execution.started", f"run-{child}", at=at, id_=f"{child}-{parent[-6:]}-{at}", retryOf=f"execution_{parent}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_late_links_in_any_order_lead_to_the_original(
    databases: list[Database], database: Database, round_: int
) -> None:
    choice = random.Random(round_)
    ids = await runs(database, RUNS)
    claims: list[dict[str, Any]] = [
        claim(choice.randrange(RUNS), choice.choice(ids), choice.randrange(5)) for _ in range(2 * RUNS)
    ]
    # New retries, which never were anything else, and ends, which lock the line above.
    claims += [claim(RUNS + each, choice.choice(ids), 0) for each in range(3)]
    claims += [
        report("execution.finished", f"run-{each}", at=9, state=choice.choice(["FAILED", "SUCCEEDED"]))
        for each in range(RUNS)
    ]
    choice.shuffle(claims)
    writers = [Ingestion(each, SEALER) for each in databases]
    while claims:
        before, revised = shown(await stored(database)), await revisions(database)
        batches = [[claims.pop() for _ in range(choice.randint(1, min(4, len(claims))))] for _ in range(2) if claims]
        # At the same moment: neither may lose what the other moves, nor wait for the other for ever.
        async with asyncio.timeout(30):
            await asyncio.gather(
                *(writers[place % len(writers)].record(events(batch)) for place, batch in enumerate(batches))
            )
        rows = await stored(database)
        assert shown(rows) == climbed(rows) == dict.fromkeys(rows) | await roots_of(database, rows)
        moved = {id_ for id_, root in before.items() if shown(rows)[id_] != root}
        now = await revisions(database)
        assert not {id_ for id_ in moved if now[id_] == revised[id_]}, "moved, and nobody was told"
    await check_lists(database)


async def check_lists(database: Database) -> None:
    """The filter has a whole family, sorted, and nothing under the id of a retry."""
    rows = await stored(database)
    for id_, root in climbed(rows).items():
        expected = [] if root != id_ else sorted(each for each, top in climbed(rows).items() if top == id_)
        for order in (ExecutionOrder(), ExecutionOrder(OrderField.STATUS), ExecutionOrder(OrderField.DURATION, False)):
            page = await list_page(database, ExecutionFilter(root_id=id_), order, PageRequest(first=100))
            assert sorted(each.id for each in page.items) == expected


async def test_a_family_outlives_its_original(database: Database) -> None:
    ids = await runs(database, 3)
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events([claim(1, ids[0], 5), report("execution.finished", "run-0", at=6, state="FAILED")]))
    await ingestion.record(events([claim(2, ids[1], 5)]))
    assert await prune(database, NOON + 500_000) == 1
    assert {id_: row["root_id"] for id_, row in (await stored(database)).items()} == dict.fromkeys(ids[1:], ids[0])
    page = await list_page(database, ExecutionFilter(root_id=ids[0]), ExecutionOrder(), PageRequest(first=9))
    assert [each.id for each in page.items] == ids[:0:-1]
    # A retry of what is left belongs to the family, too.
    await ingestion.record(events([claim(7, ids[2], 9)]))
    assert {row["root_id"] for row in await select(database, "executions", "external_id = 'run-7'")} == {ids[0]}


@pytest.mark.parametrize("batch", [2, 1_000])
async def test_the_migration_gives_older_retries_their_originals(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    ids = [f"{number:032x}" for number in range(1, 13)]
    # A line of four, against the order of time; two retries of one; a retry of a deleted run, and one of that.
    parents = {3: 7, 7: 1, 1: 9, 4: 5, 6: 5, 10: None, 11: 10}
    rows = [
        execution_row(id=id_, retry_of=None if (parent := parents.get(place)) is None else ids[parent])
        for place, id_ in enumerate(ids)
    ]
    rows[10]["retry_of"] = gone = "f" * 32
    await insert_executions(database, *rows)
    monkeypatch.setattr(MIGRATION, "_BATCH", MIGRATION._BATCH.replace("LIMIT 1000", f"LIMIT {batch}"))
    await Tortoise.init(config=tortoise_config(database_url), _enable_global_fallback=False)
    try:
        editor = BaseSchemaEditor(connections.get("default"), atomic=False)
        for _ in range(2):  # broken off and begun again
            await MIGRATION.FillRoots().database_forward("app", None, None, editor)
    finally:
        await Tortoise.close_connections()
    expected = {3: 9, 7: 9, 1: 9, 9: 9, 4: 5, 6: 5, 5: 5}
    found = {id_: row["root_id"] for id_, row in (await stored(database)).items()}
    assert found == {id_: ids[expected[place]] if place in expected else None for place, id_ in enumerate(ids)} | {
        ids[10]: gone,
        ids[11]: gone,
    }
