"""Updates executed once for everybody who asked for the same, and handed out as bytes.

Subscriptions to executions with the same document, operation and viewer's scope share each result; their filters are
predicates, tested once for each distinct one (app/live.py). What cannot be shared is executed by itself.
docs/adr/0015 has the reasons.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
from graphql import GraphQLSchema

from app.changes import Changed
from app.execution_filters import ExecutionFilter
from app.graphql.errors import masked
from app.graphql.executor import EventByEvent, executor_of
from app.graphql.messages import Operation
from app.graphql.operations import Operations, Pushed, Result, Sink, response
from app.graphql.payload import Payload
from app.graphql.shareable import Field, ShareableDocuments
from app.live import Feed, Filter
from app.roles import Role, Viewer
from app.updates import Place, Update, Watchable, update_of

# How long a result is kept for those who catch up; what they see below the execution is as old as that.
KEPT_SECONDS = 1.0
MOST_KEPT = 1_000
# Changes, times filters, that a group has yet to hand out: from the first number on the feed waits for it, but not for
# long; beyond the second its members read what they miss.
ENOUGH_QUEUED, MOST_QUEUED = 20_000, 100_000
# Results that are there at the same time are sent together: as much as a connection takes without waiting, and so soon
# that nobody sees it.
SENT_TOGETHER_BYTES = 16 * 1024
SENT_TOGETHER_SECONDS = 0.005

# By revision, in its order.
Results = dict[int, Payload]

SHARED = Field("executionUpdated", frozenset({"filter", "after"}))


class _Asked(Exception):
    """The resolver got as far as asking for updates: the operation is sound, and allowed."""

    def __init__(self, where: ExecutionFilter, after: str | None) -> None:
        self.where = where
        self.after = after


class _Asking:
    """Instead of the feed: finds out what would be asked of it."""

    async def watch(self, where: ExecutionFilter, after: str | None = None) -> AsyncGenerator[Update, None]:
        raise _Asked(where, after)
        yield


class SharedUpdates:
    """Executes operations: subscriptions to executions together where that is possible, all else by `ordinary`.

    `make_context` gives a viewer's context, with something in the place of the feed; `root_of` what an update is to the
    schema.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        ordinary: Operations[Any],
        feed: Feed,
        make_context: Callable[[Viewer, Watchable], Any],
        root_of: Callable[[Update], Any],
    ) -> None:
        self._schema = schema
        self._documents = ShareableDocuments(schema, SHARED)
        self._ordinary = ordinary
        self._feed = feed
        self._make_context = make_context
        self._root_of = root_of
        self._groups: dict[tuple[object, ...], Group] = {}

    async def start(self, context: Any, operation: Operation) -> AsyncIterator[Result] | Pushed:
        """The results of an operation, which come by themselves when they are shared."""
        viewer: Viewer = context.viewer
        document = self._documents.find(operation.query, operation.name)
        if document is not None:
            asking = self._make_context(viewer, _Asking())
            executor = executor_of(self._schema, document, asking, operation.variables, operation.name)
            asked = None if executor is None else await _asked(executor)
            if executor is not None and asked is not None:
                place = self._feed.place_of(asked.after)
                scope = (viewer.role, viewer.engine)
                group = self._group((operation.query, operation.name, scope), executor, scope)
                return _Member(self._feed, group, asked.where, place)
        return await self._ordinary.start(context, operation)

    def _group(self, key: tuple[object, ...], executor: EventByEvent, scope: tuple[Role, str | None]) -> Group:
        group = self._groups.get(key)
        if group is None:
            # Whose token it is, nothing may depend on: a viewer of the same scope gets the same bytes.
            anybody = Viewer("", *scope)

            async def execute(update: Update) -> bytes:
                context = self._make_context(anybody, self._feed)
                result = await executor.execute_event(self._root_of(update), context)
                return orjson.dumps(response(result.data, result.errors))

            group = self._groups[key] = Group(self._feed, execute, lambda: self._groups.pop(key, None))
        return group


async def _asked(executor: EventByEvent) -> _Asked | None:
    """What a subscription asks of the feed; None when it fails, as it then does by itself."""
    try:
        source = await executor.source()
        if source is not None:
            await anext(aiter(source))
    except _Asked as asked:
        return asked
    except Exception:  # noqa: S110  # the ordinary way says it
        pass
    return None


