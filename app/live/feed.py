"""Live updates: one feed per process, which reads the database once for all its subscribers.

The database is the truth. On every notification, and each second in any case, the feed reads what has a greater
revision than its head, and delivers it. So nothing is missed whatever restarts, and notifications may be lost, doubled
or late. docs/adr/0012 has the reasons.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TypeVar

from app import changes
from app.changes import Changed, revisions
from app.changes.revisions import parse_updates_cursor
from app.db import Database
from app.errors import BadInput, LimitExceeded, Unavailable, log_failure
from app.executions.filters import ExecutionFilter
from app.executions.predicate import predicate
from app.live.names import Names
from app.live.port import Audience, Distributor, Filter
from app.live.queue import Queue
from app.live.recent import RecentChanges
from app.live.updates import FeedPosition, Update, resync, update_of
from app.log import get_logger
from app.sweep import Sweep

log = get_logger(__name__)
T = TypeVar("T")

# How late a change may appear that nobody notified the feed of.
SWEEP_SECONDS = 1.0
# How long other tasks wait while the feed delivers changes.
TURN_SECONDS = 0.01
# How long distributors have to pass changes on before the feed reads more: a later read combines more changes.
PATIENCE_SECONDS = 0.1
# Rows per read; further reads follow at once.
MAX_BATCH_CHANGES = 500
# Beyond so many changed executions, listing again is cheaper than catching up.
MAX_CATCH_UP = 5_000
# Executions whose last change is remembered, 1 KB each: to know whether one has left a filter, and to let subscribers
# catch up without the database.
MAX_REMEMBERED = 10_000


class Feed:
    """The changes of all executions, delivered to the subscribers of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._filters: dict[ExecutionFilter, Filter] = {}
        self._names = Names(database)
        self._recent = RecentChanges(MAX_REMEMBERED)
        self._sweep = Sweep(self._read, "changes_not_read", seconds=SWEEP_SECONDS)
        self._has_read = asyncio.Event()
        self._begun = self._done = 0  # reads: how many began, and the number of the last one that came to its end
        self.epoch = ""
        self._head = 0
        self._newest = 0
        self._looked_at = monotonic()
        self.distributors: set[Distributor] = set()

    async def start(self) -> None:
        """Continue from the current state of the database."""
        self._begin(*await revisions.revision_of(self._database))
        await self._sweep.start()

    async def close(self) -> None:
        """Stop reading. Subscribers wait until they are cancelled."""
        await self._sweep.close()

    @property
    def subscribers(self) -> int:
        """How many subscribers there are."""
        return sum(each.subscribers for wanted in self._filters.values() for each in wanted.audiences)

    @property
    def behind(self) -> int:
        """How many changes it knew of and had not delivered at its last look."""
        return max(self._newest - self._head, 0)

    @property
    def looked_ago(self) -> float:
        """Seconds since it last read the changes."""
        return monotonic() - self._looked_at

    def notify(self) -> None:
        """There may be news."""
        self._sweep.wake()

    def position_of(self, cursor: str | None) -> FeedPosition:
        """The position of a cursor; None: the last delivered one. BadInput for an invalid cursor."""
        if cursor is None:
            # A change committed just before may be delivered too. Nothing committed from here on is lost.
            return FeedPosition(self.epoch, self._head)
        given = parse_updates_cursor(cursor)
        if given is None:
            raise BadInput("after: not a cursor of updates; take one from updatesCursor, or from an update")
        # Whoever gave it may have read further than this feed. What was combined there with a change behind the cursor
        # is unknown to the subscriber, however old: until this feed has read as far, each doubt has to be told.
        return FeedPosition(*given, self._begun + 1)

    async def watch(self, where: ExecutionFilter, after: str | None = None) -> AsyncGenerator[Update, None]:
        """The changes of executions that match `where`, or matched it: from a cursor on, as position_of takes it."""
        position, queue = self.position_of(after), Queue()
        wanted = self.listen(where, queue)  # before anything is read: what arrives meanwhile waits
        try:
            while True:
                async for update in self.catch_up(wanted, position):
                    yield update
                caught_up = position.revision
                while (waiting := await queue.next()) is not None:
                    if waiting.changed.revision > position.revision:
                        position.revision = waiting.changed.revision
                        before = max(waiting.before, caught_up)  # delivered already while catching up
                        yield update_of(position.epoch, waiting.changed, waiting.matches, before)
        finally:
            self.leave(where, queue)

    def listen(self, where: ExecutionFilter, audience: Audience) -> Filter:
        """Deliver to an audience what concerns a filter, from here on."""
        wanted = self._filters.get(where)
        if wanted is None:
            fixed = ExecutionFilter(
                ids=where.ids,
                external_ids=where.external_ids,
                engines=where.engines,
                bulk_retry_id=where.bulk_retry_id,
            )
            known = self._names.engines, self._names.fingerprints
            test, ever = predicate(where, *known), predicate(fixed, *known)
            wanted = self._filters[where] = Filter(where.error_group_ids or (), test, ever)
        wanted.audiences.add(audience)
        return wanted

    def leave(self, where: ExecutionFilter, audience: Audience) -> None:
        """Deliver nothing more to an audience."""
        wanted = self._filters[where]
        wanted.audiences.discard(audience)
        if not wanted.audiences:
            del self._filters[where]
            if wanted.error_group_ids:
                self._names.forget_groups(id_ for each in self._filters.values() for id_ in each.error_group_ids)

    async def catch_up(self, wanted: Filter, position: FeedPosition) -> AsyncGenerator[Update, None]:
        """What has changed since a position, which moves on.

        When it ends, the audiences have received nothing beyond the position. A caller that awaits nothing before it
        listens again misses nothing.
        """
        began, delivered = position.revision, dict[str, int]()  # the revision at which each was delivered
        while True:
            if wanted.error_group_ids:
                await self._persistently(partial(self._names.know_groups, wanted.error_group_ids))
            if lost := await self._persistently(partial(self._is_lost, position)):
                position.epoch, position.revision = self.epoch, self._head
                yield resync(position)
            if lost or len(delivered) > MAX_CATCH_UP:  # a subscriber that is slow for hours would receive any number
                began, delivered = position.revision, {}
            if not self._remembers(position):
                batch = await self._persistently(partial(self._read_since, position))
                if batch is None:
                    continue
            else:
                batch = self._recent.since(position.revision, MAX_BATCH_CHANGES)
                if not batch and position.revision <= self._head and position.read <= self._done:
                    return
            if not batch:
                # The subscriber knows, or may know, what the feed does not, from another process or from the database.
                # The feed must know it too: otherwise it cannot tell what leaves a filter, or what is new.
                await self._next_read()
            for changed in batch:
                matches = changed.execution is not None and wanted.test(changed.execution)
                position.revision = changed.revision
                # Somebody may have listed an execution between two of its changes; it has then left their filter.
                if matches or not (changed.is_first or _never(wanted, changed)):
                    before = delivered.get(changed.execution_id, began)
                    delivered[changed.execution_id] = changed.revision
                    yield update_of(position.epoch, changed, matches, before)
            await asyncio.sleep(0)  # for the others: nobody waits for what does not match

    def _remembers(self, position: FeedPosition) -> bool:
        """Whether everything that has changed since a position is in memory."""
        return position.revision >= self._recent.after and position.epoch == self.epoch

    async def _read_since(self, position: FeedPosition) -> Sequence[Changed] | None:
        """Some of what has changed since a position, oldest first, from the database; None: check memory again."""
        head = self._head
        batch = await changes.since(self._database, position.revision, MAX_BATCH_CHANGES)
        await self._names.know_engines(batch)
        if await self._is_lost(position):
            return None  # tombstones were pruned meanwhile, and may be missing
        if not batch and position.epoch == self.epoch:
            position.revision = max(position.revision, head)
        elif not batch:
            await self._next_read()
        return batch or None  # the feed may have delivered meanwhile

    async def _persistently(self, read: Callable[[], Awaitable[T]]) -> T:
        """Read, as often as it takes: a subscriber waits for the database rather than being sent away."""
        while True:
            try:
                return await read()
            except (Unavailable, LimitExceeded) as error:  # reads no filter: its slowness is not the subscriber's doing
                log_failure(log, "changes_not_read", error)
                await asyncio.sleep(SWEEP_SECONDS)

    async def _is_lost(self, position: FeedPosition) -> bool:
        """Whether nobody can tell what has changed since a position, or it would be too much."""
        if self._remembers(position) and position.revision <= self._head:
            return self._recent.count_since(position.revision) > MAX_CATCH_UP
        present, newest, forgotten = await revisions.counter_of(self._database)
        if position.epoch != present or not forgotten <= position.revision <= newest:
            return True
        return await changes.count_since(self._database, position.revision, MAX_CATCH_UP + 1) > MAX_CATCH_UP

    async def _next_read(self) -> None:
        self.notify()
        await self._has_read.wait()

    async def _read(self) -> None:
        """Deliver what is newer than the head."""
        self._begun = number = self._begun + 1
        epoch, newest, forgotten = await revisions.counter_of(self._database)
        self._newest = newest
        if epoch != self.epoch or not forgotten <= self._head <= newest:
            # The database was restored from a backup, or deletions were forgotten before they were read.
            self._begin(epoch, newest)
            for audience in [each for wanted in self._filters.values() for each in wanted.audiences]:
                audience.fall_behind()
        if not self._filters:
            self._begin(epoch, newest)
        patience = asyncio.get_running_loop().time() + SWEEP_SECONDS
        while self._head < newest:
            batch = await changes.since(self._database, self._head, MAX_BATCH_CHANGES)
            await self._names.know_engines(batch)
            await self._names.know_groups({id_ for wanted in self._filters.values() for id_ in wanted.error_group_ids})
            if (await revisions.counter_of(self._database))[2] > self._head:
                self.notify()  # deletions were forgotten meanwhile, and may be missing
                break
            await self._hand_on_all(batch, patience)
            if not batch:
                self._head = newest
            await self._wait_for_distributors(min(patience, asyncio.get_running_loop().time() + PATIENCE_SECONDS))
        else:
            self._done = number
        self._looked_at = monotonic()
        self._has_read.set()
        self._has_read = asyncio.Event()

    def _begin(self, epoch: str, revision: int) -> None:
        self.epoch, self._head = epoch, revision
        self._recent.begin(revision)

    async def _hand_on_all(self, batch: Sequence[Changed], patience: float) -> None:
        head, loop = self._head, asyncio.get_running_loop()
        until = loop.time() + TURN_SECONDS
        for changed in batch:
            self._hand_on(changed, head)
            self._head = changed.revision
            if any(distributor.is_full for distributor in self.distributors):
                await self._wait_for_distributors(patience)
                for distributor in [each for each in self.distributors if each.is_full]:
                    distributor.fall_behind()  # it must not hold up the others: it reads what it does not receive
            elif loop.time() > until:
                await asyncio.sleep(0)
                until = loop.time() + TURN_SECONDS

    async def _wait_for_distributors(self, until: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                for distributor in list(self.distributors):
                    await distributor.done()

    def _hand_on(self, changed: Changed, head: int) -> None:
        execution, known = changed.execution, self._recent.add(changed)
        before = known.execution if known is not None and known.revision == changed.previous else None
        for wanted in self._filters.values():
            matches = execution is not None and wanted.test(execution)
            # Leaving a filter is news unless the execution did not match before, nor in between, where a list may have
            # shown it.
            never = changed.is_first or _never(wanted, changed) or (before is not None and not wanted.test(before))
            if never and not matches and execution is not None:
                continue
            for audience in wanted.audiences:
                audience.put(changed, matches, head)


def _never(wanted: Filter, changed: Changed) -> bool:
    """Whether an execution that does not match now has certainly never matched."""
    return changed.execution is not None and not wanted.ever(changed.execution)
