"""Marks of error groups: who may be given which state, what it becomes, and how it follows its group."""

from __future__ import annotations

import pytest

from app import audit, clock, error_groups
from app.db import Database
from app.error_groups import marks, merging, splitting
from app.error_groups.fingerprints import Distinction, fingerprint
from app.error_groups.marks import GroupState, Kind, Mark, Marking
from app.errors import BadInput, NotFound
from app.ingestion.splitting import Splitting
from app.lifecycle import State
from app.paging import PageRequest
from tests.app.reports import select
from tests.factories import NOON, execution_row, insert_engine, insert_executions, insert_workflow

A, B, NOBODY = (digit * 32 for digit in "abe")
FAR = 4_000_000_000_000_000


async def fill(database: Database) -> None:
    rows = [
        execution_row(queued_at=NOON + number, state=State.FAILED, error_group_id=group)
        for number, group in enumerate((A, A, B))
    ]
    await insert_executions(database, *rows)


async def kinds(database: Database) -> dict[str, Kind]:
    return {id_: mark.kind for id_, mark in (await marks.of_groups(database, [A, B])).items()}


def test_the_state_follows_from_the_mark() -> None:
    def mark(kind: Kind, until: int | None = None) -> Mark:
        return Mark(A, kind, 10, until, "ada")

    assert marks.state_of(None, 99, 100) is GroupState.OPEN
    assert marks.state_of(mark(Kind.RESOLVED), 10, 100) is GroupState.RESOLVED
    assert marks.state_of(mark(Kind.RESOLVED), 11, 100) is GroupState.REGRESSED
    assert marks.state_of(mark(Kind.MUTED), 99, 100) is GroupState.MUTED
    assert marks.state_of(mark(Kind.MUTED, 101), 99, 100) is GroupState.MUTED
    assert marks.state_of(mark(Kind.MUTED, 100), 99, 100) is GroupState.OPEN


async def test_marks_come_go_and_are_audited(database: Database) -> None:
    await fill(database)
    assert (await marks.mark(database, "ada", A, Marking(GroupState.RESOLVED))).id == A
    assert await kinds(database) == {A: Kind.RESOLVED}
    await marks.mark(database, "bob", A, Marking(GroupState.MUTED, FAR))
    found = (await marks.of_groups(database, [A]))[A]
    assert (found.kind, found.until, found.actor) == (Kind.MUTED, FAR, "bob")
    await marks.mark(database, "ada", A, Marking(None))
    await marks.mark(database, "ada", A, Marking(None))  # changes nothing
    assert await kinds(database) == {}
    entries = (await audit.list_page(database, PageRequest())).items
    assert [(each.actor, each.action, each.subject) for each in entries] == [
        (actor, "setErrorGroupState", f"errorGroup_{A}") for actor in ("ada", "bob", "ada")
    ]
    assert entries[1].detail == f'{{"state":"MUTED","mutedUntil":"{clock.to_rfc3339(FAR)}"}}'
    assert entries[2].detail == '{"state":"RESOLVED","mutedUntil":null}'


async def test_bad_input_is_refused(database: Database) -> None:
    await fill(database)
    for state in (GroupState.OPEN, GroupState.REGRESSED):
        with pytest.raises(BadInput, match=f"state: {state} follows from what happens; pass RESOLVED, MUTED, or null"):
            Marking(state)
    for other in (GroupState.RESOLVED, None):
        with pytest.raises(BadInput, match="mutedUntil: only with the state MUTED"):
            Marking(other, FAR)
    with pytest.raises(BadInput, match="mutedUntil: must be in the future"):
        Marking(GroupState.MUTED, clock.now_us() - 1)
    with pytest.raises(NotFound, match=f"id: no such errorGroup: 'errorGroup_{NOBODY}'"):
        await marks.mark(database, "ada", NOBODY, Marking(GroupState.MUTED))


async def test_a_merged_group_has_the_mark_of_what_it_is_in(database: Database) -> None:
    await fill(database)
    await marks.mark(database, "ada", A, Marking(GroupState.MUTED))
    await merging.merge(database, "ada", [A], into=B)
    assert (await marks.mark(database, "ada", A, Marking(GroupState.RESOLVED))).id == B
    assert await kinds(database) == {A: Kind.MUTED, B: Kind.RESOLVED}
    await merging.unmerge(database, "ada", A)
    assert (await error_groups.by_ids(database, [A]))[A].id == A
    assert await kinds(database) == {A: Kind.MUTED, B: Kind.RESOLVED}


async def test_the_parts_of_a_split_group_keep_its_mark(database: Database) -> None:
    engine = await insert_engine(database, "engine")
    workflow = await insert_workflow(database, engine, "w")
    key = fingerprint("E", "no user 1", None, workflow="w", failed_step=None).key
    rows = [
        execution_row(
            engine_id=engine,
            workflow_id=workflow,
            queued_at=NOON + number,
            state=State.FAILED,
            error_group_id=key,
            error_type="E",
            error_message=f"no user {number}",
        )
        for number in range(3)
    ]
    await insert_executions(database, *rows)
    await marks.mark(database, "ada", key, Marking(GroupState.MUTED))
    await splitting.split(database, "ada", key, [Distinction.MESSAGE])
    await Splitting(database).go_on()
    parts = {row["error_group_id"] for row in await select(database, "executions", "1 = 1")}
    assert len(parts) == 3
    assert {mark.kind for mark in (await marks.of_groups(database, parts)).values()} == {Kind.MUTED}
    assert len(await marks.of_groups(database, parts)) == 3
