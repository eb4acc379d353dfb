"""Many writers at once store what one would, and a reader who follows the revisions misses nothing."""

from __future__ import annotations

import asyncio
import random
from itertools import chain

import pytest

from app.changes.commits import Announcements, Committed
from app.db import Database
from app.events import Event
from app.ingestion import Ingestion, registry
from tests.app.ingestion.test_ingestion import FINISHES, LIFE, STEPS
from tests.app.reports import dump, events, line, newest_revision, report, select
from tests.sealing import SEALER

SUBJECTS = [f"run-{number}" for number in range(10)]
REPORTS = [*LIFE, *STEPS, *FINISHES, *(line(str(number), at=number) for number in range(20))]
WRITERS = 20


def shares() -> list[list[Event]]:
    """All events of all executions, each at least once, in one shuffled share for each writer."""
    choice = random.Random(7)
    every = list(chain.from_iterable(events(REPORTS, subject) for subject in SUBJECTS))
    every += choice.choices(every, k=100)
    choice.shuffle(every)
    return [every[start::WRITERS] for start in range(WRITERS)]


async def write(ingestion: Ingestion, share: list[Event]) -> None:
    choice = random.Random(share[0].id)
    while share:
        size = choice.randint(1, 7)
        assert await ingestion.record(share[:size]) == []
        share = share[size:]
        await asyncio.sleep(0)


async def test_many_writers_store_what_one_does(databases: list[Database]) -> None:
    database = databases[0]
    heard: list[Committed] = []
    ingestions = [Ingestion(one, SEALER, Announcements([heard.append])) for one in databases]
    await asyncio.gather(*(write(ingestions[n % len(ingestions)], share) for n, share in enumerate(shares())))
    await ingestions[0].record(events(REPORTS, "alone"))
    expected = await dump(database, "alone")
    for subject in SUBJECTS:
        assert await dump(database, subject) == expected

    # Every revision was taken once, by one commit.
    taken = [
        one.revision - len(one.changed) + place
        for one in heard
        if one.revision is not None
        for place in range(1, len(one.changed) + 1)
    ]
    assert sorted(taken) == list(range(1, await newest_revision(database) + 1))
    rows = await select(database, "log_entries", "1 = 1 ORDER BY execution_id, sequence")
    for subject in SUBJECTS:
        (execution,) = await select(database, "executions", "external_id = $1", subject)
        numbers = [row["sequence"] for row in rows if row["execution_id"] == execution["id"]]
        assert numbers == list(range(1, execution["log_count"] + 1))


async def test_a_reader_of_revisions_misses_none(databases: list[Database]) -> None:
    database = databases[0]
    told: dict[str, int] = {}  # the newest revision of each execution, as writers were told

    def listen(committed: Committed) -> None:
        for place, id_ in enumerate(reversed(committed.changed)):
            told[id_] = max(told.get(id_, 0), (committed.revision or 0) - place)

    seen: dict[str, int] = {}
    head = 0

    async def poll() -> None:
        nonlocal head
        sql = "SELECT execution_id, revision FROM execution_revisions WHERE revision > $1 ORDER BY revision LIMIT 3"
        while rows := await database.fetch(sql, head):
            for id_, revision in rows:
                assert revision > head
                seen[id_] = head = revision

    async def poll_on() -> None:
        while True:
            await poll()
            await asyncio.sleep(0.001)

    poller = asyncio.create_task(poll_on())
    ingestions = [Ingestion(one, SEALER, Announcements([listen])) for one in databases]
    await asyncio.gather(*(write(ingestions[n % len(ingestions)], share) for n, share in enumerate(shares())))
    poller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await poller
    await poll()
    assert len(seen) == len(SUBJECTS)
    assert seen == told
    assert head == await newest_revision(database)


async def test_new_runs_and_workflows_from_everywhere(databases: list[Database]) -> None:
    """Each writer brings the same new runs, in its own order, under workflows that nobody knows yet."""
    reports = [report("execution.queued", f"run-{n}", workflow=f"workflow {n % 5}") for n in range(60)]
    ingestions = [Ingestion(databases[n % len(databases)], SEALER) for n in range(8)]

    async def bring(number: int, ingestion: Ingestion) -> None:
        assert await ingestion.record(events(random.Random(number).sample(reports, len(reports)))) == []

    await asyncio.gather(*(bring(number, ingestion) for number, ingestion in enumerate(ingestions)))
    assert len(await select(databases[0], "executions", "1 = 1")) == 60
    assert len(await select(databases[0], "workflows", "1 = 1")) == 5
    assert await newest_revision(databases[0]) == 60


async def test_a_registry_may_forget_at_any_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_REMEMBERED", 1)
    ingestion = Ingestion(database, SEALER)
    reports = [report("execution.queued", f"run-{n}", workflow=f"workflow {n % 7}") for n in range(70)]
    await asyncio.gather(*(ingestion.record(events(reports[start : start + 3])) for start in range(70)))
    assert len(await select(database, "executions", "1 = 1")) == 70
    assert len(await select(database, "workflows", "1 = 1")) == 7


async def test_runs_that_another_inserts_meanwhile_are_merged(databases: list[Database]) -> None:
    """Many at once go by the bulk path, which refuses what another has inserted since the look-up."""
    reports = [report("execution.queued", f"run-{n}", workflow="w") for n in range(80)]
    ends = [report("execution.finished", f"run-{n}", at=9, state="SUCCEEDED") for n in range(80)]
    ingestions = [Ingestion(databases[n % len(databases)], SEALER) for n in range(4)]
    given = [reports, ends, list(reversed(reports)), ends[40:] + reports[:40]]
    sent = [ingestion.record(events(each)) for ingestion, each in zip(ingestions, given, strict=True)]
    assert await asyncio.gather(*sent) == [[]] * 4
    rows = await select(databases[0], "executions", "1 = 1")
    assert sorted(row["external_id"] for row in rows) == sorted(f"run-{n}" for n in range(80))
    assert {row["workflow_name"] for row in rows} == {"w"}
    assert {row["finished_at"] is None for row in rows} == {False}
