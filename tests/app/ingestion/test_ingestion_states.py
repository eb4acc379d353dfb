"""The rules of docs/events.md by which reports are weighed against each other, one by one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pytest

from app import clock
from app.db import Database, Transaction
from app.ingestion import Ingestion
from app.lifecycle import RANK_FINISHED_BY_US, State, Status, TimeMark, state_key, time_marks
from tests.app.reports import NOON, NOW, events, line, newest_revision, report, row_of, select, step
from tests.sealing import SEALER

Report = Mapping[str, Any]


@pytest.fixture
def ingestion(database: Database) -> Ingestion:
    return Ingestion(database, SEALER)


async def after(ingestion: Ingestion, database: Database, *reports: Report) -> dict[str, Any]:
    """The stored row, which must be the same for each order in which the reports come in one by one.

    Each order is a run of its own, and the runs get their next reports together, in one commit.
    """
    revision = await newest_revision(database)
    orders = {f"{revision}-{number}": order for number, order in enumerate(permutations(reports))}
    for nth in range(len(reports)):
        batch = [event for subject, order in orders.items() for event in events([order[nth]], subject)]
        assert await ingestion.record(batch) == []
    rows = [await row_of(database, subject) for subject in orders]
    apart = {"id", "external_id", "updated_at", "received_at", "search_text"}
    first, *others = [{name: value for name, value in row.items() if name not in apart} for row in rows]
    assert all(other == first for other in others)
    return rows[0]


def finished(state: str, at: int, id_: str = "f", **error: Any) -> Report:
    return report("execution.finished", at=at, id_=id_, state=state, error=error or None)


QUEUED = report("execution.queued", at=1)
STARTED = report("execution.started", at=2)
WAITING = report("execution.waiting", at=3)


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        ([QUEUED], State.QUEUED),
        ([STARTED], State.RUNNING),
        ([STARTED, WAITING], State.WAITING),
        ([WAITING, report("execution.started", at=4)], State.RUNNING),
        # The rank goes before the time.
        ([report("execution.queued", at=30), STARTED], State.RUNNING),
        ([finished("SUCCEEDED", 1), STARTED, WAITING], State.SUCCEEDED),
        ([finished("FAILED", 5), finished("SUCCEEDED", 6, "g")], State.SUCCEEDED),
        ([finished("SUCCEEDED", 5), finished("FAILED", 6, "g")], State.FAILED),
        # At the same time: the name of the state, then the event's id.
        ([finished("SUCCEEDED", 5, "a"), finished("FAILED", 5, "z")], State.SUCCEEDED),
        ([finished("CRASHED", 5, "z"), finished("CANCELLED", 5, "a")], State.CRASHED),
        ([report("execution.started", at=5), report("execution.waiting", at=5)], State.WAITING),
    ],
)
async def test_states(ingestion: Ingestion, database: Database, reports: list[Report], state: State) -> None:
    row = await after(ingestion, database, *reports)
    assert row["state"] == state
    assert row["status"] == state.status


@pytest.mark.parametrize(
    ("queued", "started", "ended", "duration", "marks"),
    [
        (1, 2, 4, 2, []),
        (3, 2, 4, 2, [TimeMark.STARTED_BEFORE_QUEUED]),
        (1, 4, 2, None, [TimeMark.FINISHED_BEFORE_STARTED]),
        (3, 2, 1, None, [TimeMark.STARTED_BEFORE_QUEUED, TimeMark.FINISHED_BEFORE_STARTED]),
        (1, None, 2, None, []),
    ],
)
async def test_no_duration_is_below_zero(
    ingestion: Ingestion,
    database: Database,
    queued: int,
    started: int | None,
    ended: int,
    duration: int | None,
    marks: Any,
) -> None:
    reports = [report("execution.queued", at=queued), finished("SUCCEEDED", ended)]
    row = await after(ingestion, database, *reports, *([report("execution.started", at=started)] if started else []))
    assert row["duration"] == (duration and duration * clock.SECOND)
    times = (row[name] for name in ("queued_at", "started_at", "finished_at", "duration"))
    assert time_marks(row["time_marks"], *times) == marks


async def test_a_zone_that_nobody_said_is_a_mark_of_the_run(ingestion: Ingestion, database: Database) -> None:
    odd = line("x", at=3)
    row = await after(ingestion, database, QUEUED, {**odd, "time": odd["time"].removesuffix("Z")}, STARTED)
    assert row["time_marks"] == TimeMark.ASSUMED_UTC


async def test_among_equal_finishes_the_greatest_event_id_wins(ingestion: Ingestion, database: Database) -> None:
    reports = [finished("FAILED", 5, "a", message="a"), finished("FAILED", 5, "é", message="é")]
    row = await after(ingestion, database, *reports, finished("FAILED", 5, "Z", message="Z"))
    assert row["error_message"] == "é"


async def test_the_error_belongs_to_the_winning_finish(ingestion: Ingestion, database: Database) -> None:
    lost = finished("FAILED", 5, type="E", message="lost", stackTrace="lost", step=1)
    row = await after(ingestion, database, lost, finished("SUCCEEDED", 6, "g"))
    assert [row[name] for name in ("error_type", "error_message", "error_message_bytes", "error_step")] == [None] * 4
    payloads = await select(database, "execution_payloads", "stack_trace IS NOT NULL")
    assert payloads == []


async def test_times_and_duration(ingestion: Ingestion, database: Database) -> None:
    row = await after(ingestion, database, STARTED, report("execution.started", at=4), finished("FAILED", 9))
    assert (row["started_at"], row["finished_at"]) == (NOON + 2 * clock.SECOND, NOON + 9 * clock.SECOND)
    assert row["duration"] == 7 * clock.SECOND
    row = await after(ingestion, database, finished("SUCCEEDED", 9))
    assert (row["started_at"], row["duration"]) == (None, None)


DUE = (NOON + 60 * clock.SECOND, "2026-05-28T21:27:40+01:00")


@pytest.mark.parametrize(
    ("reports", "due"),
    [
        ([report("execution.queued", at=1, dueAt=DUE[1])], DUE[0]),
        ([report("execution.queued", at=1, dueAt=DUE[1]), report("execution.queued", at=2, id_="again")], None),
        ([report("execution.queued", at=1, dueAt=DUE[1]), STARTED], None),
        ([STARTED, report("execution.waiting", at=3, dueAt=DUE[1])], DUE[0]),
        ([report("execution.started", at=2, dueAt=DUE[1])], None),
        ([report("execution.waiting", at=3, dueAt=DUE[1]), finished("FAILED", 9)], None),
    ],
)
async def test_due_at_is_that_of_the_report_of_the_state(
    ingestion: Ingestion, database: Database, reports: list[Report], due: int | None
) -> None:
    assert (await after(ingestion, database, *reports))["due_at"] == due


async def test_queued_at_is_the_least_queued_time(ingestion: Ingestion, database: Database) -> None:
    again = report("execution.queued", at=6)
    row = await after(ingestion, database, report("execution.queued", at=5), again, line("early", at=0))
    assert row["queued_at"] == NOON + 5 * clock.SECOND


@pytest.mark.parametrize(
    "earliest",
    [line("early"), step("started", 0), report("execution.heartbeat"), report("execution.waiting")],
    ids=["line", "step", "heartbeat", "waiting"],
)
async def test_queued_at_is_else_the_least_time_of_all(
    ingestion: Ingestion, database: Database, earliest: Report
) -> None:
    row = await after(ingestion, database, earliest, STARTED, finished("FAILED", 9))
    assert row["queued_at"] == NOON


@pytest.mark.parametrize(
    "sign", [report("execution.heartbeat"), step("started", 0), line("x")], ids=["heartbeat", "step", "line"]
)
async def test_a_sign_of_life_alone_implies_running(ingestion: Ingestion, database: Database, sign: Report) -> None:
    row = await after(ingestion, database, sign)
    assert (row["state"], row["status"], row["started_at"]) == (State.RUNNING, Status.PENDING, None)
    assert (row["workflow_name"], row["trigger_kind"]) == ("(unknown)", "unknown")


@pytest.mark.parametrize("state", [STARTED, WAITING, finished("SUCCEEDED", 9)])
async def test_a_heartbeat_changes_no_state(ingestion: Ingestion, database: Database, state: Report) -> None:
    expected = await after(ingestion, database, state)
    row = await after(ingestion, database, state, report("execution.heartbeat", at=20))
    assert row["state"] == expected["state"]
    assert row["started_at"] == expected["started_at"]


@pytest.mark.parametrize("sign", [report("execution.heartbeat"), step("finished", 0, state="FAILED"), line("x")])
async def test_a_late_report_that_it_is_queued_makes_no_run_queued_again(
    ingestion: Ingestion, database: Database, sign: Report
) -> None:
    late = report("execution.queued", at=20, dueAt=clock.to_rfc3339(NOON), workflow="nightly")
    row = await after(ingestion, database, sign, late)
    assert (row["state"], row["workflow_name"], row["due_at"]) == (State.RUNNING, "nightly", None)


def ahead(*reports: Report) -> list[Report]:
    """The same by a clock that is ten minutes ahead of the receipt, which is a minute after noon."""
    return [{**one, "time": clock.to_rfc3339(NOON + (660 + n) * clock.SECOND)} for n, one in enumerate(reports)]


async def test_times_ahead_are_bounded_by_their_receipt(ingestion: Ingestion, database: Database) -> None:
    reports = ahead(STARTED, step("started", 0), step("finished", 0, state="SUCCEEDED"), finished("FAILED", 0))
    row = await after(ingestion, database, *reports)
    assert (row["queued_at"], row["started_at"], row["finished_at"]) == (NOW, NOW, NOW)
    assert row["duration"] == 3 * clock.SECOND  # by the engine's clock, as both are
    (done,) = await select(database, "steps", "execution_id = $1", row["id"])
    assert (done["started_at"], done["finished_at"]) == (NOW, NOW)
    assert time_marks(row["time_marks"], NOW, NOW, NOW, row["duration"]) == [TimeMark.CLOCK_AHEAD]
    # What was sent is what is compared: a later end by the same clock corrects it, and the bound goes with it.
    late = report("execution.finished", at=3_600, id_="g", state="SUCCEEDED")
    corrected = await after(ingestion, database, *reports[::3], late)
    assert (corrected["state"], corrected["finished_at"]) == (State.SUCCEEDED, NOW)
    mixed = await after(ingestion, database, STARTED, *ahead(finished("FAILED", 0)))
    assert mixed["duration"] == 58 * clock.SECOND  # one clock was right


async def test_identity_is_what_was_queued(ingestion: Ingestion, database: Database) -> None:
    row = await after(
        ingestion,
        database,
        report("execution.started", at=0, workflow="started", trigger={"kind": "started"}),
        report("execution.queued", at=2, id_="b", workflow="queued late"),
        report("execution.queued", at=1, id_="z", workflow="queued z", trigger={"kind": "queued"}),
        report("execution.queued", at=1, id_="a", workflow="queued a"),
    )
    assert (row["workflow_name"], row["trigger_kind"]) == ("queued a", "queued")
    (workflow,) = await select(database, "workflows", "id = $1", row["workflow_id"])
    assert workflow["name"] == "queued a"
    assert "queued a" in row["search_text"]


async def test_identity_is_else_the_earliest_claim(ingestion: Ingestion, database: Database) -> None:
    claims = [report("execution.waiting", at=2, workflow="late"), report("execution.heartbeat", at=1, workflow="w")]
    row = await after(ingestion, database, *claims, report("execution.queued", at=3))
    assert row["workflow_name"] == "w"


async def test_an_incomplete_trigger_is_marked_while_it_holds(ingestion: Ingestion, database: Database) -> None:
    large = report("execution.started", at=0, trigger={"kind": "k", "data": "x" * 300_000})
    assert (await after(ingestion, database, large))["trigger_incomplete"]
    row = await after(ingestion, database, large, report("execution.queued", trigger={"kind": "k", "data": 1}))
    assert not row["trigger_incomplete"]


async def test_steps_follow_the_same_rules(ingestion: Ingestion, database: Database) -> None:
    await after(
        ingestion,
        database,
        step("finished", 3, at=5, name="finished", state="FAILED", durationMs=1, error={"message": "m"}),
        step("started", 3, at=7, name="started", input={"a": 1}),
        step("finished", 3, at=6, name="again", state="SUCCEEDED", durationMs=1234.5, output={"b": 2}),
    )
    (row,) = {
        (row["name"], row["state"], row["started_at"], row["finished_at"], row["reported_duration"])
        for row in await select(database, "steps", "error_message IS NULL")
    }
    assert row == ("started", State.SUCCEEDED, NOON + 7 * clock.SECOND, NOON + 6 * clock.SECOND, 1_234_500)
    payloads = {(row["input"], row["output"]) for row in await select(database, "step_payloads", "step_index = 3")}
    assert payloads == {('{"a": 1}', '{"b": 2}')}


@pytest.mark.parametrize("sign", [report("execution.heartbeat", at=5), line("x", at=5), STARTED])
async def test_contact_comes_back_with_the_next_event(ingestion: Ingestion, database: Database, sign: Report) -> None:
    await ingestion.record(events([STARTED]))

    async def lose(transaction: Transaction) -> None:
        await transaction.fetch("UPDATE executions SET state = 3")

    await database.transaction(lose)
    before = await newest_revision(database)
    await ingestion.record(events([sign]))
    assert (await row_of(database))["state"] == State.RUNNING
    assert await newest_revision(database) == before + 1


async def test_a_finish_of_ours_gives_way_to_the_engines_word(ingestion: Ingestion, database: Database) -> None:
    await ingestion.record(events([QUEUED]))

    async def give_up(transaction: Transaction) -> None:
        key = state_key(RANK_FINISHED_BY_US, NOON + clock.MINUTE, State.FAILED, "")
        await transaction.fetch(
            "UPDATE executions SET state = 5, state_key = $1, error_message = 'gave up' RETURNING 1", key
        )

    await database.transaction(give_up)
    await ingestion.record(events([STARTED]))
    assert (await row_of(database))["state"] == State.FAILED
    await ingestion.record(events([finished("SUCCEEDED", 4)]))
    row = await row_of(database)
    assert (row["state"], row["error_message"]) == (State.SUCCEEDED, None)
