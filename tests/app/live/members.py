"""Members of a group, a feed without a database, and results that a test releases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress

from app import rates
from app.changes import Changed
from app.changes.revisions import parse_updates_cursor
from app.executions.filters import ExecutionFilter
from app.graphql.payload import Payload
from app.live.feed import Feed
from app.live.groups import Group
from app.live.member import Member
from app.live.port import Filter
from app.live.updates import FeedPosition, Update
from specs.harness.waiting import until

EVERYTHING = ExecutionFilter()


class MemoryFeed(Feed):
    """A feed that knows only what a test delivers, and has no database."""

    def __init__(self) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self._begin("aa", 0)
        self.rounds = 0

    def catch_up(self, wanted: Filter, position: FeedPosition) -> AsyncGenerator[Update, None]:
        self.rounds += 1
        return super().catch_up(wanted, position)

    def hand(self, *revisions: int, execution_id: str | None = None) -> None:
        head = self._head
        for revision in revisions:
            self._hand_on(Changed(revision, execution_id or f"x{revision}", None, 0, 0, 0), head)
            self._head = revision

    async def _is_lost(self, position: FeedPosition) -> bool:
        return position.epoch != self.epoch

    def restore(self, epoch: str, revision: int) -> None:
        self._begin(epoch, revision)
        for wanted in self._filters.values():
            for audience in wanted.audiences:
                audience.fall_behind()


class Results:
    """Executes updates to their revisions, some of them when released."""

    def __init__(self) -> None:
        self.gates: dict[int, asyncio.Event] = {}
        self.failures: list[Exception] = []
        self.executed: list[int] = []
        self.ended = 0

    async def execute(self, update: Update) -> bytes:
        position = parse_updates_cursor(update.cursor)
        assert position is not None
        self.executed.append(position[1])
        try:
            if position[1] in self.gates:
                await self.gates[position[1]].wait()
        finally:
            self.ended += 1
        if self.failures:
            raise self.failures.pop()
        return json.dumps(position[1]).encode()

    async def began(self, revision: int) -> None:
        """Wait until the update of a revision is under way."""
        await until(lambda: revision in self.executed, f"execution of {revision}")

    async def over(self, number: int) -> None:
        """Wait until so many have ended."""
        await until(lambda: self.ended >= number, f"end of {number} executions")


class Client:
    """A sink that reports what it got, and accepts nothing while it is not `writable`."""

    def __init__(self) -> None:
        self.got: list[int] = []
        self.payloads: list[Payload] = []
        self.writable = asyncio.Event()
        self.writable.set()
        self.waited_for = asyncio.Event()  # by who has something to send, and no room for it
        self.full_after: int | None = None

    @property
    def has_room(self) -> bool:
        return self.writable.is_set()

    async def room(self) -> None:
        while not self.writable.is_set():
            self.waited_for.set()
            await self.writable.wait()
        self.waited_for.clear()

    def send(self, payload: Payload) -> None:
        self.payloads.append(payload)
        self.got += [json.loads(message[:-1]) for message in payload.messages(b"")]
        if self.full_after in self.got:
            self.full_after = None
            self.writable.clear()

    async def until(self, got: list[int]) -> None:
        with suppress(AssertionError):  # the next line shows the difference
            await until(lambda: self.got == got)
        assert self.got == got, self.got


@asynccontextmanager
async def member(
    feed: Feed,
    results: Results,
    position: FeedPosition,
    where: ExecutionFilter = EVERYTHING,
    payer: rates.Client = rates.FREE,
) -> AsyncIterator[tuple[Client, Group]]:
    """Of a group of its own; it has caught up to what there is, or waits for the first result of that."""
    group = Group(feed, results.execute, lambda: None)
    executed = len(results.executed)
    async with another_member(feed, group, position, where, payer) as (client, joined):
        await until(lambda: joined._sink is not None or len(results.executed) > executed)
        yield client, group


@asynccontextmanager
async def another_member(
    feed: Feed,
    group: Group,
    position: FeedPosition,
    where: ExecutionFilter = EVERYTHING,
    payer: rates.Client = rates.FREE,
) -> AsyncIterator[tuple[Client, Member]]:
    """Of a group that there is; it has done what it can do without waiting."""
    client, joined = Client(), Member(feed, group, where, position, payer)
    pushing = asyncio.create_task(joined.push(client))
    await turns()
    yield client, joined
    pushing.cancel()
    await asyncio.wait([pushing])


async def turns() -> None:
    """Let each task go as far as it can without a result, room or a timer: nothing here has threads or connections."""
    for _ in range(20):
        await asyncio.sleep(0)
