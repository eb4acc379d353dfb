"""Clients that stop reading cost little and hold nobody up; delivered updates are not kept."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing, closing
from pathlib import Path

import pytest

from specs.harness import counts
from specs.harness.counts import count
from specs.harness.driver import unique
from specs.harness.waiting import until
from specs.harness.worker_processes import logged
from tests.app.live.scene import Scene, used_bytes
from tests.app.live.stopped import StoppedReader, half_open
from tests.app.live.subscribers import ALONE, MUCH, MUCH_ALONE, UPDATES, Subscriber
from tests.app.live.writers import Engine

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")]
log = logging.getLogger(__name__)

MB = 1000 * 1000
STOPPED, HEALTHY, LISTENERS = 20, 4, 8
# Four times what may wait for each of them (docs/operating.md): their connections, what is just being sent, and garbage
# are in it too. Without that bound, those whose results are their own cost 3 KB a change, 60 MB in all.
MAX_STOPPED_BYTES = STOPPED * 4 * 256 * 1024
# Executions that are changed over and over.
POOL = 500
CHANGES = count("changes while clients do not read", 2_000, 30_000)
WARM_UP = 10_000 if counts.soaking else 2_000
TOLD = count("changes whose memory is measured", 3_000, 40_000)
# Keeping them would cost 2 KB per update of an unshared subscription. After the warm-up, what is remembered of
# executions is there.
MAX_BYTES_PER_CHANGE = 800


async def test_clients_that_stop_reading(tmp_path: Path) -> None:
    """They cost a MB each at most, are let go, and come back to the latest state; who reads hears everything."""
    async with (
        Scene(tmp_path, f"sqlite:///{tmp_path}/runwatch.db") as scene,
        scene.subscribers([{}], HEALTHY, queries=(UPDATES, ALONE, MUCH, MUCH_ALONE)) as healthy,
        aclosing(Engine(unique("engine"), scene.token, scene.urls)) as engine,
        AsyncExitStack() as test,
    ):
        (server,) = scene.servers
        async for _ in engine.flood(POOL, 2 * POOL, healthy):
            pass
        before = limit = used_bytes(server)
        readers = [await stop_reading(test, scene, number) for number in range(STOPPED)]
        async for _ in engine.flood(POOL, CHANGES, healthy):
            limit = max(limit, used_bytes(server))
        log.info("grew by %.1f MB", (limit - before) / MB)
        assert limit - before < MAX_STOPPED_BYTES
        assert {each.updates for each in healthy} == {2 * POOL + CHANGES}
        assert {each.sockets for each in healthy} == {0}
        await until(lambda: [line["code"] for line in logged(server, "socket")].count(4510) == STOPPED)
        await come_back(scene, readers, healthy)
        await end_among(test, scene, engine, healthy)


async def stop_reading(test: AsyncExitStack, scene: Scene, number: int) -> StoppedReader:
    """A client that subscribes from now on, and does not read; closed when the test ends."""
    cursor, listed = await scene.listed({})
    subscriber = Subscriber(scene.urls, scene.token, {}, cursor, query=MUCH if number % 2 else MUCH_ALONE)
    subscriber.view |= listed
    reader = test.enter_context(closing(StoppedReader(scene.urls[0], subscriber)))
    await asyncio.to_thread(reader.subscribe, scene.token)
    return reader


async def come_back(scene: Scene, readers: Sequence[StoppedReader], healthy: Sequence[Subscriber]) -> None:
    """Those who did not read go on from what had reached them, and show what everybody shows."""
    async with AsyncExitStack() as stack:
        for reader in readers:
            await asyncio.to_thread(reader.read_the_rest)
            assert reader.code in (None, 4510)
            assert 0 < reader.subscriber.updates < healthy[0].updates
            await stack.enter_async_context(reader.subscriber)
        await scene.agrees([*healthy, *(reader.subscriber for reader in readers)])


async def end_among(test: AsyncExitStack, scene: Scene, engine: Engine, healthy: Sequence[Subscriber]) -> None:
    """The server ends by SIGTERM, whoever does not read, or did not even begin."""
    for number in range(STOPPED):
        await stop_reading(test, scene, number)
    half_open(scene.urls[0], test)
    async for _ in engine.flood(POOL, POOL, healthy):  # five times what may wait for a client
        pass
    await scene.end(scene.servers[0])
    await until(lambda: all(1012 in each.ends for each in healthy))


async def test_delivered_updates_are_not_kept(tmp_path: Path) -> None:
    """The server's memory stays constant, however many updates shared and unshared subscriptions receive."""
    warm_up, changes = WARM_UP, WARM_UP + TOLD
    async with (
        Scene(tmp_path, f"sqlite:///{tmp_path}/runwatch.db") as scene,
        scene.subscribers([{}], LISTENERS) as listeners,
        aclosing(Engine(unique("engine"), scene.token, scene.urls)) as engine,
    ):
        (server,) = scene.servers
        async for _ in engine.flood(warm_up // 2, warm_up, listeners):
            pass
        before = used_bytes(server)
        async for _ in engine.flood(warm_up // 2, changes - warm_up, listeners):
            pass
        grown = used_bytes(server) - before
        log.info("grew by %.2f MB, %.0f bytes a change", grown / MB, grown / (changes - warm_up))
        assert grown < MAX_BYTES_PER_CHANGE * (changes - warm_up)
        assert {each.updates for each in listeners} == {changes}
        await scene.agrees(listeners)
