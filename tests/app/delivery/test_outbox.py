"""The outbox's rows: when they are due, who claims them, and what ends them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from app import clock
from app.db import Database
from app.delivery import outbox
from app.delivery.outbox import MAX_ERROR_BYTES, MAX_PAUSE, Dispatch, OutboxItem
from app.ids import new_id
from app.retries.delivery import ENGINES
from specs.harness.waiting import until
from tests.app.delivery.bench import occupied
from tests.app.reports import select
from tests.factories import NOON, execution_row, insert_engine, insert_executions

LEASE = clock.MINUTE
KINDS = ("retry",)


async def add(database: Database, number: int = 1, kind: str = "retry") -> list[str]:
    """Rows about executions that do not exist; their ids."""
    return [await database.transaction(lambda tx: outbox.add(tx, kind, new_id(NOON))) for _ in range(number)]


async def claim(
    database: Database, limit: int = 100, lease: int = LEASE, kinds: Sequence[str] = KINDS
) -> list[OutboxItem]:
    return await outbox.claim(database, kinds, limit, lease, ENGINES)


async def row_of(database: Database, id_: str) -> dict[str, Any]:
    (row,) = await select(database, "outbox", "id = $1", id_)
    return row


async def shift(database: Database, by: int, condition: str = "1 = 1") -> None:
    """Move the time at which rows are due."""
    sql = f"UPDATE outbox SET next_attempt_at = next_attempt_at + $1 WHERE {condition}"
    await database.transaction(lambda tx: tx.fetch(sql, by))


@pytest.mark.parametrize("attempts", [*range(1, 15), 100, 10**6])
def test_pauses_double_and_are_drawn_from_their_upper_half(attempts: int) -> None:
    longest = min(clock.SECOND * 2 ** (min(attempts, 20) - 1), MAX_PAUSE)
    drawn = [outbox.pause(attempts) for _ in range(1000)]
    assert longest / 2 <= min(drawn) < max(drawn) <= longest
    # All of the range, or else what failed together would come back together.
    assert max(drawn) - min(drawn) > longest * 0.45


async def test_a_row_is_due_at_once_and_claimed_once(database: Database) -> None:
    (id_,) = await add(database)
    before = clock.now_us()
    (item,) = await claim(database)
    row = await row_of(database, id_)
    assert item == OutboxItem(id_, "retry", row["subject_id"], row["created_at"], attempts=1)
    assert before + LEASE <= row["next_attempt_at"] <= clock.now_us() + LEASE
    assert await claim(database) == []


async def test_a_row_is_due_at_its_very_moment(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now_us()
    monkeypatch.setattr(clock, "now_us", lambda: now)
    (id_,) = await add(database)
    await shift(database, 1)
    assert await claim(database) == []
    await shift(database, -1)
    assert [item.id for item in await claim(database)] == [id_]


async def test_when_its_lease_is_over_it_falls_due_again(database: Database) -> None:
    (id_,) = await add(database)
    for attempts in (1, 2, 3):
        (item,) = await claim(database)
        assert (item.id, item.attempts) == (id_, attempts)
        await shift(database, -LEASE)


async def test_the_longest_due_come_first(database: Database) -> None:
    # Without the index that a claim reads, which gives this order by itself.
    await database.transaction(lambda tx: tx.fetch("DROP INDEX outbox_due"))
    ids = (await add(database, 7))[::-1]  # not the order in which they lie in the table
    for place, id_ in enumerate(ids):
        await shift(database, (place - 10) * clock.SECOND, f"id = '{id_}'")
    later = await add(database)
    await shift(database, clock.MINUTE, f"id = '{later[0]}'")
    taken = [{item.id for item in await claim(database, 3)} for _ in range(4)]
    assert taken == [set(ids[:3]), set(ids[3:6]), set(ids[6:]), set()]


async def test_only_what_is_asked_for(database: Database) -> None:
    (retry,) = await add(database)
    (alert,) = await add(database, kind="alert")
    assert await claim(database, kinds=()) == []
    assert [item.id for item in await claim(database, kinds=("alert", "other"))] == [alert]
    assert [item.id for item in await claim(database)] == [retry]


async def test_engines_may_be_left_out(database: Database) -> None:
    engines = [await insert_engine(database, name) for name in "abc"]
    rows = [execution_row(engine_id=engine) for engine in engines for _ in range(2)]
    await insert_executions(database, *rows)
    for row in rows:
        await database.transaction(lambda tx, id_=row["id"]: outbox.add(tx, "retry", id_))  # type: ignore[misc]
    await add(database)  # of an execution that was deleted
    items = await outbox.claim(database, KINDS, 100, LEASE, ENGINES, without=engines[:2])
    assert sorted(str(item.receiver) for item in items) == sorted(["None", engines[2], engines[2]])
    items = await outbox.claim(database, KINDS, 100, LEASE, ENGINES)
    assert sorted(str(item.receiver) for item in items) == sorted([*engines[:2], *engines[:2]])


async def test_many_who_claim_at_once_share_the_rows(databases: list[Database]) -> None:
    ids = await add(databases[0], 100)
    claims = [claim(databases[number % len(databases)], 7) for number in range(30)]
    taken = await asyncio.gather(*claims)
    assert sorted(item.id for items in taken for item in items) == sorted(ids)
    assert max(len(items) for items in taken) == 7


async def test_a_lease_begins_when_the_row_is_taken(database: Database) -> None:
    """And not before the wait for a connection, after which it might be over already."""
    (id_,) = await add(database)
    async with occupied(database) as release:
        others = len(database._running)
        claiming = asyncio.create_task(claim(database))
        await until(lambda: len(database._running) > others, "claim that waits for its connection")
        released_at = clock.now_us()
        release()
        await claiming
    assert (await row_of(database, id_))["next_attempt_at"] >= released_at + LEASE


async def test_accepted_ends_the_attempts(database: Database) -> None:
    ids = await add(database, 2)
    first, _ = [await row_of(database, id_) for id_ in ids]

    async def accept() -> bool:
        return await database.transaction(lambda tx: outbox.accepted(tx, [first["subject_id"]]))

    assert await accept()
    accepted = await row_of(database, ids[0])
    assert (accepted["accepted_at"] is not None, accepted["next_attempt_at"]) == (True, None)
    assert not await accept()
    assert await row_of(database, ids[0]) == accepted
    assert [item.id for item in await claim(database)] == [ids[1]]


async def deliver(database: Database, item: OutboxItem) -> None:
    await database.transaction(lambda tx: outbox.delivered(tx, item))


async def test_a_row_that_is_delivered_is_the_only_one_that_ends(database: Database) -> None:
    """Of an alert, one row goes to each receiver."""
    subject = new_id(NOON)
    ids = [await database.transaction(lambda tx: outbox.add(tx, "retry", subject)) for _ in range(2)]
    items = {item.id: item for item in await claim(database)}
    before = clock.now_us()
    await deliver(database, items[ids[0]])
    first, second = [await row_of(database, id_) for id_ in ids]
    assert before <= first["accepted_at"] <= clock.now_us()
    assert (first["next_attempt_at"], second["accepted_at"]) == (None, None)
    assert second["next_attempt_at"] >= before
    await deliver(database, items[ids[0]])  # its first time counts
    assert await row_of(database, ids[0]) == first
    await shift(database, -2 * LEASE)
    assert [item.id for item in await claim(database)] == [ids[1]]


async def test_of_several_rows_about_one_the_newest_is_shown(database: Database) -> None:
    subject = new_id(NOON)
    for _ in range(3):
        await database.transaction(lambda tx: outbox.add(tx, "retry", subject))
    items = sorted(await claim(database), key=lambda item: item.id)
    for number in (2, 0, 1):
        await fail(database, items[number], f"error {number}", 7 + number)
    assert await outbox.of_subjects(database, [subject]) == {subject: Dispatch(1, None, 9, "error 2")}


async def test_claim_without_due_rows_takes_no_lock(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process looks each second."""
    await add(database)
    await shift(database, clock.MINUTE)

    async def refused(*_: object) -> None:
        raise AssertionError("a transaction")

    monkeypatch.setattr(database, "transaction", refused)
    assert await claim(database) == []


