"""Live updates: one feed for each process, read from the database once for all its subscribers.

The database is the truth, everything else is a hint: whenever somebody says that there is news, and every second in any
case, the feed reads what has a greater revision than its head, and hands it on. So nothing is missed whatever is
restarted, and hints may be lost, doubled or late. docs/adr/0012 has the reasons.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import structlog

from app import changes, engines, revisions
from app.changes import Changed
from app.db import Database
from app.errors import BadInput, TooSlow
from app.execution_filters import ExecutionFilter
from app.executions import Execution
from app.filter_predicate import Predicate, predicate
from app.revisions import parse_updates_cursor, updates_cursor

log = structlog.get_logger(__name__)

# How late a change may be shown that nobody gave a hint of.
SWEEP_SECONDS = 1.0
# Rows of one read; further ones follow at once.
READ_AT_ONCE = 500
# Executions that wait for one subscriber. More wait for nobody: it is closed, and comes back with its cursor.
MOST_WAITING = 256
# Beyond so many changed executions, listing again is cheaper than catching up.
MOST_TO_CATCH_UP = 5_000
# Executions whose last state is remembered, to know whether one has left a filter; 1 KB each.
MOST_REMEMBERED = 10_000


class Change(StrEnum):
    """What happened to an execution. Of several changes that were taken together the strongest is named."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    FINISHED = "FINISHED"
    DELETED = "DELETED"
    RESYNC = "RESYNC"


