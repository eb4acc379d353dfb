"""A site in memory: processes with feeds and groups on one store, whose reads, notifications and results come at random
moments or fail, and subscribers that flap between the processes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import aclosing, suppress

import msgspec
import orjson
import pytest

from app.changes.revisions import parse_updates_cursor, updates_cursor
from app.errors import Unavailable
from app.executions import EXECUTIONS, Execution
from app.executions.filters import ExecutionFilter
from app.graphql.payload import Payload
from app.lifecycle import State, Status
from app.live.feed import Feed
from app.live.groups import Group
from app.live.member import Member
from app.live.updates import Change, Update
from tests.app.live.simulated_store import EPOCH, NAMES, Chances, Store, install
from tests.factories import execution_row

ENDS = (State.SUCCEEDED, State.FAILED, State.CANCELLED)
NEXT = {
    State.QUEUED: (State.RUNNING, *ENDS),
    State.RUNNING: (State.WAITING, State.RUNNING, *ENDS),
    State.WAITING: (State.RUNNING, State.RUNNING, State.FAILED),
}
WHERE = (
    ExecutionFilter(),
    ExecutionFilter(engines=("alpha",)),
    ExecutionFilter(engines=("alpha",), statuses=(Status.PENDING,)),
    ExecutionFilter(engines=("alpha",), statuses=(Status.PENDING,)),
    ExecutionFilter(engines=("beta",), states=(State.RUNNING,)),
    ExecutionFilter(statuses=(Status.FAILURE,)),
)


class Process:
    """A feed, and the groups of its subscribers."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.feed: Feed | None = None
        self.groups: dict[int, Group] = {}
        self.following: dict[asyncio.Task[None], None] = {}
        store.listeners.append(self._notify)

    def _notify(self) -> None:
        if self.feed is not None:
            asyncio.get_running_loop().call_later(self.store.choice.uniform(0, 0.1), self.feed.notify)

    async def start(self) -> None:
        while True:
            feed = Feed(self.store)  # type: ignore[arg-type]
            try:
                await feed.start()
            except Unavailable:
                await asyncio.sleep(0.1)
            else:
                self.feed = feed
                return

    async def end(self) -> None:
        feed, self.feed = self.feed, None
        for each in self.following:
            each.cancel()
        if self.following:
            await asyncio.wait(self.following)
        if feed is not None:
            await feed.close()

    def group(self, number: int) -> Group:
        group = self.groups.get(number)
        if group is None:
            assert self.feed is not None
            group = self.groups[number] = Group(self.feed, self._execute, lambda: self.groups.pop(number, None))
        return group

    async def _execute(self, update: Update) -> bytes:
        await self.store.passes()
        if self.store.happens(self.store.chances.failed_result):
            raise Unavailable("gone")
        state = None if update.execution is None else int(update.execution.state)
        return orjson.dumps([update.cursor, update.change.value, update.execution_id, state, update.matches])


class Purse:
    """A client that is in debt now and then."""

    operation: str | None = None
    spent = 0

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def is_spent(self) -> bool:
        return self._store.happens(self._store.chances.spent)

    def charge(self, cost: int) -> None:
        """Nothing."""

    async def solvent(self) -> None:
        await self._store.passes(0.5)


class Picture:
    """A subscriber: what it shows, and where it goes on."""

    def __init__(self, store: Store, processes: Sequence[Process], number: int) -> None:
        self.store = store
        self.processes = processes
        self.number = number
        self.where = WHERE[number % len(WHERE)]
        self.shared = number // len(WHERE) % 2 == 0
        self.flaps = number // len(WHERE) // 2 % 2 == 0
        self.shows: dict[str, State] = {}
        self.cursor = ""
        self.told = 0
        self.wrong: list[str] = []
        self.story: list[str] = []

    def __repr__(self) -> str:
        return f"{self.number} {'shared' if self.shared else 'alone'} {'flaps' if self.flaps else ''} {self.where}"

    async def list(self) -> None:
        self.cursor = updates_cursor(EPOCH, self.store.revision)
        await self.store.passes(0.5)
        self.shows = self.store.shown(self.where)

    def take(self, cursor: str, change: str, id_: str | None, state: int | None, matches: bool) -> None:
        self.told += 1
        given, known = parse_updates_cursor(cursor), parse_updates_cursor(self.cursor)
        assert given is not None
        assert known is not None
        self.story.append(f"{given[1]} {change} {id_} {state} {matches}")
        if change == Change.RESYNC:
            self.cursor, self.stale = cursor, True
            return
        if given[1] <= known[1]:
            self.wrong.append(f"{given[1]} after {known[1]}")
        self.cursor = cursor
        assert id_ is not None
        if matches and state is not None:
            self.shows[id_] = State(state)
        else:
            self.shows.pop(id_, None)
        row = self.store.rows.get(id_)
        if row is not None and self.where.engines is not None and NAMES[row.engine_id] not in self.where.engines:
            self.wrong.append(f"told of {id_}, which can never have matched")

    async def run(self) -> None:
        sockets = self.number
        await self.list()
        while True:
            self.stale = False
            process = self.processes[sockets % len(self.processes)]
            sockets += self.flaps
            if process.feed is not None:
                task = asyncio.create_task(self._shared(process) if self.shared else self._alone(process))
                process.following[task] = None
                task.add_done_callback(process.following.pop)
                try:
                    await asyncio.wait([task])
                    if not task.cancelled():
                        task.result()
                finally:
                    task.cancel()
            if self.stale:
                await self.list()
            await self.store.passes(0.2)

    def _patience(self) -> int:
        return self.told + self.store.choice.randint(1, 12) if self.flaps and not self.store.calm else 1_000_000

    async def _alone(self, process: Process) -> None:
        assert process.feed is not None
        until = self._patience()
        async with aclosing(process.feed.watch(self.where, self.cursor)) as updates:
            async for update in updates:
                await self.store.passes(0.1)
                state = None if update.execution is None else update.execution.state
                self.take(update.cursor, update.change, update.execution_id, state, update.matches)
                if self.told >= until or self.stale:
                    return

    async def _shared(self, process: Process) -> None:
        assert process.feed is not None
        sink = Sink(self, self._patience())
        position = process.feed.position_of(self.cursor)
        group = process.group(self.number % 3)
        pushing = asyncio.create_task(Member(process.feed, group, self.where, position, Purse(self.store)).push(sink))  # type: ignore[arg-type]
        closed = asyncio.create_task(sink.closed.wait())
        try:
            await asyncio.wait([pushing, closed], return_when=asyncio.FIRST_COMPLETED)
            if pushing.done():
                pushing.result()
        finally:
            sink.closed.set()
            pushing.cancel()
            closed.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait([pushing])


