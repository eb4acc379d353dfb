"""What happens to two processes on Postgres and Redis, and how late the one then tells what the other commits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import asyncpg
import redis.asyncio as redis

from specs.harness.counts import count
from specs.harness.driver import unique
from specs.harness.servers import ValkeyServer
from specs.harness.waiting import until
from tests.app.live.scene import Scene
from tests.app.live.subscribers import Subscriber
from tests.app.live.writers import Engine

PROBES = count("probes of what a process hears without Redis", 2, 4)
# Longer than the second after which a silent Redis is asked, and the two in which a new connection may come.
HANGS_SECONDS = 4
# For those who change processes: the one knows more than the other, which was not notified.
AWAY_SECONDS = 2


class Harm:
    """One after another; each returns when it is over. `late` gathers seconds, from the answer to an event's sender at
    the first process to the update at the second, while that hears nothing of the first.
    """

    def __init__(
        self, scene: Scene, database_url: str, valkey: ValkeyServer, engine: Engine, subscribers: Sequence[Subscriber]
    ) -> None:
        self._scene = scene
        self._database_url = database_url
        self._valkey = valkey
        self._engine = engine
        self._subscribers = subscribers
        self._witness = next(each for each in subscribers if each.urls == scene.urls[1:] and each.where == {})
        self.late: list[float] = []

    async def redis_is_killed(self) -> None:
        self._valkey.kill()
        await self._probe()
        await asyncio.sleep(AWAY_SECONDS)
        await asyncio.to_thread(self._valkey.start)

    async def redis_hangs(self) -> None:
        began = time.monotonic()
        self._valkey.pause()
        await self._probe()
        await asyncio.sleep(max(0.0, began + HANGS_SECONDS - time.monotonic()))
        self._valkey.resume()

    async def redis_hangs_up(self) -> None:
        async with redis.Redis.from_url(self._valkey.url) as client:
            deadline = time.monotonic() + 20
            cut = 0
            while cut < len(self._scene.servers):  # as soon as each has recovered from the last one
                assert time.monotonic() < deadline
                cut += await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]
                await asyncio.sleep(0.1)

    async def a_process_is_killed(self) -> None:
        await self._scene.kill(self._scene.servers[0])

    async def a_process_is_ended(self) -> None:
        await self._scene.end(self._scene.servers[1])
        await asyncio.to_thread(self._scene.servers[1].start)

    async def postgres_hangs_up(self) -> None:
        connection = await asyncpg.connect(self._database_url)
        cut = await connection.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'runwatch'"
        )
        await connection.close()
        assert cut >= 2 * len(self._scene.servers)  # one that reads and one that writes, at least

    async def _probe(self) -> None:
        every, self._engine.urls = self._engine.urls, self._scene.urls[:1]
        for each in self._subscribers:
            each.patient = True  # a subscriber that comes from the first with its cursor notifies it too
        await asyncio.sleep(0.3)  # for subscribers of the second
        for _ in range(PROBES):
            name = unique("probe")
            await self._engine.report([name], "queued", "QUEUED", 0, {"workflow": "nightly"})
            told_at = self._engine.told_at[name, "QUEUED"]
            await until(lambda name=name: (name, "QUEUED") in self._witness.seen_at)  # type: ignore[misc]
            self.late.append(self._witness.seen_at[name, "QUEUED"] - told_at)
            await self._engine.finish(name, "SUCCEEDED")
        for each in self._subscribers:
            each.patient = False
        self._engine.urls = every
