"""Whatever is killed, cut or stopped: subscribers that come back with their cursor miss nothing, and hear it once."""

from __future__ import annotations

import asyncio
import logging
import random
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from specs.harness.counts import count
from specs.harness.driver import unique
from specs.harness.servers import PostgresServer, ValkeyServer
from specs.harness.waiting import until
from tests.app.live.harm import Harm
from tests.app.live.scene import Scene
from tests.app.live.subscribers import Subscriber
from tests.app.live.writers import Engine

pytestmark = pytest.mark.slow

log = logging.getLogger(__name__)

# Each filter at each server, at least.
STEADY, FLAPPING = count("subscribers while servers fail", 14, 30), 8
WRITERS = 4
# Between the steps of one writer: some 60 changes a second in all, which two cores can tell all subscribers of.
PAUSE_SECONDS = 0.12
MIN_UPDATES = count("updates while servers fail, at least", 600, 2_000)
MIN_CHANGES = count("changes while servers fail, at least", 1, 5_000)
# How sockets may end: with a killed server (no word of it), with one that ends (1012), by hanging up; or an operation,
# when the database is away just then. Not as too slow (4510), and not with a RESYNC.
ENDS = {"cut", 1012, "dropped", "INTERNAL"}
# How late an update may be without Redis: the second of a sweep, and the time that a busy machine takes.
MEDIAN_SECONDS, MAX_SECONDS = 1.5, 15.0

Fault = Callable[[], Awaitable[None]]


async def test_one_process_on_sqlite(tmp_path: Path) -> None:
    async with Scene(tmp_path, f"sqlite:///{tmp_path}/runwatch.db") as scene:
        (server,) = scene.servers

        async def is_killed() -> None:
            await scene.kill(server)

        async def is_ended() -> None:
            await scene.end(server)
            await asyncio.to_thread(server.start)

        async def is_left_alone() -> None:
            await asyncio.sleep(2.5)

        async with aclosing(Engine(unique("engine"), scene.token, scene.urls)) as engine:
            await prove(scene, engine, lambda _: [is_left_alone, is_killed, is_left_alone, is_ended])


async def test_two_processes_on_postgres_and_redis(tmp_path: Path, postgres_server: PostgresServer) -> None:
    harms: list[Harm] = []
    with postgres_server.database("faults") as url, ValkeyServer(own=True) as valkey:
        async with (
            Scene(tmp_path, url, valkey.url, processes=2) as scene,
            aclosing(Engine(unique("engine"), scene.token, scene.urls)) as engine,
        ):

            def faults(subscribers: Sequence[Subscriber]) -> list[Fault]:
                harms.append(harm := Harm(scene, url, valkey, engine, subscribers))
                return [
                    harm.redis_is_killed,
                    harm.a_process_is_killed,
                    harm.redis_hangs_up,
                    harm.redis_hangs,
                    harm.a_process_is_ended,
                    harm.postgres_hangs_up,
                ]

            await prove(scene, engine, faults)
    late = harms[0].late
    log.info("without Redis: median %.2f s, at most %.2f s of %d", statistics.median(late), max(late), len(late))
    assert statistics.median(late) <= MEDIAN_SECONDS
    assert max(late) <= MAX_SECONDS


async def prove(scene: Scene, engine: Engine, faults_of: Callable[[Sequence[Subscriber]], Sequence[Fault]]) -> None:
    """Follow what is written while the faults happen one after another, and check what every subscriber received."""
    async with scene.subscribers(filters(engine.name), STEADY, FLAPPING) as subscribers:
        flapping, faults = subscribers[STEADY:], faults_of(subscribers)
        async with writing(engine):
            while True:
                for fault in faults:
                    await asyncio.sleep(0.3)
                    await fault()
                if engine.changes >= MIN_CHANGES:
                    break
            # A busy machine takes longer to tell as much.
            await until(
                lambda: enough_told(subscribers) and all(each.ends["dropped"] >= 2 for each in flapping), seconds=60
            )
        await scene.agrees(subscribers)
    told = sum(each.updates for each in subscribers)
    ends: Counter[int | str] = sum((each.ends for each in subscribers), start=Counter())
    log.info("%d changes, %d sent again, %d updates, %s", engine.changes, engine.again, told, dict(ends))
    assert ends.keys() <= ENDS
    assert all(each.ends.total() > 0 for each in subscribers)
    for each in subscribers:
        if each.where.get("status") == ["PENDING"]:
            assert any(story.left for story in each.stories.values())


def enough_told(subscribers: Sequence[Subscriber]) -> bool:
    return sum(each.updates for each in subscribers) >= MIN_UPDATES


def filters(engine: str) -> list[dict[str, Any]]:
    """Filters of all kinds: executions only enter, leave, or always match."""
    own: dict[str, Any] = {"engine": [engine]}
    return [
        own,
        own | {"status": ["PENDING"]},
        own | {"state": ["RUNNING"], "status": ["PENDING"]},
        own | {"status": ["FAILURE"]},
        own | {"workflowName": ["nightly"]},
        own | {"search": "red", "status": ["PENDING", "CANCELLED"]},
        {},
    ]


@asynccontextmanager
async def writing(engine: Engine) -> AsyncIterator[None]:
    """Writers at work; at the end they have finished their runs."""
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as writers:
        for number in range(WRITERS):
            writers.create_task(engine.run(random.Random(number), PAUSE_SECONDS, stopping))
        yield
        stopping.set()
