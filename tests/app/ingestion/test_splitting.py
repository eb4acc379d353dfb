"""Error groups split by hand: stored failures move, those to come are told apart at once, and it can be undone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app import audit, clock, error_groups, executions
from app.db import Database
from app.error_groups import counts, fingerprints, merging, splitting
from app.error_groups.fingerprints import Distinction
from app.errors import BadInput, Conflict, LimitExceeded, NotFound
from app.executions import ExecutionFilter, ExecutionOrder
from app.ingestion import Ingestion, group_moves
from app.ingestion import splitting as service
from app.ingestion.regrouping import Regrouping
from app.ingestion.splitting import Splitting
from app.metrics import rebuilding
from app.metrics.filters import MetricsFilter
from app.metrics.folding import fold
from app.paging import PageRequest
from tests.app.reports import NOON, events, newest_revision, report, row_of
from tests.sealing import SEALER

HOUR = NOON - NOON % clock.HOUR
WHERE = MetricsFilter.of(start=HOUR, end=HOUR + clock.HOUR)
BY = [Distinction.MESSAGE]


async def fail(ingestion: Ingestion, subject: str, at: int, message: str, workflow: str = "w") -> None:
    error = {"type": "E", "message": message}
    given = report("execution.finished", at=at, state="FAILED", error=error, workflow=workflow)
    queued = report("execution.queued", at=at, workflow=workflow)
    assert await ingestion.record(events([queued, given], subject)) == []


async def fill(database: Database) -> str:
    """Failures of shops 1, 1, 2 and 3, which are one group; its id."""
    for number, shop in enumerate((1, 1, 2, 3)):
        await fail(Ingestion(database, SEALER), f"{number}", number, f"shop {shop} is closed")
    return str((await row_of(database, "0"))["error_group_id"])


async def settle(*databases: Database) -> None:
    """Have processes move what there is to move, and fold its figures."""
    for _ in range(10):
        await asyncio.gather(*(Splitting(each).go_on() for each in databases))
    for _ in range(2):
        await fold(databases[0])
    assert await rebuilding.rebuild(databases[0], fix=False) == 0


async def counted(database: Database) -> dict[str, int]:
    """The counts of all groups, by their messages."""
    found = await counts.top(database, WHERE, 50)
    groups = await error_groups.by_ids(database, [id_ for id_, _ in found])
    return {groups[id_].message: failures for id_, failures in found}


async def listed(database: Database, id_: str) -> set[str]:
    page = await executions.list_page(
        database, ExecutionFilter(error_group_ids=(id_,)), ExecutionOrder(), PageRequest(first=50)
    )
    return {each.external_id for each in page.items}


async def test_a_split_tells_failures_apart_until_it_is_undone(
    databases: list[Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, ingestion = databases[0], Ingestion(databases[0], SEALER)
    whole = await fill(database)
    before = await newest_revision(database)
    checks = await database.fetch("SELECT count(*) FROM alert_checks")
    assert (await splitting.split(database, "ada", whole, BY)).id == whole
    monkeypatch.setattr(service, "MAX_BATCH_ROWS", 1)  # each batch in another process, as if others were killed
    await settle(*databases)
    assert await counted(database) == {"shop 1 is closed": 2, "shop 2 is closed": 1, "shop 3 is closed": 1}
    assert (await newest_revision(database), await database.fetch("SELECT count(*) FROM alert_checks")) == (
        before,
        checks,
    )
    group = (await error_groups.by_ids(database, [whole]))[whole]
    assert (group.message, group.split_by) == ("shop 3 is closed", Distinction.MESSAGE), "the last of its parts"
    assert await listed(database, whole) == {*"0123"}
    assert await listed(database, group.id) == {"3"}

    await ingestion.splitting.go_on()  # it knows now
    await fail(ingestion, "new", 10, "shop 4 is closed")
    await fail(ingestion, "again", 11, "shop 2 is closed")
    late = await row_of(database, "new")
    assert late["error_group_id"] != whole
    await fail(Ingestion(databases[-1], SEALER), "slow", 12, "shop 2 is closed")  # by one that does not
    assert (await row_of(database, "slow"))["error_group_id"] == whole
    await settle(*databases)
    assert await counted(database) == {f"shop {n} is closed": count for n, count in ((1, 2), (2, 3), (3, 1), (4, 1))}
    assert await listed(database, whole) == {*"0123", "new", "again", "slow"}

    part = (await row_of(database, "2"))["error_group_id"]
    assert (await splitting.unsplit(database, "bob", part)).id == part
    await settle(*databases)
    for id_ in (whole, part):  # which leads back to it
        with pytest.raises(Conflict):
            await splitting.split(database, "ada", id_, BY)
    monkeypatch.setattr(service, "PATIENCE", -1)
    await settle(*databases)
    assert await splitting.splits(database) == []
    assert await counted(database) == {"shop <num> is closed": 7}
    found = await error_groups.by_ids(database, [whole, part, late["error_group_id"]])
    assert {each.id for each in found.values()} == {whole}, "ids of parts lead back"
    assert await listed(database, part) == await listed(database, whole)

    await splitting.split(database, "ada", whole, [Distinction.WORKFLOW])
    await ingestion.splitting.go_on()
    await fail(ingestion, "w2", 20, "shop 9 is closed", workflow="w2")
    await settle(*databases)
    assert sorted(failures for _, failures in await counts.top(database, WHERE, 9)) == [1, 7]
    assert await listed(database, part) == await listed(database, whole), "it was no part of this split"
    await splitting.unsplit(database, "ada", whole)
    await settle(*databases)
    await splitting.split(database, "ada", whole, BY)
    await settle(*databases)
    assert await listed(database, part) == {"2", "again", "slow"}, "it is a part again"
    entries = (await audit.list_page(database, PageRequest(first=9))).items
    assert [(each.actor, each.action, each.subject) for each in entries] == [
        ("ada", "splitErrorGroup", f"errorGroup_{whole}"),
        ("ada", "unsplitErrorGroup", f"errorGroup_{whole}"),
        ("ada", "splitErrorGroup", f"errorGroup_{whole}"),
        ("bob", "unsplitErrorGroup", f"errorGroup_{part}"),
        ("ada", "splitErrorGroup", f"errorGroup_{whole}"),
    ]


async def test_a_split_may_be_by_several(database: Database) -> None:
    whole = await fill(database)
    await fail(Ingestion(database, SEALER), "elsewhere", 9, "shop 1 is closed", workflow="w2")
    by = [Distinction.MESSAGE, Distinction.WORKFLOW]
    for _ in range(2):  # the same again changes nothing
        await splitting.split(database, "ada", whole, by)
    await settle(database)
    assert sorted(failures for _, failures in await counts.top(database, WHERE, 9)) == [1, 1, 1, 2]
    group = (await error_groups.by_ids(database, [whole]))[whole]
    assert group.split_by == Distinction.MESSAGE | Distinction.WORKFLOW
    await splitting.unsplit(database, "ada", whole)
    await settle(database)
    assert await counted(database) == {"shop <num> is closed": 5}


@pytest.mark.parametrize("undone_by", ["whole", "older part", "part"])
async def test_a_split_outlives_other_fingerprints(
    database: Database, monkeypatch: pytest.MonkeyPatch, undone_by: str
) -> None:
    whole = await fill(database)
    await splitting.split(database, "ada", whole, BY)
    await settle(database)
    before, older = await counted(database), (await row_of(database, "0"))["error_group_id"]
    monkeypatch.setattr(group_moves.Failure, "fingerprint", lambda failure: "f" * 31 + "2")
    monkeypatch.setattr(Regrouping, "max_rows", 1)
    monkeypatch.setattr(fingerprints, "VERSION", fingerprints.VERSION + 1)
    await Regrouping(database).go_on()
    while await database.fetch("SELECT 1 FROM regrouping"):
        await Regrouping(database).go_on()
    await settle(database)
    assert await counted(database) == before
    assert await listed(database, whole) == {*"0123"}
    assert {each.fingerprint for each in await splitting.splits(database)} == {whole, "f" * 31 + "2"}
    part = (await row_of(database, "0"))["error_group_id"]
    assert part != older
    await splitting.unsplit(database, "ada", {"whole": whole, "older part": older, "part": part}[undone_by])
    await settle(database)
    assert await counted(database) == {"shop <num> is closed": 4}


async def test_merges_and_splits_do_not_mix_without_being_undone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await fill(database)
    await fail(Ingestion(database, SEALER), "other", 20, "it is open")
    other = (await row_of(database, "other"))["error_group_id"]
    for id_, by, error in (("0" * 32, BY, NotFound), (whole, [], BadInput)):
        with pytest.raises(error):
            await splitting.split(database, "ada", id_, by)
    await merging.merge(database, "ada", [other], into=whole)
    for id_ in (whole, other):
        with pytest.raises(BadInput, match="merged"):
            await splitting.split(database, "ada", id_, BY)
    await merging.unmerge(database, "ada", other)
    await splitting.split(database, "ada", whole, BY)
    assert (await splitting.split(database, "ada", whole, BY)).id == whole, "again changes nothing"
    await settle(database)
    part = (await row_of(database, "0"))["error_group_id"]
    for id_, says in ((whole, "something else"), (part, "a part")):
        with pytest.raises(BadInput, match=says):
            await splitting.split(database, "ada", id_, [Distinction.STEP])
    monkeypatch.setattr(splitting, "MAX_SPLITS", 1)
    with pytest.raises(LimitExceeded):
        await splitting.split(database, "ada", other, BY)
    await merging.merge(database, "ada", [part], into=other)
    assert await counted(database) == {"it is open": 3, "shop 2 is closed": 1, "shop 3 is closed": 1}
    with pytest.raises(BadInput, match="merged"):
        await splitting.unsplit(database, "ada", whole)
    await merging.unmerge(database, "ada", part)
    await splitting.unsplit(database, "ada", whole)
    await splitting.unsplit(database, "ada", other)
    with pytest.raises(NotFound):
        await splitting.unsplit(database, "ada", "0" * 32)
    await settle(database)
    assert await counted(database) == {"it is open": 1, "shop <num> is closed": 4}


async def test_failures_at_the_same_time_note_the_same_new_parts(databases: list[Database]) -> None:
    whole = await fill(databases[0])
    await splitting.split(databases[0], "ada", whole, BY)
    doors = [Ingestion(each, SEALER) for each in databases for _ in range(2)]
    await asyncio.gather(*(each.splitting.go_on() for each in doors))

    async def batch(number: int, door: Ingestion) -> None:
        shops = list(range(20, 30))[:: -1 if number % 2 else 1]
        reports: list[Any] = []
        for shop in shops:
            error = {"type": "E", "message": f"shop {shop} is closed"}
            one = report("execution.finished", f"{number}-{shop}", shop, state="FAILED", error=error)
            reports.append(one)
        assert await door.record(events(reports)) == []

    await asyncio.gather(*(batch(number, door) for number, door in enumerate(doors)))
    await settle(*databases)
    assert await counted(databases[0]) == {
        **{f"shop {shop} is closed": len(doors) for shop in range(20, 30)},
        "shop 1 is closed": 2,
        "shop 2 is closed": 1,
        "shop 3 is closed": 1,
    }


@pytest.mark.parametrize(
    ("kinds", "other"),
    [
        (Distinction.MESSAGE, {"message": "no user 8"}),
        (Distinction.FRAMES, {"stack_trace": "x.E\n" + "".join(f"\tat a.B.m{n}(B.java:1)\n" for n in range(7))}),
        (Distinction.WORKFLOW, {"workflow": "v"}),
        (Distinction.STEP, {"failed_step": "load"}),
    ],
)
def test_finer_fingerprints_tell_apart_what_they_are_to_and_nothing_else(
    kinds: Distinction, other: dict[str, str]
) -> None:
    trace = "x.E\n" + "".join(f"\tat a.B.m{n}(B.java:1)\n" for n in range(6))
    one: dict[str, Any] = {"message": "no user 7", "stack_trace": trace, "workflow": "w", "failed_step": None}

    def key(kinds: Distinction, given: dict[str, Any]) -> str:
        return fingerprints.finer(
            "0" * 32,
            kinds,
            given["message"],
            given["stack_trace"],
            workflow=given["workflow"],
            failed_step=given["failed_step"],
        )

    for each in Distinction:
        assert (key(each, one) == key(each, one | other)) is (each is not kinds)
    every = ~Distinction(0)
    assert key(every, one) != key(every, one | other)
    assert key(every, one | {"message": "\x1b[1mno  user 7\x1b[0m"}) == key(every, one)