@dataclass(frozen=True, slots=True)
class Update:
    """What a subscriber gets."""

    cursor: str
    change: Change
    execution_id: str | None  # None: RESYNC
    execution: Execution | None  # None: RESYNC, DELETED
    matches: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change that waits for a subscriber, who knows of the execution what was so at the revision `before`."""

    changed: Changed
    matches: bool
    before: int


class Subscriber:
    """What waits for one subscriber: each execution once, in the order of revisions, so that a cursor has no gap."""

    def __init__(self, wanted: Filter) -> None:
        self.wanted = wanted
        self._waiting: OrderedDict[str, Waiting] = OrderedDict()
        self._news = asyncio.Event()
        self._too_slow = False
        self._resync = False

    def put(self, changed: Changed, matches: bool, before: int) -> None:
        """Keep a change, in place of an earlier one of the same execution; `before` is a revision ahead of it."""
        earlier = self._waiting.pop(changed.execution_id, None)
        self._waiting[changed.execution_id] = Waiting(changed, matches, before if earlier is None else earlier.before)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.clear()
            self._too_slow = True
        self._news.set()

    def resync(self) -> None:
        """What waits is of no use any more: the numbers start anew."""
        self._waiting.clear()
        self._resync = True
        self._news.set()

    async def next(self) -> Waiting | None:
        """The next change, None to list again; TooSlow when too much was waiting."""
        while True:
            if self._too_slow:
                raise TooSlow("Too many changes wait: go on from the last cursor")
            if self._resync:
                self._resync = False
                return None
            if self._waiting:
                return self._waiting.popitem(last=False)[1]
            self._news.clear()
            await self._news.wait()


class Filter:
    """One filter, however many subscribe with it: tested once for each change."""

    def __init__(self, test: Predicate) -> None:
        self.test = test
        self.subscribers: set[Subscriber] = set()


class Feed:
    """The changes of all executions, handed on to the subscribers of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._filters: dict[ExecutionFilter, Filter] = {}
        self._engine_names: dict[str, str] = {}
        self._remembered: OrderedDict[str, Execution] = OrderedDict()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._epoch = ""
        self._head = 0

    async def start(self) -> None:
        """Go on from what the database has now."""
        self._epoch, self._head = await revisions.revision_of(self._database)
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop reading; subscribers wait until they are cancelled."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def subscribers(self) -> int:
        """How many there are."""
        return sum(len(wanted.subscribers) for wanted in self._filters.values())

    def hint(self) -> None:
        """There may be news."""
        self._news.set()

    async def watch(self, where: ExecutionFilter, after: str | None = None) -> AsyncGenerator[Update, None]:
        """The changes of executions that `where` lets through, or did: from a cursor on, without one from now on.

        Raises BadInput for what is no cursor, TooSlow when the caller takes too little time to listen.
        """
        given = None if after is None else parse_updates_cursor(after)
        if given is None and after is not None:
            raise BadInput("That is not a cursor of updates: take one from updatesCursor, or from an update")
        subscriber = self._register(where)  # before anything is read: what comes meanwhile waits
        # From now: what was committed just before may be told as well; nothing that is committed from here on is lost.
        position = self._head
        try:
            if given is not None and await self._is_lost(*given):
                yield self._resync()
                position, given = self._head, None
            elif given is not None:
                position = given[1]
            told: set[str] = set()
            while given and (batch := await changes.since(self._database, position, READ_AT_ONCE)):
                await self._know_engines(batch)
                for changed in batch:
                    matches = changed.execution is not None and subscriber.wanted.test(changed.execution)
                    # What came to be and left the filter since then, the listener has never seen.
                    if matches or changed.created <= given[1] or changed.execution_id in told:
                        told.add(changed.execution_id)
                        yield self._update(changed, matches, given[1])
                    position = changed.revision
            while True:
                waiting = await subscriber.next()
                if waiting is None:
                    yield self._resync()
                    position = self._head
                elif waiting.changed.revision > position:
                    yield self._update(waiting.changed, waiting.matches, waiting.before)
                    position = waiting.changed.revision
        finally:
            self._forget(where, subscriber)

    async def _is_lost(self, epoch: str, revision: int) -> bool:
        """Whether nobody can tell what has changed since a position, or it would be too much."""
        rows = await self._database.fetch("SELECT epoch, revision, forgotten FROM revision_counter")
        present, newest, forgotten = rows[0]
        if epoch != present or not forgotten <= revision <= newest:
            return True
        return await changes.count_since(self._database, revision, MOST_TO_CATCH_UP + 1) > MOST_TO_CATCH_UP

    def _register(self, where: ExecutionFilter) -> Subscriber:
        wanted = self._filters.get(where)
        if wanted is None:
            wanted = self._filters[where] = Filter(predicate(where, self._engine_names))
        subscriber = Subscriber(wanted)
        wanted.subscribers.add(subscriber)
        return subscriber

    def _forget(self, where: ExecutionFilter, subscriber: Subscriber) -> None:
        subscriber.wanted.subscribers.discard(subscriber)
        if not subscriber.wanted.subscribers:
            self._filters.pop(where, None)

    def _update(self, changed: Changed, matches: bool, before: int) -> Update:
        if changed.execution is None:
            change = Change.DELETED
        elif changed.finished > before:
            change = Change.FINISHED
        else:
            change = Change.CREATED if changed.created > before else Change.UPDATED
        cursor = updates_cursor(self._epoch, changed.revision)
        return Update(cursor, change, changed.execution_id, changed.execution, matches)

    def _resync(self) -> Update:
        return Update(updates_cursor(self._epoch, self._head), Change.RESYNC, None, None, False)

    async def _run(self) -> None:
        while True:
            self._news.clear()
            try:
                await self._read()
            except Exception:
                log.exception("changes_not_read")
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._news.wait()

    async def _read(self) -> None:
        """Hand on what is newer than the head."""
        epoch, newest = await revisions.revision_of(self._database)
        if epoch != self._epoch or newest < self._head:
            # The database was restored from a backup.
            self._epoch, self._head = epoch, newest
            self._remembered.clear()
            for wanted in self._filters.values():
                for subscriber in wanted.subscribers:
                    subscriber.resync()
        if not self._filters:
            self._head = newest
        while self._head < newest:
            batch = await changes.since(self._database, self._head, READ_AT_ONCE)
            await self._know_engines(batch)
            head = self._head
            for changed in batch:
                self._hand_on(changed, head)
            self._head = batch[-1].revision if batch else newest

    async def _know_engines(self, batch: Sequence[Changed]) -> None:
        if any(each.execution and each.execution.engine_id not in self._engine_names for each in batch):
            self._engine_names |= {engine.id: engine.name for engine in await engines.list_engines(self._database)}

    def _hand_on(self, changed: Changed, head: int) -> None:
        execution, before = changed.execution, self._remembered.pop(changed.execution_id, None)
        for wanted in self._filters.values():
            matches = execution is not None and wanted.test(execution)
            if not (matches or execution is None):
                # Leaving a filter is news, unless it did not match before, or was not there.
                if before is not None and not wanted.test(before):
                    continue
                if before is None and changed.created > head:
                    continue
            for subscriber in wanted.subscribers:
                subscriber.put(changed, matches, head)
        if execution is not None:
            self._remembered[changed.execution_id] = execution
            if len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)