async def fail(database: Database, item: OutboxItem, error: str, next_at: int | None) -> bool:
    return await database.transaction(lambda tx: outbox.failed(tx, item, error, next_at))


async def test_a_failure_names_the_next_attempt(database: Database) -> None:
    (id_,) = await add(database)
    (item,) = await claim(database)
    assert await fail(database, item, "first", clock.now_us())
    (item,) = await claim(database)
    assert await fail(database, item, "second", None)
    row = await row_of(database, id_)
    assert (row["last_error"], row["next_attempt_at"], row["attempts"]) == ("second", None, 2)
    assert await claim(database) == []


async def test_a_failure_says_nothing_once_it_is_accepted(database: Database) -> None:
    (id_,) = await add(database)
    (item,) = await claim(database)
    await database.transaction(lambda tx: outbox.accepted(tx, [item.subject_id]))
    before = await row_of(database, id_)
    assert not await fail(database, item, "late", clock.now_us())
    assert await row_of(database, id_) == before


async def test_a_failure_says_nothing_once_another_attempt_has_begun(database: Database) -> None:
    """Otherwise an attempt that outlives its lease would bring back a given up row."""
    (id_,) = await add(database)
    (slow,) = await claim(database)
    await shift(database, -LEASE)
    (quick,) = await claim(database)
    assert not await fail(database, slow, "late", clock.now_us())
    assert await fail(database, quick, "gone", None)
    before = await row_of(database, id_)
    assert not await fail(database, slow, "late", clock.now_us())
    assert await row_of(database, id_) == before


async def test_how_deliveries_stand(database: Database) -> None:
    ids = await add(database, 3)
    rows = [await row_of(database, id_) for id_ in ids]
    waiting, failing, taken = (row["subject_id"] for row in rows)
    for item in await claim(database):
        if item.subject_id == failing:
            await fail(database, item, "no", 7)
        elif item.subject_id == taken:
            await database.transaction(lambda tx: outbox.accepted(tx, [taken]))
    found = await outbox.of_subjects(database, [waiting, failing, taken, "0" * 32])
    leased, accepted = await row_of(database, ids[0]), await row_of(database, ids[2])
    assert found == {
        waiting: Dispatch(1, None, leased["next_attempt_at"], None),
        failing: Dispatch(1, None, 7, "no"),
        taken: Dispatch(1, accepted["accepted_at"], None, None),
    }


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        ("", ""),
        ("no\nanswer", "no\nanswer"),
        ("a\0b\ud800c\udfff", "a\ufffdb\ufffdc\ufffd"),
        ("x" * 5000, "x" * MAX_ERROR_BYTES),
        ("é" * 5000, "é" * (MAX_ERROR_BYTES // 2)),
        ("x" + "é" * 5000, "x" + "é" * (MAX_ERROR_BYTES // 2 - 1)),
    ],
)
async def test_every_error_can_be_kept(database: Database, error: str, kept: str) -> None:
    (id_,) = await add(database)
    (item,) = await claim(database)
    assert await fail(database, item, outbox.readable(error), None)
    assert (await row_of(database, id_))["last_error"] == kept
