"""Any order converges: permutations, repetitions and splits of an execution's events store the same rows."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import pytest

from app.db import Database
from app.ingestion import Ingestion
from specs.harness.counts import count
from tests.app.reports import dump, events, line, newest_revision, report, revisions, select, step
from tests.sealing import SEALER

Reports = Sequence[Mapping[str, Any]]

ROUNDS = count("orders of events", 60, 500)

LIFE = [
    report("execution.queued", at=2, workflow="nightly", trigger={"kind": "cron", "data": {"n": 1}}),
    report("execution.started", at=3, workflow="other", trigger={"kind": "api", "data": [2]}),
    report("execution.waiting", at=4),
    report("execution.heartbeat", at=1, workflow="early"),
    report("execution.finished", at=9, state="FAILED", error={"type": "E", "message": "m", "stackTrace": "trace"}),
    report("execution.finished", at=9, id_="again", state="SUCCEEDED"),
]
STEPS = [
    step("started", 0, at=3, kind="http", input={"a": 1}),
    step("finished", 0, at=6, kind="sql", state="SUCCEEDED", output=[1], durationMs=2.5),
    step("finished", 0, at=7, name="late", state="FAILED", error={"message": "no", "stackTrace": "", "step": 0}),
    step("started", 0, at=2, name="early", id_="early start"),
    step("started", 0, at=4, kind="http", id_="middle start"),
    step("finished", 1, at=5, state="CANCELLED", error={"stackTrace": ""}),
    step("started", 1, at=4),
]
CLAIMS = [
    report("execution.queued", at=5, workflow="w5", definition=["a", "b"]),
    report("execution.queued", at=4, trigger={"kind": "k4", "data": None}),
    report("execution.queued", at=4, id_="z", trigger={"kind": "kz", "data": 4}, workflow="wz"),
    report("execution.started", at=1, workflow="w1", trigger={"kind": "k1"}, definition=[]),
    report("execution.waiting", at=2, definition=["c"], workflow="w5"),
    line("hello", at=0, attributes={"k": "v"}),
]
FINISHES = [
    report("execution.finished", at=7, id_="a", state="CRASHED", error={"stackTrace": "crash", "step": 3}),
    report("execution.finished", at=7, id_="b", state="CRASHED", error={"message": "later id"}),
    report("execution.finished", at=8, id_="c", state="CANCELLED"),
    report("execution.finished", at=6, id_="d", state="TIMED_OUT", error={"type": "T"}),
    report("execution.started", at=20, id_="after the end"),
    line("after the end", at=21, step=3, level="FATAL"),
]
ALL = [*LIFE, *STEPS, *CLAIMS, *FINISHES, *(line(str(number), at=number) for number in range(60))]


@pytest.fixture
def ingestion(database: Database) -> Ingestion:
    return Ingestion(database, SEALER)


async def record(ingestion: Ingestion, reports: Reports, subject: str = "run") -> None:
    assert await ingestion.record(events(reports, subject)) == []


def parts(reports: Reports, choice: random.Random) -> list[Reports]:
    """The reports in batches, some of them in two."""
    split: list[list[Mapping[str, Any]]] = [[]]
    for one in [*reports, *choice.choices(reports, k=choice.randint(0, 3))]:
        if choice.random() < 0.4:
            split.append([])
        split[-1].append(one)
    return [part for part in split if part]


@pytest.mark.parametrize("given", [LIFE, STEPS, CLAIMS, FINISHES], ids=["life", "steps", "claims", "finishes"])
async def test_all_orders_store_the_same(ingestion: Ingestion, database: Database, given: Reports) -> None:
    await record(ingestion, given, "whole")
    expected = await dump(database, "whole")
    choice = random.Random(1)
    orders = list(permutations(given))
    for number, order in enumerate(choice.sample(orders, min(ROUNDS, len(orders)))):
        subject = f"run-{number}"
        for part in parts(order, choice):
            await record(ingestion, part, subject)
        assert await dump(database, subject) == expected, [one["id"] for one in order]


@pytest.mark.parametrize("given", [LIFE, STEPS, CLAIMS, FINISHES], ids=["life", "steps", "claims", "finishes"])
async def test_one_event_at_a_time_in_every_order_of_three(
    ingestion: Ingestion, database: Database, given: Reports
) -> None:
    for chosen in (given[:3], given[3:]):
        await record(ingestion, chosen, f"whole {chosen[0]['id']}")
        expected = await dump(database, f"whole {chosen[0]['id']}")
        for number, order in enumerate(permutations(chosen)):
            subject = f"{chosen[0]['id']}-{number}"
            for one in order:
                await record(ingestion, [one], subject)
            assert await dump(database, subject) == expected, [one["id"] for one in order]


async def test_long_lives_in_random_orders_store_the_same(ingestion: Ingestion, database: Database) -> None:
    await record(ingestion, ALL, "whole")
    expected = await dump(database, "whole")
    for number in range(ROUNDS // 6):
        choice = random.Random(number)
        for part in parts(choice.sample(ALL, len(ALL)), choice):
            await record(ingestion, part, f"run-{number}")
        assert await dump(database, f"run-{number}") == expected, number


async def test_executions_of_one_batch_do_not_mix(ingestion: Ingestion, database: Database) -> None:
    await record(ingestion, LIFE, "alone")
    expected = await dump(database, "alone")
    mixed = [event for one in LIFE for subject in ("a", "b", "c") for event in events([one], subject)]
    assert await ingestion.record(mixed[:7]) == []
    assert await ingestion.record(mixed[5:]) == []
    for subject in ("a", "b", "c"):
        assert await dump(database, subject) == expected


async def test_the_same_events_again_take_no_revision(ingestion: Ingestion, database: Database) -> None:
    await record(ingestion, ALL)
    before, newest = await dump(database), await newest_revision(database)
    await record(ingestion, ALL)
    for one in reversed(ALL):
        await record(ingestion, [one])
    assert await newest_revision(database) == newest == 1
    assert await dump(database) == before


async def test_every_visible_change_takes_one_revision(ingestion: Ingestion, database: Database) -> None:
    for number, one in enumerate([LIFE[0], LIFE[1], STEPS[0], STEPS[1], LIFE[4]], 1):
        await record(ingestion, [one])
        assert await newest_revision(database) == number
    await record(ingestion, [LIFE[0]], "another")
    assert await revisions(database) == [5, 6]


async def test_log_lines_are_numbered_without_gaps(ingestion: Ingestion, database: Database) -> None:
    lines = [line(str(number), at=number) for number in range(80)]
    for part in (lines[:5], lines[:70], lines[3:75], lines):
        await record(ingestion, part)
    rows = await select(database, "log_entries", "1 = 1 ORDER BY sequence")
    assert [row["sequence"] for row in rows] == list(range(1, 81))
    assert [row["message"] for row in rows] == [str(number) for number in range(80)]
    (execution,) = await select(database, "executions", "1 = 1")
    assert execution["log_count"] == 80


async def test_empty_batch_touches_nothing(ingestion: Ingestion, database: Database) -> None:
    assert await ingestion.record([]) == []
    assert await newest_revision(database) == 0