class Group:
    """Those who share results, and the task that hands these out."""

    def __init__(
        self, feed: Feed, execute: Callable[[Update], Awaitable[bytes]], on_empty: Callable[[], object]
    ) -> None:
        self._feed = feed
        self._execute = execute
        self._on_empty = on_empty
        self._audiences: dict[ExecutionFilter, _Audience] = {}
        self._payloads: OrderedDict[tuple[object, ...], asyncio.Task[Payload]] = OrderedDict()
        self._queue: deque[tuple[_Audience, Changed, bool, int]] = deque()
        self._dropped = 0  # how often it was cleared
        self._filled, self._done = asyncio.Event(), asyncio.Event()
        self._done.set()
        self._task = asyncio.create_task(self._run())
        feed.followers.add(self)

    def join(self, member: _Member, where: ExecutionFilter) -> Filter:
        """Have a member told of what concerns a filter."""
        audience = self._audiences.get(where)
        if audience is None:
            audience = self._audiences[where] = _Audience(self)
            audience.wanted = self._feed.listen(where, audience)
        audience.members.add(member)
        return audience.wanted

    def leave(self, member: _Member, where: ExecutionFilter) -> None:
        """Tell a member no more."""
        audience = self._audiences[where]
        audience.members.discard(member)
        if not audience.members:
            self._feed.leave(where, audience)
            del self._audiences[where]
        if not self._audiences:
            self._feed.followers.discard(self)
            self._task.cancel()
            self._on_empty()

    def add(self, audience: _Audience, changed: Changed, matches: bool, before: int) -> None:
        """Hand a change out to an audience, after those that were added before."""
        self._queue.append((audience, changed, matches, before))
        self._filled.set()
        self._done.clear()
        if len(self._queue) > MOST_QUEUED:
            self.fall_behind()

    def fall_behind(self) -> None:
        """Hand out nothing of what was added so far: the members read it."""
        self._queue.clear()
        self._dropped += 1
        for audience in self._audiences.values():
            for member in audience.members:
                member.fall_behind()

    @property
    def is_full(self) -> bool:
        """Whether enough waits to be handed out."""
        return len(self._queue) >= ENOUGH_QUEUED

    async def done(self) -> None:
        """Until all that was added is handed out."""
        await self._done.wait()

    async def payload(self, update: Update) -> Payload:
        """The result of an update, executed by whoever needs it first."""
        key = (update.cursor, update.change, update.matches)
        task = self._payloads.get(key)
        if task is None:
            task = self._payloads[key] = asyncio.create_task(self._payload(update))
            asyncio.get_running_loop().call_later(KEPT_SECONDS, self._payloads.pop, key, None)
            if len(self._payloads) > MOST_KEPT:
                self._payloads.popitem(last=False)
        return task.result() if task.done() else await asyncio.shield(task)

    async def _payload(self, update: Update) -> Payload:
        try:
            return Payload(await self._execute(update))
        except Exception as error:
            return Payload(orjson.dumps({"data": None, "errors": [masked(error)]}))

    async def _run(self) -> None:
        while True:
            self._filled.clear()
            while self._queue:
                dropped, found = self._dropped, await self._execute_some()
                if dropped == self._dropped:
                    _hand_out(found)
                await asyncio.sleep(0)  # for the sockets to send what they were given
            self._done.set()
            await self._filled.wait()

    async def _execute_some(self) -> dict[_Audience, Results]:
        """The next results for each audience, to be sent in one go: a connection costs as much for ten as for one."""
        found: dict[_Audience, Results] = {}
        loop, size = asyncio.get_running_loop(), 0
        until = loop.time() + SENT_TOGETHER_SECONDS
        while self._queue and size < SENT_TOGETHER_BYTES and loop.time() < until:
            _, changed, matches, before = self._queue[0]
            payload = await self.payload(update_of(self._feed.epoch, changed, matches, before))
            size += len(payload)
            # Of one audience after another that get the same.
            while self._queue and self._queue[0][1] is changed and self._queue[0][2] is matches:
                audience, *_ = self._queue.popleft()
                found.setdefault(audience, {})[changed.revision] = payload
        return found


def _hand_out(found: dict[_Audience, Results]) -> None:
    together: dict[tuple[Payload, ...], Payload] = {}  # most filters let the same through
    for audience, results in found.items():
        single = tuple(results.values())
        payload = together.get(single)
        if payload is None:
            payload = together[single] = Payload.of(single)
        last = next(reversed(results))
        for member in audience.members:
            member.tell(results, payload, last)


class _Audience:
    """Those members of a group that share a filter as well."""

    wanted: Filter

    def __init__(self, group: Group) -> None:
        self._group = group
        self.members: set[_Member] = set()

    @property
    def subscribers(self) -> int:
        return len(self.members)

    def put(self, changed: Changed, matches: bool, before: int) -> None:
        self._group.add(self, changed, matches, before)

    def fall_behind(self) -> None:
        self._group.fall_behind()


class _Member:
    """One subscription: told what is new, as long as its socket takes it; otherwise it reads what it has missed."""

    def __init__(self, feed: Feed, group: Group, where: ExecutionFilter, place: Place) -> None:
        self._feed = feed
        self._group = group
        self._where = where
        self._place = place
        self._sink: Sink | None = None  # None while it catches up
        self._behind = asyncio.Event()

    async def push(self, sink: Sink) -> None:
        """Send results until cancelled."""
        wanted = self._group.join(self, self._where)
        try:
            while True:
                self._behind.clear()
                async for update in self._feed.catch_up(wanted, self._place):
                    payload = await self._group.payload(update)
                    await sink.room()
                    sink.send(payload)
                self._sink = sink
                await self._behind.wait()
                await sink.room()  # what changes until then need not be sent
        finally:
            self._group.leave(self, self._where)

    def tell(self, results: Results, payload: Payload, last: int) -> None:
        """Send results, all of which are in `payload`, up to the revision `last`, if they are new and there is room."""
        sink, known = self._sink, self._place.revision
        if sink is None or last <= known:
            return
        if not sink.has_room:
            self.fall_behind()
            return
        self._place.revision = last
        if known >= next(iter(results)):
            payload = Payload.of(result for revision, result in results.items() if revision > known)
        sink.send(payload)

    def fall_behind(self) -> None:
        """From here on, read what is new."""
        self._sink = None
        self._behind.set()
