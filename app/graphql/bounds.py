"""The budget of one operation: what it may cost, how large its answer may be, how long it may take. docs/limits.md.

An operation whose selections cost too much is refused before anything runs; while it runs, what it does is counted. It
ends when its client goes away. A mutation is never cut in the middle of its work: only what it answers is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from app.errors import LimitExceeded, RateLimited
from app.graphql.client import Client, price_of
from app.graphql.compiled import Cost
from app.turns import Turns

MIB = 1024 * 1024
# How long an operation runs before somebody looks whether its client is still there: most are over by then.
WATCHED_AFTER_SECONDS = 0.25
# Of large values, which are copied: as many take as long as a value of another kind.
CHARACTERS_OF_A_FIELD = 1_000
NOTHING = Cost()

Gone = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What operations may cost; the settings have each."""

    cost: int = 500_000
    answer_bytes: int = 32 * MIB
    errors: int = 1_000
    seconds: float = 20.0
    introspection: bool = True  # and suggestions of names


class OverBudget(LimitExceeded):
    """The operation as a whole is refused, or ends."""

    of_budget = True


class OverRate(RateLimited, OverBudget):
    """The client has spent what it may within a time, or all its places are taken."""


class ClientGone(Exception):
    """Nobody waits for the answer."""


class Spending:
    """What one operation has cost so far: a Meter of plans (app/graphql/compiled), and what graphql-core tells it."""

    __slots__ = (
        *("_root", "_turns", "bounds", "charged", "client", "counted", "credential", "ends", "errors", "estimated"),
        *("failure", "has_begun", "is_event", "is_over", "stopped", "task", "written"),
    )

    def __init__(self, bounds: Bounds, turns: Turns, credential: str, client: Client) -> None:
        self.bounds = bounds
        self.client = client
        self.charged = 0  # of what it costs
        self.has_begun = False
        self.is_event = False  # of a subscription: charged, and never refused for what its client has spent
        self._turns = turns
        self.is_over = turns.is_over  # see Meter
        self.credential = credential
        self.estimated = NOTHING
        self.counted = 0
        self.written = 0  # characters of values that are written as they are
        self.errors = 0
        self.failure: Exception | None = None
        self._root = 0
        self.stopped = False  # the task has been told, once
        self.task: asyncio.Task[Any] | None = None  # that runs it now
        self.ends: float | None = None  # by the loop's clock

    def begin(self, new_characters: int, values: int) -> None:
        """An operation arrives: characters that have to be parsed, values of variables. Raises OverRate."""
        if not self.has_begun:
            self.has_begun = True
            self._take(price_of(new_characters, values))

    def read(self, size: int) -> None:
        """So many bytes of a body have been read, and decompressed."""
        if size >= CHARACTERS_OF_A_FIELD:
            self.client.charge(size // CHARACTERS_OF_A_FIELD)

    async def enter(self) -> None:
        """Wait for a place among the operations of the client. Raises OverRate."""
        try:
            await self.client.enter()
        except RateLimited as error:
            raise _over_rate(error) from None

    def leave(self) -> None:
        """It is over, and gives its place back."""
        self.client.leave()
        self.settle()

    def settle(self) -> None:
        """Have the client pay what it has cost, or give back what it has not."""
        cost = self.counted + self.written // CHARACTERS_OF_A_FIELD
        if cost != self.charged:
            self.client.charge(cost - self.charged)
            self.charged = cost

    def start(self) -> float:
        """When its time is over, which runs from the first call on."""
        if self.ends is None:
            self.ends = asyncio.get_running_loop().time() + self.bounds.seconds
        return self.ends

    def check(self) -> None:
        """Raises OverBudget if the operation is over its budget, or its time is."""
        if self.failure is not None:
            raise self.failure
        if asyncio.get_running_loop().time() >= self.start():
            raise self._over(f"The operation took longer than {self.bounds.seconds:g} s; request less at a time")

    def allows(self, cost: Cost) -> bool:
        """See Meter."""
        return cost.fields <= self.bounds.cost

    def before(self, cost: Cost, root: int) -> None:
        """Nothing has run yet. Raises OverBudget."""
        self.estimated = cost
        self.counted += root - self._root  # once, if the operation is tried twice
        self._root = root
        if cost.fields > self.bounds.cost:
            raise OverBudget(
                f"The operation costs up to {cost.fields}; at most {self.bounds.cost} are allowed: a value counts 1, a"
                " field with a read of its own 40, each as often as there are rows above it. Request fewer rows, fields"
                " or aliases"
            )
        if cost.fields > self.charged:
            more = cost.fields - self.charged
            if self.is_event:
                self.client.charge(more)
            else:
                self._take(more)
            self.charged = cost.fields

    def during(self, fields: int) -> None:
        """So many fields of a list are about to be completed. Raises OverBudget."""
        self.counted += fields
        if self.counted > self.bounds.cost:
            raise self._over(
                f"The operation costs more than {self.bounds.cost}: a value counts 1, a field with a read of its own"
                " 40. Request fewer rows, fields or aliases"
            )

    def large(self, size: int) -> None:
        """So many characters are about to be written. Raises OverBudget."""
        self.written += size
        if self.written > self.bounds.answer_bytes:
            raise self.too_large()

    def error(self) -> None:
        """A field has failed. Raises OverBudget."""
        self.errors += 1
        if self.errors > self.bounds.errors:
            raise self._over(f"More than {self.bounds.errors} fields failed; request fewer of them")

    def too_large(self) -> OverBudget:
        """The answer would be too large."""
        return self._over(
            f"The answer is larger than {self.bounds.answer_bytes} bytes; request fewer rows, or large values once"
        )

    def described(self, size: int) -> dict[str, int]:
        """What it has cost, for an answer of so many bytes."""
        estimated, counted, errors = self.estimated.fields, self.counted, self.errors
        return {"estimated": estimated, "counted": counted, "limit": self.bounds.cost, "errors": errors, "bytes": size}

    async def turn(self) -> None:
        """See Meter."""
        await self._turns.wait(self.credential)

    def alone(self) -> asyncio.Lock:
        """See Turns."""
        return self._turns.alone(self.credential)

    def stop(self, failure: Exception) -> None:
        """End the operation, whose task waits for something."""
        if self.failure is None:
            self.failure = failure
        if self.task is not None and not self.stopped:
            self.stopped = True
            self.task.cancel()

    def stop_soon(self, failure: Exception) -> None:
        """The same, called by its own task, which may come to its end before it waits for anything."""
        self.failure = failure
        asyncio.get_running_loop().call_soon(self.stop, failure)

    def within(self, gone: Gone | None = None) -> Within:
        """Run as long as it may, and as long as `gone` has not returned: as a context manager, by one task at a time.

        Raises what has ended it.
        """
        return Within(self, gone)

    def _take(self, cost: int) -> None:
        try:
            self.client.take(cost)
        except RateLimited as error:
            raise _over_rate(error) from None

    def _over(self, message: str) -> OverBudget:
        failure = OverBudget(message)
        if self.failure is None:
            self.failure = failure
        return failure


def _over_rate(error: RateLimited) -> OverRate:
    return OverRate(error.reason, limit=error.limit, value=error.value, seconds=error.seconds)


class Within:
    """See Spending.within."""

    __slots__ = ("_before", "_ends", "_gone", "_handle", "_loop", "_spending", "_task", "_watcher")

    def __init__(self, spending: Spending, gone: Gone | None) -> None:
        self._spending = spending
        self._gone = gone
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        loop = self._loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self._task = self._spending.task = task
        self._spending.stopped = False
        self._before = task.cancelling()
        now = loop.time()
        if self._spending.ends is None:
            self._spending.ends = now + self._spending.bounds.seconds
        self._ends = self._spending.ends
        self._handle = loop.call_at(min(now + WATCHED_AFTER_SECONDS, self._ends), self._look)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._handle.cancel()
        self._spending.task = None
        if self._watcher is not None:
            self._watcher.cancel()
        failure = self._spending.failure
        if failure is None:
            return
        if error is None or (isinstance(error, asyncio.CancelledError) and self._task.uncancel() <= self._before):
            raise failure from None

    def _look(self) -> None:
        """It has run for a while."""
        if self._loop.time() >= self._ends:
            try:
                self._spending.check()
            except OverBudget as over:
                self._spending.stop(over)
            return
        if self._gone is not None and self._watcher is None:
            self._watcher = self._loop.create_task(self._watch(self._gone))
        self._handle = self._loop.call_at(self._ends, self._look)

    async def _watch(self, gone: Gone) -> None:
        await gone()
        self._spending.stop(ClientGone())


def credential_of(context: Any) -> str:
    """Whose operation it is, for turns."""
    spending: Spending | None = getattr(context, "spending", None)
    return "" if spending is None else spending.credential


def within(context: Any, gone: Gone | None = None) -> AbstractContextManager[None]:
    """Spending.within of a context that has one."""
    spending: Spending | None = getattr(context, "spending", None)
    return nullcontext() if spending is None else spending.within(gone)
