"""Subscribers as a dashboard is one: they keep their cursor, and come back with it whenever their socket ends."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from app.changes.revisions import parse_updates_cursor

SUBPROTOCOL = Subprotocol("graphql-transport-ws")
UPDATES = """
subscription Updates($filter: ExecutionFilter, $after: String) {
  executionUpdated(filter: $filter, after: $after) {
    cursor change executionId matches
    execution { externalId state status updatedAt error { message } }
  }
}
"""
# With a variable below, so that the results are this subscriber's own (app/live/sharing.py).
ALONE = UPDATES.replace("$after: String)", "$after: String, $yes: Boolean! = true)").replace(
    "execution {", "execution @include(if: $yes) {"
)
# 3 KB an update when names are long: a system keeps up to 4 MB for somebody who does not read.
MUCH, MUCH_ALONE = (
    query.replace("externalId", " ".join(["externalId", *(f"{letter}: externalId" for letter in "abcdefghi")]))
    for query in (UPDATES, ALONE)
)
# Before a socket that has ended is opened again; a dashboard takes longer.
PAUSE_SECONDS = (0.05, 0.2)
LOST = (OSError, TimeoutError, EOFError, ConnectionClosed, InvalidHandshake)

Shown = tuple[str, str]  # an execution's state and the time of its last change


def frames(token: str, where: dict[str, Any], after: str | None, query: str = UPDATES) -> tuple[str, str]:
    """The messages that sign in, and that subscribe."""
    variables = {"filter": where, "after": after}
    subscribe = {"type": "subscribe", "id": "1", "payload": {"query": query, "variables": variables}}
    init = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
    return json.dumps(init), json.dumps(subscribe)


def revision_of(cursor: str) -> int:
    """The revision in a cursor of updates."""
    found = parse_updates_cursor(cursor)
    assert found is not None, cursor
    return found[1]


@dataclass
class Story:
    """What one subscriber received about one execution."""

    changes: list[str] = field(default_factory=list)
    last: Shown | None = None
    left: int = 0  # how often it received that the execution left the filter


class Subscriber:
    """Follows one filter from a cursor on, at one of `urls` after the other; with `flaps`, it hangs up at random."""

    def __init__(
        self,
        urls: Sequence[str],
        token: str,
        where: dict[str, Any],
        cursor: str,
        *,
        flaps: random.Random | None = None,
        query: str = UPDATES,
    ) -> None:
        self.where = where
        self.cursor = cursor
        self.stories: dict[str, Story] = {}
        self.view: dict[str, Shown] = {}  # what a dashboard would show
        self.updates = 0
        self.sockets = 0
        self.ends: Counter[int | str] = Counter()
        self.wrong: list[str] = []
        self.seen_at: dict[tuple[str, str], float] = {}
        self.urls = list(urls)
        self._token = token
        self._flaps = flaps
        self.query = query
        self.patient = False  # it does not hang up for now
        self._revision = revision_of(cursor)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Subscriber:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    async def _run(self) -> None:
        while True:
            url = self.urls[self.sockets % len(self.urls)].replace("http", "ws", 1) + "/graphql"
            try:
                async with connect(
                    url, subprotocols=[SUBPROTOCOL], proxy=None, compression=None, close_timeout=1, ping_interval=None
                ) as connection:
                    await self._follow(connection)
            except LOST as error:
                self.ends[error.rcvd.code if isinstance(error, ConnectionClosed) and error.rcvd else "cut"] += 1
            self.sockets += 1
            await asyncio.sleep(random.uniform(*PAUSE_SECONDS))

    async def _follow(self, connection: ClientConnection) -> None:
        init, subscribe = frames(self._token, self.where, self.cursor, self.query)
        await connection.send(init)
        await connection.recv()
        await connection.send(subscribe)
        patience = self._flaps.randint(1, 25) if self._flaps else None
        async for message in connection:
            read = json.loads(message)
            if read["type"] != "next":
                # The database was away when it was asked: a dashboard tries again.
                self.ends[read["payload"][0]["extensions"]["code"] if read["type"] == "error" else read["type"]] += 1
                return
            self.take(read["payload"]["data"]["executionUpdated"])
            patience = patience and max(patience - 1, 0)
            if patience == 0 and not self.patient:  # with more on its way, most times
                connection.transport.abort()
                self.ends["dropped"] += 1
                return

    def take(self, update: dict[str, Any]) -> None:
        """What it does with an update."""
        self.updates += 1
        self.cursor = update["cursor"]
        if update["change"] == "RESYNC":
            self.wrong.append(f"RESYNC behind {self._revision}")
            return
        revision = revision_of(update["cursor"])
        if revision <= self._revision:
            self.wrong.append(f"{revision} came after {self._revision}")
        self._revision = revision
        execution = update["execution"]
        name, shown = execution["externalId"], (execution["state"], execution["updatedAt"])
        story = self.stories.setdefault(name, Story())
        if story.last is not None and story.last[1] > shown[1]:
            self.wrong.append(f"{name} went back from {story.last} to {shown}")
        story.changes.append(update["change"])
        story.last = shown
        self.seen_at.setdefault((name, shown[0]), time.monotonic())
        if update["matches"]:
            self.view[name] = shown
        else:
            story.left += 1
            self.view.pop(name, None)

    def mistakes(self, listed: dict[str, Shown]) -> list[str]:
        """What is wrong with the received updates, if the subscriber should show what is `listed` now."""
        found = list(self.wrong)
        for name in sorted(listed.keys() | self.view.keys()):
            if listed.get(name) != self.view.get(name):
                found.append(f"{name} is {listed.get(name)}, shown as {self.view.get(name)}")
        for name, story in self.stories.items():
            for change in ("CREATED", "FINISHED"):
                if story.changes.count(change) > 1:
                    found.append(f"{name} was told as {change} more than once: {story.changes}")
        return found
