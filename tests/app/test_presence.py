"""Server processes that say that they run: who seals for whom, and time that does not count as tried."""

from __future__ import annotations

import pytest

from app import clock, presence
from app.db import Database
from app.errors import Conflict
from app.presence import Presence
from app.secrets.redaction import DEFAULT_SEALED_KEYS, SealedKeys
from app.secrets.sealing import Sealer, new_key
from specs.harness.receiver import Answer, Receiver
from tests.app.delivery.bench import Bench
from tests.app.reports import select
from tests.sealing import SEALER

OLD, NEW = new_key(), new_key()


def sealer(*keys: str) -> Sealer:
    return Sealer(keys, SealedKeys(DEFAULT_SEALED_KEYS.split(",")))


async def test_a_process_is_running_until_it_ends(database: Database) -> None:
    one, other = Presence(database, sealer(OLD)), Presence(database, sealer(NEW, OLD))
    await one.close()  # before its start
    await one.start()
    await other.start()
    shown = await presence.running(database)
    assert sorted(each.keys for each in shown) == sorted([sealer(OLD).key_ids, sealer(NEW, OLD).key_ids])
    assert all(OLD not in str(row) and NEW not in str(row) for row in await select(database, "server_processes", "1=1"))
    await other.close()
    (left,) = await presence.running(database)
    assert left.keys == sealer(OLD).key_ids
    # Killed: it counts for a while, and is then forgotten by those that run.
    await database.transaction(
        lambda tx: tx.fetch("UPDATE server_processes SET seen_at = seen_at - $1", presence.SILENCE)
    )
    assert await presence.running(database) == []
    await database.transaction(lambda tx: tx.fetch("UPDATE server_processes SET seen_at = seen_at - $1", presence.KEPT))
    again = Presence(database, sealer(OLD))
    await again.start()
    assert len(await select(database, "server_processes", "1 = 1")) == 1
    await again.close()
    await one.close()


async def test_who_seals_asks_whether_servers_can_read_it(database: Database) -> None:
    server = Presence(database, sealer(OLD, NEW))
    await server.start()
    await presence.check_first(database, sealer(OLD))
    await presence.check_readable(database, sealer(NEW))
    with pytest.raises(Conflict, match="not the first one of 1 running server"):
        await presence.check_first(database, sealer(NEW, OLD))
    with pytest.raises(Conflict, match="not among those of 1 running server"):
        await presence.check_readable(database, sealer(new_key(), OLD, NEW))
    await server.close()
    await presence.check_first(database, sealer(new_key()))


@pytest.mark.usefixtures("quick")
async def test_time_when_nobody_was_there_does_not_count_as_tried(bench: Bench, receiver: Receiver) -> None:
    """A delivery that came an hour before the end of all servers, two hours ago, has had one of its two hours."""
    await bench.connect(receiver.url)
    receiver.answer = Answer(500)
    retry = await bench.retry()
    process = Presence(bench.database, SEALER)
    await process.start()
    await process.close()
    await bench.run("UPDATE outbox SET created_at = created_at - $1", 3 * clock.HOUR)
    await bench.run("UPDATE server_processes SET seen_at = seen_at - $1", 2 * clock.HOUR)
    later = await bench.retry()
    for _ in range(2):  # the second one was not there either, but the first one was
        process = Presence(bench.database, SEALER)
        await process.start()
        await process.close()
    assert abs((await bench.delivery(retry))["paused"] - 2 * clock.HOUR) < clock.MINUTE
    assert (await bench.delivery(later))["paused"] < clock.MINUTE
    async with bench.delivering(give_up_after=2 * 3600):
        await receiver.arrived(4)
        assert (await bench.delivery(retry))["next_attempt_at"] is not None
    async with bench.delivering(give_up_after=1800):
        await bench.until_delivery(retry, lambda row: row["next_attempt_at"] is None)


@pytest.mark.usefixtures("quick")
async def test_clock_that_was_put_back_puts_nothing_off(bench: Bench, receiver: Receiver) -> None:
    """Of what was put off while it was six hours ahead, whenever somebody asked for it; a receiver may ask for one."""
    await bench.connect(receiver.url)
    ahead, before, waits = [await bench.retry() for _ in range(3)]
    for retry, put_off, asked in ((ahead, 6, 6), (before, 6, 0), (waits, 1, 0)):
        at = [clock.now_us() + hours * clock.HOUR for hours in (put_off, asked)]
        sql = "UPDATE outbox SET next_attempt_at = $1, created_at = $2, claimed_until = $1 WHERE subject_id = $3"
        await bench.run(sql, *at, retry)
    process = Presence(bench.database, SEALER)
    await process.start()
    await process.close()
    async with bench.delivering():
        for retry in (ahead, before):
            await bench.until_accepted(retry)
    assert (await bench.delivery(ahead))["created_at"] <= clock.now_us()
    assert (await bench.delivery(waits))["accepted_at"] is None
