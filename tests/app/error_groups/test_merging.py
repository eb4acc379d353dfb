"""Error groups merged by hand: a merge is exact to undo, keeps its id over versions, and moves nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest

from app import audit, clock, error_groups, executions
from app.db import Database
from app.error_groups import counts, listing, merging
from app.error_groups.listing import GroupFilter
from app.errors import BadInput, LimitExceeded, NotFound
from app.executions import ExecutionFilter, ExecutionOrder
from app.executions.facets import Facet, Facets
from app.executions.resolved_filters import resolve
from app.ingestion.regrouping import Regrouping
from app.lifecycle import State
from app.metrics.filters import MetricsFilter
from app.metrics.folding import fold
from app.paging import PageRequest
from tests.app.reports import newest_revision
from tests.factories import NOON, execution_row, insert_engine, insert_executions, insert_workflow

A, B, C, D, NOBODY = (digit * 32 for digit in "abcde")
WHERE = MetricsFilter.of(start=NOON, end=NOON + clock.MINUTE)
RUNS = (A, A, A, B, B, C)  # one a second


async def fill(database: Database, groups: Iterable[str] = RUNS, after: int = 0) -> None:
    engine = await insert_engine(database, f"engine {after}")
    workflow = await insert_workflow(database, engine, "w")
    rows = [
        execution_row(
            engine_id=engine,
            workflow_id=workflow,
            external_id=f"{after + number}",
            queued_at=NOON + (after + number) * clock.SECOND,
            state=State.FAILED,
            error_group_id=group,
            error_type="E",
            error_message=f"of {group[0]}",
        )
        for number, group in enumerate(groups)
    ]
    await insert_executions(database, *rows)


async def listed(database: Database, *group_ids: str) -> set[str]:
    """The external ids of the runs that a filter by groups lets through."""
    where = ExecutionFilter(error_group_ids=group_ids)
    page = await executions.list_page(database, where, ExecutionOrder(), PageRequest(first=50))
    assert (await executions.count(database, where)).value == len(page.items)
    return {each.external_id for each in page.items}


async def counted(database: Database) -> dict[str, int]:
    """How often each group happened, as all that counts them says."""
    page = await listing.list_page(database, GroupFilter(WHERE), PageRequest(first=50))
    found = {each.group.id: each.failures for each in page.items}
    assert (await listing.count(database, GroupFilter(WHERE))).value == len(found)
    assert dict(await counts.top(database, WHERE, 50)) == found
    facet = await Facets(database).by(Facet.ERROR_GROUP, ExecutionFilter())
    assert {id_: count.value for id_, count in facet.items()} == found
    return found


async def led(database: Database, *ids: str) -> dict[str, str]:
    return {id_: group.id for id_, group in (await error_groups.by_ids(database, ids)).items()}


async def test_ids_counts_and_lists_follow_those_of_later_runs_too(database: Database) -> None:
    await fill(database)
    before = await newest_revision(database)
    merged = await merging.merge(database, "ada", [A], into=C)
    assert (merged.id, merged.message, sorted(merged.fingerprints)) == (C, "of c", [A, C])
    assert merged.latest.external_id == "5"
    await fill(database, [A, B], after=6)
    assert await counted(database) == {C: 5, B: 3}
    assert await led(database, A, B, C, D) == {A: C, B: B, C: C}
    for id_ in (A, C):
        assert await listed(database, id_) == {"0", "1", "2", "5", "6"}
    assert await listed(database, A, B, C) == {*map(str, range(8))}
    (group,) = {each.id: each for each in (await error_groups.by_ids(database, [A, C])).values()}.values()
    assert (group.latest.external_id, group.message) == ("6", "of a"), "as its newest run says"
    found = await error_groups.sightings(database, group.fingerprints)
    seconds = [NOON + number * clock.SECOND for number in (0, 6)]
    assert error_groups.summed(found.values()) == error_groups.Sightings(5, *seconds)
    assert await newest_revision(database) == before
    assert await database.fetch("SELECT 1 FROM alert_checks") == []

    assert (await merging.unmerge(database, "bob", A)).id == A
    assert await counted(database) == {A: 4, B: 3, C: 1}
    entries = (await audit.list_page(database, PageRequest(first=9))).items
    assert [(each.actor, each.action, each.subject, json.loads(each.detail or "")) for each in entries] == [
        ("bob", "unmergeErrorGroup", f"errorGroup_{A}", {"from": f"errorGroup_{C}", "members": [f"errorGroup_{A}"]}),
        ("ada", "mergeErrorGroups", f"errorGroup_{C}", {"from": [f"errorGroup_{A}"]}),
    ]


async def test_merges_of_merges_are_one_and_cannot_go_round(database: Database) -> None:
    await fill(database)
    await merging.merge(database, "ada", [A], into=B)
    assert (await merging.merge(database, "ada", [B], into=C)).id == C
    assert (await merging.merge(database, "ada", [C, A], into=A)).id == C, "they are one already"
    assert await counted(database) == {C: 6}
    assert set((await led(database, A, B, C)).values()) == {C}
    assert [each.fingerprint for each in (await merging.of_groups(database, [A, C]))[C]] == [B, A]
    assert (await audit.count(database)).value == 2, "what changes nothing is no action"
    assert (await merging.unmerge(database, "ada", B)).id == B
    assert await counted(database) == {C: 4, B: 2}
    assert (await merging.unmerge(database, "ada", C)).id == C
    assert (await merging.unmerge(database, "ada", C)).id == C
    assert await counted(database) == {A: 3, B: 2, C: 1}
    assert (await audit.count(database)).value == 4


async def test_bad_merges_change_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(database)
    monkeypatch.setattr(merging, "MAX_MEMBERS", 2)
    for given, into, error in (
        ([], A, BadInput),
        ([A, B, C], A, BadInput),
        ([A, NOBODY], B, NotFound),
        ([A], NOBODY, NotFound),
        ([A, B], C, LimitExceeded),
    ):
        with pytest.raises(error):
            await merging.merge(database, "ada", given, into)
    with pytest.raises(NotFound):
        await merging.unmerge(database, "ada", NOBODY)
    assert (await merging.unmerge(database, "ada", A)).id == A
    assert (await counted(database), (await audit.count(database)).value) == ({A: 3, B: 2, C: 1}, 0)


async def test_merges_at_the_same_time_leave_one_group(databases: list[Database]) -> None:
    """Each way round, from two processes: none may make a circle, or lose a run."""
    database = databases[0]
    await fill(database, (*RUNS, D))
    for _ in range(3):
        pairs = [(A, B), (B, C), (C, A), (D, A)]
        await asyncio.gather(
            *(
                merging.merge(databases[-number % len(databases)], "ada", [one], into=other)
                for number, (one, other) in enumerate(pairs)
            )
        )
        ((group, failures),) = (await counted(database)).items()
        assert failures == 7
        assert set((await led(databases[-1], A, B, C, D)).values()) == {group}
        await asyncio.gather(*(merging.unmerge(each, "ada", group) for each in databases))
        assert await counted(databases[-1]) == {A: 3, B: 2, C: 1, D: 1}


async def test_a_merge_outlives_other_fingerprints(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(database)
    await merging.merge(database, "ada", [A], into=B)
    for number in range(2):  # versions that give every failure another fingerprint; the second one in two parts

        def other(failure: Any, number: int = number) -> str:
            return f"{failure.group[0]}{number + failure.queued_at // clock.SECOND % (number + 1)}{failure.group[2:]}"

        monkeypatch.setattr("app.ingestion.group_moves.Failure.fingerprint", other)
        await database.transaction(
            lambda transaction: transaction.upsert("regrouping", ("id", "before"), [(1, "f" * 32)], key=("id",))
        )
        while await database.fetch("SELECT 1 FROM regrouping"):
            await Regrouping(database).go_on()
        await fold(database)
        assert {row[0][:2] for row in await database.fetch("SELECT error_group_id FROM executions")} == (
            {"a0", "b0", "c0"} if number == 0 else {"a1", "a2", "b1", "b2", "c2"}
        )
        assert (await counted(database))[B] == 5
        assert (await led(database, A, B, C)) == {A: B, B: B, C: f"c{2 * number}{C[2:]}"}
        for id_ in (A, B):
            assert await listed(database, id_) == {*"01234"}
        assert await listed(database, C) == {"5"}
    assert (await merging.unmerge(database, "ada", B)).id[0] == "b"
    assert len(await counted(database)) == 5
    assert await listed(database, A) == {*"012"}, "the old ids lead to what they have become"
    resolved = await resolve(database, ExecutionFilter(error_group_ids=(B,)))
    assert resolved is not None
    assert {each[0] for each in resolved.filter.error_group_ids or ()} == {"b"}
