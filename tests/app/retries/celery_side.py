"""The far side of the way back to Celery: a broker, whose queue is looked into."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import redis.asyncio

from app.retries.celery import CeleryWayBack
from app.retries.port import RetryRequest, WayBack
from specs.harness.servers import ValkeyServer, free_port
from specs.harness.waiting import PATIENCE_SECONDS
from tests.app.retries.contract import PASSWORD, TIMEOUT_SECONDS, Arrival, Side

ADD = {"args": [1, 2], "kwargs": {}}


def a_retry(
    data: Any = ADD,
    *,
    workflow: str = "shop.add",
    attempts: int = 1,
    row: str | None = None,
    message: str | None = None,
) -> RetryRequest:
    """A retry of an execution with this trigger data."""
    id_ = row or uuid.uuid4().hex
    external_id = uuid.uuid5(uuid.UUID(id_), "external").hex
    text = json.dumps(data)
    return RetryRequest(
        id_, attempts, "execution_2", external_id, "execution_1", workflow, "celery", text, trigger_message=message
    )


class CelerySide:
    """An engine whose Celery workers are away."""

    def __init__(self, broker: ValkeyServer) -> None:
        self._broker = broker
        self.way_back: WayBack = CeleryWayBack(TIMEOUT_SECONDS)
        self.connection = {"broker_url": broker.url}
        user = f"user:{PASSWORD}@"
        self.unreachable: Sequence[dict[str, str]] = [
            {"broker_url": url}
            for url in (
                f"redis://{user}127.0.0.1:{free_port()}/0",
                f"amqp://{user}127.0.0.1:{free_port()}/{PASSWORD}",
                f"redis://{user}nowhere.invalid/0",
                f"redis://{user}127.0.0.1:{broker.port}/0",  # nobody of this name
                f"sentinel://{user}127.0.0.1:{broker.port}/0?master_name={PASSWORD}",
            )
        ]
        self.impossible: Sequence[dict[str, str]] = [
            {"broker_url": url}
            for url in ("", "nonsense", "ftp://broker.example/", "redis://[::1/", "redis://a b/\n", "a.b:c://host", ";")
        ]

    async def arrivals(self, number: int) -> list[Arrival]:
        """See Side."""
        async with asyncio.timeout(PATIENCE_SECONDS), redis.asyncio.Redis.from_url(self._broker.url) as client:
            while True:
                messages = await client.lrange("celery", 0, -1)
                if len(messages) >= number:
                    return [_arrival(message) for message in messages]
                await asyncio.sleep(0.01)


def _arrival(message: bytes | str) -> Arrival:
    sent = json.loads(message)
    headers, (args, kwargs, _) = sent["headers"], json.loads(base64.b64decode(sent["body"]))
    return Arrival(headers["id"], headers["x-retry-of"], headers["task"], {"args": args, "kwargs": kwargs})


@asynccontextmanager
async def celery_side() -> AsyncIterator[Side]:
    """Its end closes the way back once more than the test."""
    with ValkeyServer(own=True) as broker:
        side = CelerySide(broker)
        yield side
        await side.way_back.close()
