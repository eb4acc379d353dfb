"""Facets: how many executions a filter lets through, by what could be chosen next.

Each facet counts without its own condition, so that it says what choosing a value would give. Statuses and states are
few, and counted each for itself; the other values are counted in one pass over the newest rows.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from time import monotonic
from typing import Any, TypeVar

from app import engines, executions
from app.db import Database
from app.errors import LimitExceeded
from app.executions import group_members
from app.executions.filters import ExecutionFilter
from app.executions.resolved_filters import resolve
from app.executions.scans import BY_QUEUED_AT, page
from app.lifecycle import State, Status
from app.paging import MAX_COUNT, Count
from app.paging.keyset import Segment

# A pass goes from the newest matching execution back, and stops here.
MAX_ROWS = 100_000
# A page waits for its facets: a filter that no index answers gets none rather than late ones.
DEADLINE_SECONDS = 1.0
SLICES = 10
# Many people look at the same list, and each change of it asks again.
SHARED_SECONDS = 2.0

T = TypeVar("T")
Counts = Mapping[Any, Count]  # by value


class Facet(Enum):
    """What executions are told apart by: a column, and the conditions that are its own."""

    WORKFLOW = ("workflow_name", "workflow_ids", "workflow_names")
    ENGINE = ("engine_id", "engines")
    TRIGGER_KIND = ("trigger_kind", "trigger_kinds")
    FAILED_STEP_NAME = ("failed_step_name", "failed_step_names")
    ERROR_GROUP = ("error_group_id", "error_group_ids")

    @property
    def column(self) -> str:
        """Where executions have the value; null where they have none."""
        column: str = self.value[0]
        return column

    def others(self, where: ExecutionFilter) -> ExecutionFilter:
        """The filter without the facet's own conditions."""
        return replace(where, **dict.fromkeys(self.value[1:]))


@dataclass(slots=True)
class _Shared:
    task: asyncio.Task[Any]
    since: float


class Facets:
    """Counts facets; everybody who asks for the same one within two seconds gets the same answer.

    Each method raises LimitExceeded when counting takes longer than a second.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shared: dict[Any, _Shared] = {}

    async def total(self, where: ExecutionFilter) -> Count:
        """How many match."""
        return await self._share(("total", where), lambda: executions.count(self._database, where))

    async def unresolved(self, where: ExecutionFilter) -> Count:
        """How many match that failed and that no retry has resolved, whatever the filter says of that."""
        return await self.total(replace(where, unresolved=True))

    async def statuses(self, where: ExecutionFilter) -> Counts:
        """How many match with each status."""
        return await self._share(("statuses", replace(where, statuses=None)), lambda: self._statuses(where))

    async def states(self, where: ExecutionFilter) -> Counts:
        """How many match in each state."""
        return await self._share(("states", replace(where, states=None)), lambda: self._states(where))

    async def by(self, facet: Facet, where: ExecutionFilter) -> Counts:
        """How many match with each value that any has; the most frequent first, ties by the value.

        If there are more than MAX_ROWS, only the newest of them count, and no count is exact.
        """
        others = facet.others(where)
        return await self._share((facet, others), lambda: self._by(facet, others))

    async def _statuses(self, where: ExecutionFilter) -> Counts:
        filters = {status: replace(where, statuses=(status,)) for status in Status}
        return {status: await executions.count(self._database, each) for status, each in filters.items()}

    async def _states(self, where: ExecutionFilter) -> Counts:
        filters = {state: replace(where, states=(state,)) for state in State}
        return {state: await executions.count(self._database, each) for state, each in filters.items()}

    async def _by(self, facet: Facet, where: ExecutionFilter) -> Counts:
        resolved = await resolve(self._database, where)
        if resolved is None:
            return {}
        newest = Segment(BY_QUEUED_AT, False, None, None, False, MAX_ROWS + 1)
        rows = page(self._database.dialect, resolved, newest, f"e.{facet.column} AS value")
        found = await self._database.fetch_long(
            f"SELECT x.value, count(*) FROM ({rows.text}) x GROUP BY x.value", *rows.params
        )
        exact = sum(count for _, count in found) <= MAX_ROWS
        counted = {value: count for value, count in found if value is not None}
        if facet is Facet.ENGINE:
            named = await engines.by_ids(self._database, counted)
            counted = {named[id_].name: count for id_, count in counted.items() if id_ in named}
        if facet is Facet.ERROR_GROUP:
            led, merged = await group_members.lead(self._database, counted), Counter[str]()
            for id_, count in counted.items():
                merged[led.groups[id_][0]] += count
            counted = merged
        return {
            value: Count(min(count, MAX_COUNT), exact=exact and count <= MAX_COUNT)
            for value, count in sorted(counted.items(), key=lambda each: (-each[1], each[0]))
        }

    async def _share(self, key: Any, count: Callable[[], Coroutine[Any, Any, T]]) -> T:
        now = monotonic()
        self._shared = {
            known: each
            for known, each in self._shared.items()
            if not each.task.done() or now - each.since < SHARED_SECONDS
        }
        shared = self._shared.get(key)
        if shared is None or now - shared.since >= SHARED_SECONDS:
            shared = self._shared[key] = _Shared(asyncio.create_task(_in_time(count)), now)
            shared.task.add_done_callback(_retrieve)
        # Shielded: one who hangs up must not take the answer from the others.
        answer: T = await asyncio.shield(shared.task)
        return answer


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Whoever asked may be gone: nobody else has to hear of a failure."""
    if not task.cancelled():
        task.exception()


async def _in_time(count: Callable[[], Coroutine[Any, Any, T]]) -> T:
    counting = asyncio.create_task(count())
    try:
        # While the process stands still nobody hears that the database has answered: that counts as one slice at most.
        for _ in range(SLICES):
            if (await asyncio.wait([counting], timeout=DEADLINE_SECONDS / SLICES))[0]:
                return counting.result()
    finally:
        counting.cancel()
    raise LimitExceeded(f"Counting took longer than {DEADLINE_SECONDS:g} s; narrow the filter")
