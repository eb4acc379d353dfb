"""Group commit: requests of few events that come while a transaction runs share the next one.

A transaction costs 1 to 2 ms of CPU and a sync of the disk whatever is in it, and an event some 20 µs. Each request is
answered after the commit of its own events. When a group fails, for whatever reason, each of its requests has a
transaction of its own: none fails for another's sake.

Nothing in a group may take long, because all of it would wait. What might is stored apart (Apart), and a group gives up
after some milliseconds of waiting for another transaction's locks (Held).
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any

from app.db import Database, Held, Transaction
from app.events import Event, Rejection
from app.ingestion.places import Places
from app.log import get_logger

log = get_logger(__name__)

# More than that is worth a transaction of its own.
MAX_EVENTS, MAX_BYTES = 16, 64 * 1024
# Of all requests of a group: about 5 ms.
MAX_GROUP_EVENTS, MAX_GROUP_BYTES = 128, 512 * 1024
# Of a group whose statements are short: to index 64 KiB of text for the search takes SQLite 9 ms.
MAX_SHORT_BYTES = 64 * 1024
# A group that takes longer than that, and than twice the usual, waits for something: the next one goes beside it, up to
# so many. Where all take long the process has too much to do: groups beside each other would be small, and in each
# other's way.
LONG_SECONDS = 0.02
MAX_GROUPS = 4
# How long a group waits for locks of others: four times what groups have taken lately, between these.
LEAST_PATIENCE, MOST_PATIENCE = 0.05, 1.0
# How long a group waits for those who have just been answered, at most. They were several, so they will be again.
MOST_GATHERING = 0.01

# Of an event's execution. Two engines may use the same one: their requests then keep apart as those of one would.
_external_id: Callable[[Event], str] = attrgetter("subject")
# Stores events in a transaction, which may run more than once.
Store = Callable[[Transaction, Sequence[Event]], Awaitable[list[Rejection]]]


def long_after(recent: float) -> float:
    """How many seconds a group may take before the next one goes beside it, where groups have taken so many lately."""
    return min(max(2 * recent, LONG_SECONDS), MOST_PATIENCE)


def patience_after(recent: float) -> float:
    """How many seconds it waits for locks of others."""
    return min(max(4 * recent, LEAST_PATIENCE), MOST_PATIENCE)


class Apart(Exception):
    """Events of these external ids take long, or may be rejected: each request with one has its own transaction."""

    def __init__(self, external_ids: set[str]) -> None:
        super().__init__(f"{len(external_ids)} executions are to be stored apart")
        self.external_ids = external_ids


class _Request:
    """Events that are answered together."""

    def __init__(self, events: Sequence[Event], size: int) -> None:
        self.events = events
        self.size = size
        self.external_ids = set(map(_external_id, events))
        self.done: asyncio.Future[list[Rejection]] = asyncio.get_running_loop().create_future()

    def mentions(self, external_ids: set[str]) -> bool:
        """Whether an event is about one of these executions, of whichever engine."""
        return not self.external_ids.isdisjoint(external_ids)

    def succeed(self, rejected: list[Rejection]) -> None:
        if not self.done.done():  # its client may have gone
            self.done.set_result(rejected)

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Groups:
    """Stores requests, in groups where that is of use.

    `storing` makes what stores the events of one transaction, and is told whether others would wait for it.
    """

    def __init__(self, database: Database, storing: Callable[[bool], Store]) -> None:
        self._database = database
        self._storing = storing
        self._waiting: deque[_Request] = deque()
        self._running = 0  # groups
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._apart: Counter[str] = Counter()  # external ids whose events are on their way outside of groups
        self._recent = 0.0  # seconds that groups have taken lately
        self._expected, self._expected_until = 0, 0.0  # how many requests are likely to come, and until when
        self._timer: asyncio.TimerHandle | None = None

    @cached_property
    def _places(self) -> Places:
        """Outside of groups. Asked for with the first of them: there is a database then."""
        return Places.of(self._database.dialect)

    async def store(self, events: Sequence[Event], size: int, *, apart: bool = False) -> list[Rejection]:
        """Commit the events of one request, of so many bytes; returns those that are rejected.

        They are committed even if the caller is cancelled. `apart`: in a transaction of their own.
        """
        request = _Request(events, size)
        apart = apart or len(events) > MAX_EVENTS or size > MAX_BYTES
        if apart or self._closing or not self._apart.keys().isdisjoint(request.external_ids):
            self._set_apart([request])
        else:
            self._waiting.append(request)
            self._go_on()
        return await request.done

    async def close(self) -> None:
        """Wait until all that was accepted is stored. What comes later has transactions of its own."""
        self._closing = True
        self._go_on()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _go_on(self) -> None:
        """Begin a group if it is time for one, and see to it that this is asked again when it will be."""
        if not self._waiting:
            return
        now = asyncio.get_running_loop().time()
        if self._running == 0:
            left = self._expected_until - now
            if left <= 0 or len(self._waiting) >= self._expected or self._closing:
                self._begin()
            else:
                self._ask_again(left)
        elif self._running < MAX_GROUPS and not self._database.dialect.writes_alone:
            self._ask_again(long_after(self._recent))

    def _ask_again(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._late)

    def _late(self) -> None:
        self._timer = None
        if self._waiting and self._running < MAX_GROUPS:
            self._begin()

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._running += 1
        self._start(self._run())

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # What is logged here is of no single request.
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self) -> None:
        """Store one group: who is in it shows when its transaction has begun."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        group: list[_Request] = []
        try:
            await self._store_group(group)
        finally:
            now = loop.time()
            self._running -= 1
            self._recent = (self._recent * 3 + now - started) / 4
            # A single client has its next event stored at once.
            self._expected = min(len(group) + len(self._waiting), MAX_GROUP_EVENTS)
            self._expected_until = now + min(now - started, MOST_GATHERING)
            self._go_on()

    async def _store_group(self, group: list[_Request]) -> None:
        store = self._storing(True)

        async def work(transaction: Transaction) -> None:
            if not group:
                group.extend(self._take())
            if group:
                transaction.is_short = sum(request.size for request in group) <= MAX_SHORT_BYTES
                await store(transaction, [event for request in group for event in request.events])

        while True:
            try:
                await self._database.transaction(work, patience=patience_after(self._recent))
            except Apart as apart:
                rest = [each for each in group if not each.mentions(apart.external_ids)]
                self._set_apart([each for each in group if each not in rest] or group)
                if not rest or len(rest) == len(group):
                    return
                group = rest
            except Exception as error:
                if not group or (len(group) == 1 and not isinstance(error, Held)):
                    # Without a transaction nobody has one: the error is everybody's.
                    for request in group or self._take():
                        request.fail(error)
                else:
                    log.info("group_not_stored", requests=len(group), reason=type(error).__name__)
                    self._set_apart(group)
                return
            else:
                for request in group:
                    request.succeed([])
                return

    def _take(self) -> list[_Request]:
        """The next ones, in the order in which they came."""
        taken: list[_Request] = []
        events = size = 0
        while self._waiting:
            request = self._waiting[0]
            events += len(request.events)
            size += request.size
            if taken and (events > MAX_GROUP_EVENTS or size > MAX_GROUP_BYTES):
                break
            taken.append(self._waiting.popleft())
        return taken

    def _set_apart(self, requests: Sequence[_Request]) -> None:
        """Store each request in a transaction of its own, those of one execution in their order."""
        last: dict[str, asyncio.Task[None]] = {}
        for request in requests:
            self._apart.update(request.external_ids)
            task = self._start(
                self._store_apart(request, {last[each] for each in request.external_ids if each in last})
            )
            last.update(dict.fromkeys(request.external_ids, task))

    async def _store_apart(self, request: _Request, before: set[asyncio.Task[None]]) -> None:
        try:
            if before:
                await asyncio.wait(before)
            store = self._storing(False)
            async with self._places.place(request.events[0].source):
                rejected = await self._database.transaction(lambda transaction: store(transaction, request.events))
            request.succeed(rejected)
        except Exception as error:
            request.fail(error)
        finally:
            self._apart.subtract(request.external_ids)
            for external_id in request.external_ids:
                if not self._apart[external_id]:
                    del self._apart[external_id]
