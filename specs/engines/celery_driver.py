"""A Celery engine of the specs: a broker, a worker and who publishes, as processes of their own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import redis

from specs.harness.celery_processes import Publisher, Worker
from specs.harness.driver import Runwatch, unique
from specs.harness.servers import ValkeyServer

APP = "specs.engines.celery_shop"


class CeleryEngine:
    """An engine that is connected to a Runwatch by its broker, on `port`. Its tasks need files of `folder`."""

    def __init__(self, runwatch: Runwatch, broker: ValkeyServer, folder: Path, port: int) -> None:
        self.name = unique("celery")
        self.broker = broker
        self.folder = folder / self.name
        self.folder.mkdir()
        self._stack = ExitStack()
        self._environment = {
            "SHOP_NAME": self.name,
            "SHOP_FOLDER": str(self.folder),
            "SHOP_BROKER": broker.url,
            "RUNWATCH_URL": runwatch.url,
            "RUNWATCH_CLIENT_MESSAGE_KEY": unique("a-key-of-this-engine-alone-"),
            "C_FORCE_ROOT": "1",  # a worker that takes pickle asks for it
            "RUNWATCH_TOKEN": runwatch.token("runner", self.name),
        }
        self._publish: Publisher | None = None
        runwatch.cli("engine", "add", self.name, "--celery", f"redis://127.0.0.1:{port}/0")

    def __enter__(self) -> Self:
        self._publish = self._stack.enter_context(Publisher(APP, self._environment))
        options = ("--concurrency", "2", "--queues", "celery,slow,later")
        self.worker = self._stack.enter_context(Worker(APP, self._environment, self.folder, *options))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def publish(self, canvas: str) -> str:
        """Publish what an expression makes; the external id of the run: of the first task, or of the group."""
        assert self._publish is not None
        return self._publish(canvas)[-1]

    def listen(self, queue: str, *, on: bool) -> None:
        """Let the worker take messages of a queue, or leave them there."""
        assert self._publish is not None
        how = "add" if on else "cancel"
        # Not only for the second that Celery waits: on a busy machine the worker would do so later.
        self._publish(f"app.control.{how}_consumer({queue!r}, reply=True, timeout=30, limit=1)[0] and None")

    def queued(self, queue: str) -> int:
        """How many messages wait in a queue."""
        with redis.Redis.from_url(self.broker.url) as client:
            return int(client.llen(queue))

    def mend(self, *names: str) -> None:
        """Make files that tasks need."""
        for name in names:
            (self.folder / name).write_text("there")

    def calls(self, word: str) -> Sequence[dict[str, Any]]:
        """How tasks were called whose arguments have this word in them."""
        file = self.folder / "calls"
        calls = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [call for call in calls if word in call["args"] + call["kwargs"]]
