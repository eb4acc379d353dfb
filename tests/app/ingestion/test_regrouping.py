"""Failures of older fingerprints are regrouped in the background; the ids of their groups, and counts, live on."""

from __future__ import annotations

from typing import Any

import pytest

from app import clock, error_groups
from app.db import Database
from app.db.locks import Lock
from app.error_groups import counts, fingerprints
from app.executions.filters import ExecutionFilter
from app.executions.resolved_filters import resolve
from app.ingestion import Ingestion, group_moves
from app.ingestion.regrouping import Regrouping
from app.metrics import rebuilding
from app.metrics.filters import MetricsFilter
from app.metrics.folding import fold
from app.retention.pruning import prune
from tests.app.reports import NOON, events, newest_revision, report, select
from tests.sealing import SEALER

MERGED, RENAMED = "0" * 31 + "1", "0" * 31 + "2"  # the ids of two groups of a version before
HOUR = NOON - NOON % clock.HOUR
WHERE = MetricsFilter.of(start=HOUR, end=HOUR + clock.HOUR)
RUNS = ("place", "price", "price", "refund", "place")


async def failures(database: Database) -> dict[str, str]:
    """Failed runs: their groups by external id."""
    reports = []
    for number, name in enumerate(RUNS):
        error = {"type": "E", "stackTrace": f"goroutine 1 [running]:\nmain.{name}()\n\t/srv/a.go:{number + 1}\n"}
        reports.append(report("execution.finished", f"{number}", number, state="FAILED", error=error))
    assert await Ingestion(database, SEALER).record(events(reports)) == []
    return await groups(database)


async def groups(database: Database) -> dict[str, str]:
    return {row["external_id"]: row["error_group_id"] for row in await select(database, "executions", "1 = 1")}


async def age(database: Database, made: dict[str, str]) -> None:
    """As if the failures of price and refund were one group of an older version, and those of place another."""
    before = {made["0"]: RENAMED, made["1"]: MERGED, made["3"]: MERGED}

    async def work(transaction: Any) -> None:
        for new, old in before.items():
            for table in ("executions", "metric_deltas"):
                await transaction.fetch(f"UPDATE {table} SET error_group_id = $1 WHERE error_group_id = $2", old, new)
        await transaction.fetch("INSERT INTO regrouping (id, before) VALUES (1, $1)", "f" * 32)

    await database.transaction(work)


async def regroup_all(database: Database) -> int:
    """Regroup until there is no more to do; how often it took."""
    for number in range(20):
        if not await database.fetch("SELECT 1 FROM regrouping"):
            return number
        await Regrouping(database).go_on()
    raise AssertionError("it never ends")


@pytest.mark.parametrize("folded_before", [True, False])
async def test_it_makes_what_ingestion_makes_and_old_ids_lead_there(
    database: Database, monkeypatch: pytest.MonkeyPatch, folded_before: bool
) -> None:
    made = await failures(database)
    assert len(set(made.values())) == 3
    await age(database, made)
    if folded_before:
        await fold(database)
    assert await prune(database, NOON + 1) == 1  # the first run of place; its count is kept
    assert dict(await counts.top(database, WHERE, 5)) == {MERGED: 3, RENAMED: 2}
    before = await newest_revision(database)
    monkeypatch.setattr(Regrouping, "max_rows", 3)
    if folded_before:
        await fold(database)
    assert await regroup_all(database) == 3
    assert await groups(database) == {number: group for number, group in made.items() if number != "0"}
    assert await newest_revision(database) == before, "nothing has happened to the runs"

    for _ in range(2):
        assert dict(await counts.top(database, WHERE, 5)) == {made["1"]: 2, made["3"]: 1, made["0"]: 2}
        await fold(database)
    assert await rebuilding.rebuild(database, fix=False) == 0, "the figures are those of the rows"

    found = await error_groups.by_ids(database, [MERGED, RENAMED, made["1"], "f" * 32])
    assert {id_: group.id for id_, group in found.items()} == {
        MERGED: made["3"],  # of several the one that happened last
        RENAMED: made["0"],
        made["1"]: made["1"],
    }
    resolved = await resolve(database, ExecutionFilter(error_group_ids=(MERGED,)))
    assert resolved is not None
    assert set(resolved.filter.error_group_ids or ()) == {MERGED, made["1"], made["3"]}


async def test_another_process_at_it_is_let_be(databases: list[Database]) -> None:
    made = await failures(databases[0])
    await age(databases[0], made)

    async def work(transaction: Any) -> None:
        assert await transaction.try_lock(Lock.GROUPS)
        if not databases[0].dialect.writes_alone:
            await Regrouping(databases[-1]).go_on()
            assert set((await groups(databases[-1])).values()) == {MERGED, RENAMED}

    await databases[0].transaction(work)
    await regroup_all(databases[-1])
    assert await groups(databases[0]) == made


async def test_a_newer_version_asks_for_it_once_and_goes_on_where_it_was_killed(
    databases: list[Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raising the number is all that a change of fingerprints takes."""
    old, new = databases[0], databases[-1]
    made = await failures(old)
    await Regrouping(old).go_on()
    assert await old.fetch("SELECT 1 FROM regrouping") == [], "the version that it has is no reason"
    alerts = await old.fetch("SELECT count(*) FROM alert_checks")
    before = await newest_revision(old)
    behind = Regrouping(old)  # in a process of the version before, which runs beside it for a while

    raised = dict.fromkeys(made.values(), "")
    for id_ in raised:
        raised[id_] = id_[::-1]
    monkeypatch.setattr(group_moves.Failure, "fingerprint", lambda failure: raised.get(failure.group, failure.group))
    monkeypatch.setattr(Regrouping, "max_rows", 2)
    with monkeypatch.context() as newer:
        newer.setattr(fingerprints, "VERSION", fingerprints.VERSION + 1)
        await Regrouping(new).go_on()
        halfway = await groups(new)
        assert sorted(number for number in made if halfway[number] != made[number]) == ["3", "4"], "the newest first"
        assert await new.fetch("SELECT version FROM fingerprint_version") == [(fingerprints.VERSION,)]
    await behind.go_on()
    await Regrouping(old).go_on()
    assert await groups(old) == halfway, "those are not its fingerprints"
    monkeypatch.setattr(fingerprints, "VERSION", fingerprints.VERSION + 1)
    assert await regroup_all(new) == 3  # two with failures, and the end
    assert await groups(old) == {number: raised[id_] for number, id_ in made.items()}
    assert {id_: group.id for id_, group in (await error_groups.by_ids(old, raised)).items()} == raised
    await fold(old)
    assert dict(await counts.top(old, WHERE, 5)) == {raised[made["0"]]: 2, raised[made["1"]]: 2, raised[made["3"]]: 1}
    assert (await newest_revision(old), await old.fetch("SELECT count(*) FROM alert_checks")) == (before, alerts)
    await Regrouping(new).go_on()
    assert await new.fetch("SELECT 1 FROM regrouping") == [], "once"
