"""Engines that report runs without end, at whichever server answers, and repeat what is not accepted."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx

from specs.harness.driver import event, unique
from specs.harness.waiting import until
from tests.app.live.subscribers import Subscriber

# Changes of one batch.
AT_ONCE = 100
# A name may have 300 characters.
PADDING = "x" * 250
ENDS = ("SUCCEEDED", "SUCCEEDED", "FAILED", "CANCELLED", "CRASHED")


class Engine:
    """Posts events as one engine does; events are idempotent, so that it may send them again at another server."""

    def __init__(self, name: str, token: str, urls: Sequence[str]) -> None:
        self.name = name
        self.urls = list(urls)
        self.changes = 0
        self.again = 0
        self._flooded = 0
        # Each state of a run that was reported: when its commit was known.
        self.told_at: dict[tuple[str, str], float] = {}
        headers = {"authorization": f"Bearer {token}", "content-type": "application/cloudevents-batch+json"}
        self._http = httpx.AsyncClient(timeout=10, headers=headers, trust_env=False)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def post(self, events: Sequence[dict[str, Any]]) -> None:
        """Send them until they are accepted."""
        while True:
            try:
                answer = await self._http.post(f"{random.choice(self.urls)}/api/events", json=events)
            except httpx.TransportError:
                pass
            else:
                if answer.status_code == 202:
                    assert answer.json()["rejected"] == [], answer.text
                    return
                assert answer.status_code == 503, answer.text
            self.again += 1
            await asyncio.sleep(0.1)

    async def run(self, choice: random.Random, pause: float, stopping: asyncio.Event) -> None:
        """Report runs, some together, one step at a time, until stopped; then bring them to their end."""
        while not stopping.is_set():
            names = [unique(choice.choice(["red", "blue"])) for _ in range(choice.randint(1, 4))]
            data = {"workflow": choice.choice(["nightly", "hourly"]), "trigger": {"kind": "schedule"}}
            steps: list[tuple[str, str, dict[str, Any]]] = [("queued", "QUEUED", data), ("started", "RUNNING", {})]
            steps += [("waiting", "WAITING", {}), ("started", "RUNNING", {})] if choice.random() < 0.3 else []
            for seconds, (type_, state, said) in enumerate(steps):
                await self.report(names, type_, state, seconds, said)
                await asyncio.sleep(pause * choice.uniform(0.2, 1.8))
            for name in names:
                await self.finish(name, choice.choice(ENDS))
            if choice.random() < 0.3:  # a late step: the run changes once more
                late = {"step": {"index": 0, "name": "extract", "state": "SUCCEEDED"}}
                await self.post([event(self.name, name, "step.finished", 8, late) for name in names])
                self.changes += len(names)

    async def report(self, names: Sequence[str], type_: str, state: str, seconds: int, data: dict[str, Any]) -> None:
        """One event for each of the runs, which then are in `state`."""
        await self.post([event(self.name, name, f"execution.{type_}", seconds, data) for name in names])
        self.changes += len(names)
        for name in names:
            self.told_at[name, state] = time.monotonic()

    async def finish(self, name: str, state: str) -> None:
        """The end of a run."""
        data: dict[str, Any] = {"state": state}
        if state in ("FAILED", "CRASHED"):
            data["error"] = {"message": "the disk is full"}
        await self.report([name], "finished", state, 9, data)

    async def flood(self, pool: int, changes: int, readers: Sequence[Subscriber]) -> AsyncIterator[int]:
        """Change each of a pool of runs over and over, as soon as all readers have received the changes before.

        So no change is coalesced: each reader has one update of each. Yields how many there were.
        """
        heard = {reader: reader.updates for reader in readers}
        for done in range(AT_ONCE, changes + 1, AT_ONCE):
            lap, position = divmod(self._flooded, pool)
            self._flooded += AT_ONCE
            type_ = "execution.waiting" if lap % 2 else "execution.started"
            await self.post([event(self.name, f"run {position + i} {PADDING}", type_, lap) for i in range(AT_ONCE)])
            for reader, before in heard.items():
                await until(lambda reader=reader, enough=before + done: reader.updates >= enough, seconds=60)  # type: ignore[misc]
            yield done
