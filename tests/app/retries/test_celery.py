"""Retries to Celery, over a real Valkey to a real worker: whatever is published twice runs once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from app.retries.celery import CeleryWayBack
from app.retries.port import RetryRequest
from specs.harness.celery_processes import Publisher, Worker
from specs.harness.servers import ValkeyServer
from tests.app.retries.celery_side import a_retry
from tests.client import CELERY_APP
from tests.client.sink import Sink


@dataclass
class Shop:
    """An engine with a real worker, and its reports."""

    sink: Sink
    url: str
    publish: Publisher
    folder: Path

    async def retried(self, expression: str, workflow: str) -> tuple[str, RetryRequest]:
        """Publish a canvas and wait for its end; its id, and a retry of it."""
        original = self.publish(expression)[-1]
        await asyncio.to_thread(self.sink.finish, original)
        queued = await asyncio.to_thread(self.sink.queued, original)
        return original, a_retry(queued["trigger"]["data"], workflow=workflow)

    async def outputs(self, run: str, steps: int) -> dict[int, object]:
        """What each step made, once the run has ended."""
        await asyncio.to_thread(self.sink.finish, run)
        await asyncio.to_thread(self.sink.wait, lambda: len(self.sink.steps(run)) >= steps)
        return {index: step.get("output") for index, step in sorted(self.sink.steps(run).items())}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """It takes 2 s to start."""
    folder = tmp_path_factory.mktemp("celery")
    with ValkeyServer(own=True) as broker, Sink() as sink:
        url = broker.url.removesuffix("/0")
        environment = {"TEST_BROKER": url, "TEST_SINK": sink.url, "TEST_FOLDER": str(folder)}
        with (
            Publisher(CELERY_APP, environment) as publish,
            Worker(CELERY_APP, environment, folder, "--concurrency", "2"),
        ):
            yield Shop(sink, f"{url}/0", publish, folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("canvas", "workflow", "steps"),
    [
        ("traced.delay('lone')", "shop.traced", 1),
        (
            "(traced.si('first') | traced.si('middle') | group(traced.si('left'), traced.si('right')))()",
            "shop.traced",
            4,
        ),
        ("group(traced.s('one'), traced.s('two') | noop.s()).delay()", "group(shop.traced, shop.noop)", 3),
        ("chord([traced.s('in'), traced.s('out')], total.s()).delay()", "chord(shop.traced, shop.total)", 3),
    ],
)
async def test_retry_published_twice_runs_once(shop: Shop, canvas: str, workflow: str, steps: int) -> None:
    original, asked = await shop.retried(canvas, workflow)
    words = {word: len(word.read_text().splitlines()) for word in shop.folder.iterdir() if word.suffix != ".log"}
    way_back = CeleryWayBack(5)
    for attempts in (1, 2):  # the second while the first is under way
        again = RetryRequest(**{name: getattr(asked, name) for name in asked.__slots__} | {"attempts": attempts})
        await way_back.send(again, {"broker_url": shop.url})
    made = await shop.outputs(asked.external_id, steps)
    assert made.keys() == (await shop.outputs(original, steps)).keys()
    [last] = shop.publish("noop.delay()")
    await asyncio.to_thread(shop.sink.finish, last)
    for word, runs in words.items():
        own = word.name in canvas
        assert len(word.read_text().splitlines()) == runs + own, word.name
    assert shop.sink.finish(asked.external_id) == {"state": "SUCCEEDED"}
    assert len(shop.sink.of(asked.external_id, "step.finished")) == steps


@pytest.mark.slow
async def test_retry_goes_to_the_queue_of_the_original(shop: Shop) -> None:
    [original] = shop.publish("add.apply_async((1, 2), queue='elsewhere')")
    data = (await asyncio.to_thread(shop.sink.queued, original))["trigger"]["data"]
    await CeleryWayBack(5).send(a_retry(data), {"broker_url": shop.url})
    with redis.Redis.from_url(shop.url) as client:
        assert client.llen("elsewhere") == 2
