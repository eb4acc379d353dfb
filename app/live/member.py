"""A subscriber among those who receive the same results (app/live/groups.py)."""

from __future__ import annotations

import asyncio
from typing import Protocol

from app.executions.filters import ExecutionFilter
from app.graphql.client import Client
from app.graphql.operations import Sink
from app.graphql.payload import Payload
from app.live.feed import Feed
from app.live.payers import DELIVERY_COST
from app.live.port import Filter
from app.live.updates import FeedPosition, Update
from app.rates import FREE

Results = dict[int, Payload]  # sorts by revision


class Group(Protocol):
    """What a member needs of its group."""

    delivered: int

    def join(self, member: Member, where: ExecutionFilter) -> Filter: ...

    def leave(self, member: Member, where: ExecutionFilter) -> None: ...

    async def payload(self, update: Update) -> Payload: ...


class Member:
    """One subscription: receives news while its socket has room, and otherwise reads what it missed."""

    def __init__(
        self, feed: Feed, group: Group, where: ExecutionFilter, position: FeedPosition, client: Client = FREE
    ) -> None:
        self._feed = feed
        self._group = group
        self._where = where
        self._position = position
        self.client = client
        self._sink: Sink | None = None  # None while it catches up
        self._behind = asyncio.Event()

    async def push(self, sink: Sink) -> None:
        """Send results until cancelled."""
        wanted = self._group.join(self, self._where)
        try:
            while True:
                async for update in self._feed.catch_up(wanted, self._position):
                    payload = await self._group.payload(update)
                    await self.client.solvent()
                    await sink.room()
                    sink.send(payload)
                    self.client.charge(DELIVERY_COST)
                self._sink = sink
                self._behind.clear()  # it reads whatever it missed up to here
                await self._behind.wait()
                await self.client.solvent()
                await sink.room()  # no need to send what changes until then
        finally:
            self._group.leave(self, self._where)

    def deliver(self, results: Results, payload: Payload, last: int) -> None:
        """Send results, all in `payload`, up to the revision `last`, if they are new and there is room."""
        sink, known = self._sink, self._position.revision
        if sink is None or last <= known:
            return
        if not sink.has_room or self.client.is_spent:
            self.fall_behind()
            return
        self._position.revision = last
        self.client.charge(DELIVERY_COST * len(results))
        if known >= next(iter(results)):
            payload = Payload.of(result for revision, result in results.items() if revision > known)
        sink.send(payload)

    def fall_behind(self) -> None:
        """Read news from here on."""
        if self._sink is not None:  # not from the last change that matched its filter, which may be long ago
            self._position.revision = max(self._position.revision, self._group.delivered)
        self._sink = None
        self._behind.set()
