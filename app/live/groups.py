"""Subscribers who receive the same results: executed once, and delivered as bytes.

A member receives news as long as its socket has room. When it has none, the member falls behind: it receives nothing
more, and once there is room it reads what has changed since, in the newest state of each execution.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import orjson

from app.changes import Changed
from app.errors import Unavailable, masked
from app.executions.filters import ExecutionFilter
from app.graphql.payload import Payload
from app.live.feed import Feed
from app.live.member import Member, Results
from app.live.payers import Payers
from app.live.port import Filter
from app.live.updates import Update, update_of

# How long a result is kept for members that catch up. What they see below the execution is as old.
KEPT_SECONDS, MAX_KEPT = 1.0, 1_000
# Changed executions times filters that a group has yet to deliver. From the first number on the feed waits for the
# group, but not for long. Beyond the second its members read what they miss.
ENOUGH_QUEUED, MAX_QUEUED = 20_000, 100_000
# Results that exist at the same time are sent together: as much as a connection accepts without waiting, and so soon
# that nobody sees it.
SENT_TOGETHER_BYTES = 16 * 1024
SENT_TOGETHER_SECONDS = 0.005
AWAY_SECONDS = 0.5  # before an update is executed again while the database is away

Execute = Callable[[Update], Awaitable[bytes]]


@dataclass(slots=True)
class _Waiting:
    """A change to deliver to subscribers who know nothing of its execution beyond the revision `before`."""

    changed: Changed
    before: int
    audiences: dict[_Audience, bool]  # and whether it matches the filter of each


class Group:
    """Subscribers that share results, and the task that delivers them."""

    def __init__(self, feed: Feed, execute: Execute, on_empty: Callable[[], object]) -> None:
        self._feed = feed
        self._execute = execute
        self._on_empty = on_empty
        self._audiences: dict[ExecutionFilter, _Audience] = {}
        self.payers = Payers()
        self._payloads: OrderedDict[tuple[object, ...], asyncio.Task[Payload]] = OrderedDict()
        self._queue: OrderedDict[str, _Waiting] = OrderedDict()  # by execution, in the order of revisions
        self._size = 0  # of the queue: executions times filters
        self._taken: deque[tuple[_Waiting, Update, list[_Audience]]] = deque()
        self._dropped = 0  # how often the queue was dropped
        self.delivered = 0  # members with nothing to catch up with know everything up to this revision
        self._filled, self._done = asyncio.Event(), asyncio.Event()
        self._done.set()
        self._task = asyncio.create_task(self._run())
        feed.distributors.add(self)

    def join(self, member: Member, where: ExecutionFilter) -> Filter:
        """Deliver to a member what concerns a filter."""
        audience = self._audiences.get(where)
        if audience is None:
            audience = self._audiences[where] = _Audience(self)
            audience.wanted = self._feed.listen(where, audience)
        audience.members.add(member)
        self.payers.add(member.client)
        return audience.wanted

    def leave(self, member: Member, where: ExecutionFilter) -> None:
        """Deliver nothing more to a member."""
        audience = self._audiences[where]
        audience.members.discard(member)
        self.payers.discard(member.client)
        if not audience.members:
            self._feed.leave(where, audience)
            del self._audiences[where]
        if not self._audiences:
            self._feed.distributors.discard(self)
            for task in (self._task, *self._payloads.values()):
                task.cancel()
            self._done.set()
            self._on_empty()

    def add(self, audience: _Audience, changed: Changed, matches: bool, before: int) -> None:
        """Queue a change for an audience, after earlier ones, replacing a queued change of its execution."""
        if self._done.is_set():
            self.delivered = before
        waiting = self._queue.get(changed.execution_id)
        if waiting is None or waiting.changed is not changed:
            waiting = self._in_place_of(waiting, changed, before)
        known = len(waiting.audiences)
        waiting.audiences[audience] = matches
        self._size += len(waiting.audiences) - known
        self._filled.set()
        self._done.clear()
        if self._size > MAX_QUEUED:
            self.fall_behind()

    def _in_place_of(self, earlier: _Waiting | None, changed: Changed, before: int) -> _Waiting:
        waiting = _Waiting(changed, before, {})
        if earlier is not None:
            del self._queue[changed.execution_id]
            # Members for whom this change is no news were about to hear that the execution had left their filter.
            waiting = _Waiting(changed, earlier.before, dict.fromkeys(earlier.audiences, False))
        self._queue[changed.execution_id] = waiting
        return waiting

    def fall_behind(self) -> None:
        """Drop the queue: the members read what was in it."""
        for audience in self._audiences.values():
            audience.fall_behind()

    def drop(self) -> None:
        """Drop the queue, for a group that falls behind with it."""
        self.delivered = min([self.delivered, *(waiting.before for waiting in self._queue.values())])
        self._queue.clear()
        self._taken.clear()
        self._size = 0
        self._dropped += 1
        self._done.set()

    @property
    def is_full(self) -> bool:
        """Whether enough waits to deliver."""
        return self._size >= ENOUGH_QUEUED

    async def done(self) -> None:
        """Wait until the queue is delivered."""
        await self._done.wait()

    async def payload(self, update: Update) -> Payload:
        """The result of an update, executed by whoever needs it first."""
        task = self._execution(update)
        return task.result() if task.done() else await asyncio.shield(task)

    def _execution(self, update: Update) -> asyncio.Task[Payload]:
        key = (update.cursor, update.change, update.matches)
        task = self._payloads.get(key)
        if task is None:
            task = self._payloads[key] = asyncio.create_task(self._payload(update))
            forget = partial(asyncio.get_running_loop().call_later, KEPT_SECONDS, self._payloads.pop, key, None)
            task.add_done_callback(lambda _: forget())
            if len(self._payloads) > MAX_KEPT:
                self._payloads.popitem(last=False)
        return task

    async def _payload(self, update: Update) -> Payload:
        while True:
            try:
                return Payload(await self._execute(update))
            except Unavailable:
                await asyncio.sleep(AWAY_SECONDS)
            except Exception as error:
                return Payload(orjson.dumps({"data": None, "errors": [masked(error)]}))

    async def _run(self) -> None:
        while True:
            self._filled.clear()
            while self._taken or self._queue:
                if self._is_in_debt():
                    self.fall_behind()  # they would pay for it, and hear nothing
                    break
                _hand_out(await self._execute_some())
                await asyncio.sleep(0)  # lets the sockets send
            self._done.set()
            await self._filled.wait()

    def _is_in_debt(self) -> bool:
        return all(member.client.is_spent for audience in self._audiences.values() for member in audience.members)

    async def _execute_some(self) -> dict[_Audience, Results]:
        """The next results for each audience, to send together: a connection costs as much for ten as for one."""
        found: dict[_Audience, Results] = {}
        loop, size = asyncio.get_running_loop(), 0
        until, dropped = loop.time() + SENT_TOGETHER_SECONDS, self._dropped
        while (self._taken or self._queue) and size < SENT_TOGETHER_BYTES and loop.time() < until:
            if not self._taken:
                self._take()
            waiting, update, audiences = self._taken[0]
            self.delivered = min(self.delivered, waiting.before) if found else waiting.before
            task = self._execution(update)
            if not task.done():
                await asyncio.wait([task], timeout=until - loop.time() if found else None)
            if dropped != self._dropped:
                return {}  # what was executed goes to those it was for; what waits now came later
            if not task.done():
                break  # finished results do not wait for it
            self._taken.popleft()
            payload = task.result()
            size += len(payload)
            for audience in audiences:
                found.setdefault(audience, {})[waiting.changed.revision] = payload
        return found

    def _take(self) -> None:
        """Take the first change out: if it keeps changing, it would be replaced whenever it was executed."""
        _, waiting = self._queue.popitem(last=False)
        self._size -= len(waiting.audiences)
        for matches in (True, False):
            if audiences := [each for each, lets in waiting.audiences.items() if lets is matches]:
                update = update_of(self._feed.epoch, waiting.changed, matches, waiting.before)
                self._taken.append((waiting, update, audiences))


def _hand_out(found: dict[_Audience, Results]) -> None:
    together: dict[tuple[Payload, ...], Payload] = {}  # most filters match the same executions
    for audience, results in found.items():
        single = tuple(results.values())
        payload = together.get(single)
        if payload is None:
            payload = together[single] = Payload.of(single)
        last = next(reversed(results))
        for member in audience.members:
            member.deliver(results, payload, last)


class _Audience:
    """Members of a group that also share a filter."""

    wanted: Filter

    def __init__(self, group: Group) -> None:
        self._group = group
        self.members: set[Member] = set()

    @property
    def subscribers(self) -> int:
        return len(self.members)

    def put(self, changed: Changed, matches: bool, before: int) -> None:
        self._group.add(self, changed, matches, before)

    def fall_behind(self) -> None:
        # All audiences do at once: a new epoch, or too much for the group.
        self._group.drop()
        for member in self.members:
            member.fall_behind()
