"""Retries to Celery, over a real Valkey to a real worker: whatever is published twice runs once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from app.retries.celery import CeleryWayBack
from app.retries.port import RetryRequest
from runwatch_client.celery.signing import Serialized, Signer
from specs.harness.celery_processes import Publisher, Worker
from specs.harness.servers import ValkeyServer
from tests.app.retries.celery_side import a_retry
from tests.client import CELERY_APP
from tests.client.sink import Sink

KEY = "RUNWATCH_CLIENT_MESSAGE_KEY"
OLD, NEW = "the-key-that-publishers-still-have-", "the-key-that-workers-have-got-since"


@dataclass
class Shop:
    """An engine with a real worker, and its reports."""

    sink: Sink
    url: str
    publish: Publisher
    keyless: Publisher
    folder: Path

    async def retried(self, expression: str, workflow: str) -> tuple[str, RetryRequest]:
        """Publish a canvas and wait for its end; its id, and a retry of it."""
        original = self.publish(expression)[-1]
        await asyncio.to_thread(self.sink.finish, original)
        queued = await asyncio.to_thread(self.sink.queued, original)
        trigger = queued["trigger"]
        return original, a_retry(trigger["data"], workflow=workflow, message=trigger.get("message"))

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
        environment |= {"TEST_PICKLE": "1", "C_FORCE_ROOT": "1"}
        with (
            Publisher(CELERY_APP, {**environment, KEY: OLD}) as publish,
            Publisher(CELERY_APP, environment) as keyless,
            Worker(CELERY_APP, {**environment, KEY: f"{NEW},{OLD}"}, folder, "--concurrency", "2"),
        ):
            yield Shop(sink, f"{url}/0", publish, keyless, folder)


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


LOST = "{1}, (2, (3,)), {4: Colour.RED}, Path('/x'), Line(Decimal('1.10'), frozenset({'a'}))"
PICKLED = {
    "task": (f"spell.apply_async(({LOST}), {{'k': {{5}}}}, serializer='pickle')", "shop.spell", 1),
    "chain": (
        "(spell.s({1}) | spell.s((2,)).set(serializer='pickle')).apply_async(serializer='pickle')",
        "chain(shop.spell)",
        2,
    ),
    "group": (f"group(spell.s({LOST}), spell.s((2,))).apply_async(serializer='pickle')", "group(shop.spell)", 2),
    "chord": (
        "chord([spell.s({1}), spell.s((2,))], spell.s({3}).set(serializer='pickle')).apply_async(serializer='pickle')",
        "chord(shop.spell, shop.spell)",
        3,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", PICKLED)
async def test_what_was_pickled_gets_the_same_arguments_again(shop: Shop, kind: str) -> None:
    canvas, workflow, steps = PICKLED[kind]
    original, asked = await shop.retried(canvas, workflow)
    assert asked.trigger_message is not None
    assert "NaN" not in asked.trigger_data, "it is complete"
    way_back = CeleryWayBack(5)
    for attempts in (1, 2):
        again = RetryRequest(**{name: getattr(asked, name) for name in asked.__slots__} | {"attempts": attempts})
        await way_back.send(again, {"broker_url": shop.url})
    made = await shop.outputs(asked.external_id, steps)
    assert made == await shop.outputs(original, steps)
    if kind in ("task", "group"):
        assert "{1}, (2, (3,)), {4: <Colour.RED: 1>}, PosixPath('/x'), Line(price=Decimal('1.10')" in str(made[0])
    assert shop.sink.finish(asked.external_id) == {"state": "SUCCEEDED"}
    assert len(shop.sink.of(asked.external_id, "step.finished")) == steps, "once"


@pytest.mark.slow
async def test_a_worker_signs_what_arrives_from_a_publisher_without_a_key(shop: Shop) -> None:
    [original] = shop.keyless("spell.apply_async(({1},), serializer='pickle')")

    def claimed() -> list[dict[str, Any]]:
        return [event["data"]["trigger"] for event in shop.sink.of(original, "execution.queued")]

    triggers = await asyncio.to_thread(shop.sink.wait, lambda: claimed() if len(claimed()) == 2 else None)
    [unsigned, signed] = sorted(triggers, key=lambda trigger: "message" in trigger)
    assert "no process of the engine has signed" in unsigned["data"]["incomplete"]
    assert "incomplete" not in signed["data"]
    asked = a_retry(signed["data"], workflow="shop.spell", message=signed["message"])
    await CeleryWayBack(5).send(asked, {"broker_url": shop.url})
    assert await shop.outputs(asked.external_id, 1) == {0: "({1},) {}"}


@pytest.mark.slow
async def test_a_worker_refuses_a_message_that_its_engine_has_not_signed(shop: Shop) -> None:
    body = Serialized.of("shop.traced", (("forged",), {}, {}), "pickle")
    forged = {
        "ForeignMessage": Signer("shop", [b"the key of somebody else, which is long"]).signed(body),
        "UnreadableMessage": "1.forged",
    }
    for code, text in forged.items():
        asked = a_retry(workflow="shop.traced", message=text)
        await CeleryWayBack(5).send(asked, {"broker_url": shop.url})
        end = await asyncio.to_thread(shop.sink.finish, asked.external_id)
        assert (end["state"], end["error"]["type"]) == ("FAILED", code)
    assert not (shop.folder / "forged").exists()


@pytest.mark.slow
async def test_retry_goes_to_the_queue_of_the_original(shop: Shop) -> None:
    [original] = shop.publish("add.apply_async((1, 2), queue='elsewhere')")
    data = (await asyncio.to_thread(shop.sink.queued, original))["trigger"]["data"]
    await CeleryWayBack(5).send(a_retry(data), {"broker_url": shop.url})
    with redis.Redis.from_url(shop.url) as client:
        assert client.llen("elsewhere") == 2