class Sink:
    """A socket, which has no room now and then."""

    def __init__(self, picture: Picture, until: int) -> None:
        self._picture = picture
        self._until = until
        self.closed = asyncio.Event()

    @property
    def has_room(self) -> bool:
        store = self._picture.store
        return not store.happens(store.chances.full)

    async def room(self) -> None:
        await self._picture.store.passes(0.3)

    def send(self, payload: Payload) -> None:
        for message in payload.messages(b""):
            if self.closed.is_set():
                return  # it hung up before it read this
            self._picture.take(*orjson.loads(message[:-1]))
            if self._picture.told >= self._until or self._picture.stale:
                self.closed.set()


_TEMPLATE = execution_row()
_RUN = EXECUTIONS.read([_TEMPLATE[name] for name in EXECUTIONS.names])


async def write(store: Store, commits: int) -> None:
    """Runs that begin, go on, end, change once more and go away."""
    choice = store.choice
    for number in range(commits):
        batch: dict[str, Execution | None] = {}
        for place in range(choice.choice((1, 1, 1, 2, 4))):
            going = [id_ for id_ in store.rows if id_ not in batch]
            dice = choice.random()
            if dice < 0.35 or not going:
                id_ = f"{number}.{place}"
                state = choice.choice((State.QUEUED, State.QUEUED, State.RUNNING, State.FAILED))
                engine = choice.choice(("a", "a", "b")) * 32
                batch[id_] = msgspec.structs.replace(
                    _RUN, id=id_, engine_id=engine, state=state, status=state.status, updated_at=number
                )
                continue
            id_ = choice.choice(going)
            row = store.rows[id_]
            state = choice.choice(NEXT.get(row.state, (row.state,)))
            batch[id_] = msgspec.structs.replace(row, state=state, status=state.status, updated_at=number)
            if row.state.finished and dice > 0.9:
                batch[id_] = None
        store.commit(list(batch.items()))
        await store.passes(0.2)


async def fall(store: Store, processes: Sequence[Process]) -> None:
    """Processes that end and start again, without end."""
    while True:
        await asyncio.sleep(store.choice.uniform(0.5, 4))
        process = store.choice.choice(processes)
        await process.end()
        await asyncio.sleep(store.choice.uniform(0, 1))
        await process.start()


async def simulate(seed: int, commits: int) -> list[str]:
    """What is wrong with any picture in the end, when a minute has passed in which nothing happened."""
    choice = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        install(patch, choice)
        often, seldom = choice.choice((0.0, 0.02, 0.1)), choice.choice((0.0, 0.01))
        store = Store(choice, Chances(seldom, often, seldom, often, often))
        processes = [Process(store) for _ in range(2)]
        for process in processes:
            await process.start()
        pictures = [Picture(store, processes, number) for number in range(4 * len(WHERE))]
        running = [asyncio.create_task(each.run()) for each in pictures]
        falling = asyncio.create_task(fall(store, processes)) if choice.random() < 0.7 else None
        await write(store, commits)
        if falling is not None:
            falling.cancel()
            await asyncio.wait([falling])
        for process in processes:
            if process.feed is None:
                await process.start()
        store.calm = True
        await asyncio.sleep(60)
        found = [f"{each}: {problem}" for each in pictures for problem in problems(each)]
        for task in running:
            task.cancel()
        for task, each in zip(running, pictures, strict=True):
            with suppress(asyncio.CancelledError):
                await task
            assert each.told
        for process in processes:
            await process.end()
    return found


def problems(picture: Picture) -> list[str]:
    """What is wrong with it."""
    truth = picture.store.shown(picture.where)
    found = list(picture.wrong)
    for id_ in sorted(truth.keys() | picture.shows.keys()):
        if truth.get(id_) != picture.shows.get(id_):
            said = [line for line in picture.story if f" {id_} " in line]
            changed = picture.store.changed[id_]
            found.append(
                f"{id_} is {truth.get(id_)!r}, shown as {picture.shows.get(id_)!r}; told {said}; cursor"
                f" {parse_updates_cursor(picture.cursor)}; {changed.revision} after {changed.previous}"
            )
    return found
