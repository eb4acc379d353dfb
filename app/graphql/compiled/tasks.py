"""Coroutines of fields, all driven by the task of their operation.

A task of asyncio's for each field that reads would cost 3 to 6 µs, and a page has hundreds. Here each coroutine is a
task as far as it can tell: `asyncio.current_task()` is its own, and can be cancelled, so that time-outs and task groups
work. They share the context variables of their operation.
"""

from __future__ import annotations

import asyncio
from asyncio import _enter_task, _leave_task  # documented: "Extending asyncio, task lifetime support"
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from app.graphql.compiled.errors import NotRight

# Of a list that is completed at once, some 2 ms: longer ones are completed in pieces, between which others may run.
MAX_FIELDS_OF_A_PIECE = 4_000
# So many coroutines that only come to wait, for 5 to 10 µs each, run within one turn: they may ask a loader, which then
# has the keys of all of them in one statement, however slow the machine.
WAITING_TOGETHER = 256


class Pace(Protocol):
    """When others should have their turn: within milliseconds."""

    def is_over(self) -> bool:
        """Whether it is time."""
        ...

    async def turn(self) -> None:
        """Let them."""
        ...


class Piece:
    """The rest of a list, whose rows are appended to `done` as `complete` makes them, `size` at a time."""

    __slots__ = ("complete", "done", "rows", "size")

    def __init__(self, rows: Sequence[Any], size: int, complete: Callable[[Any], Any]) -> None:
        self.rows = rows
        self.size = size
        self.complete = complete
        self.done: list[Any] = []

    def advance(self) -> bool:
        """Complete the next ones; whether there are more."""
        start = len(self.done)
        self.done += [self.complete(row) for row in self.rows[start : start + self.size]]
        return len(self.done) < len(self.rows)


class FieldTask:
    """One coroutine: its result, completed, becomes `into[key]`."""

    __slots__ = (
        *("__weakref__", "_cancelling", "_coroutine", "_fut_waiter", "_must_cancel", "_started", "_tasks"),
        *("complete", "into", "key"),
    )

    def __init__(
        self,
        tasks: Tasks,
        coroutine: Coroutine[Any, Any, Any],
        into: dict[str, Any],
        key: str,
        complete: Callable[[Any, Any], Any],
    ) -> None:
        self._tasks = tasks
        self._coroutine = coroutine
        self._started = False
        self._fut_waiter: asyncio.Future[Any] | None = None
        self._must_cancel = False
        self._cancelling = 0
        self.into = into
        self.key = key
        self.complete = complete

    def cancel(self, msg: object = None) -> bool:
        """As that of asyncio.Task."""
        self._cancelling += 1
        if self._fut_waiter is None or not self._fut_waiter.cancel():
            self._must_cancel = True
        return True

    def cancelling(self) -> int:
        """As that of asyncio.Task."""
        return self._cancelling

    def uncancel(self) -> int:
        """As that of asyncio.Task."""
        self._cancelling = max(self._cancelling - 1, 0)
        return self._cancelling

    def get_coro(self) -> Coroutine[Any, Any, Any]:
        """As that of asyncio.Task."""
        return self._coroutine

    def get_name(self) -> str:
        """As that of asyncio.Task."""
        return f"field {self.key}"

    def done(self) -> bool:
        """As that of asyncio.Task: whoever can ask runs within it."""
        return False

    def wake(self, _: object = None) -> None:
        """What it waited for has come."""
        self._fut_waiter = None
        self._tasks.resume(self)

    def step(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Run until it waits for something; StopIteration at its end, with the result."""
        self._started = True
        coroutine = self._coroutine
        _enter_task(loop, self)  # type: ignore[arg-type]
        try:
            if self._must_cancel:
                self._must_cancel = False
                waiting = coroutine.throw(asyncio.CancelledError())
            else:
                waiting = coroutine.send(None)
        finally:
            _leave_task(loop, self)  # type: ignore[arg-type]
        if waiting is None:  # asyncio.sleep(0)
            loop.call_soon(self.wake)
        elif getattr(waiting, "_asyncio_future_blocking", False):
            waiting._asyncio_future_blocking = False
            self._fut_waiter = waiting
            waiting.add_done_callback(self.wake)
            if self._must_cancel and waiting.cancel():
                self._must_cancel = False
        else:
            raise NotRight("it waits for something that asyncio does not know")
        return True

    def drop(self) -> bool:
        """End it if it has not started; whether it has."""
        if not self._started:
            self._coroutine.close()
        return self._started


class Tasks:
    """The coroutines of one execution."""

    __slots__ = ("_failure", "_pace", "_pieces", "_ready", "_waiting", "_woken")

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace
        self._pieces: deque[Piece] = deque()
        self._ready: deque[FieldTask] = deque()
        self._waiting: set[FieldTask] = set()
        self._woken: asyncio.Future[None] | None = None
        self._failure: BaseException | None = None

    @property
    def pending(self) -> bool:
        """Whether any has been started."""
        return bool(self._ready or self._pieces)

    def pieces(self, rows: Sequence[Any], fields: int, complete: Callable[[Any], Any]) -> list[Any]:
        """The completed rows of a list, of so many fields each: the first of them now, the others later."""
        piece = Piece(rows, max(MAX_FIELDS_OF_A_PIECE // fields, 1), complete)
        if piece.advance():
            self._pieces.append(piece)
        return piece.done

    def start(
        self,
        coroutine: Coroutine[Any, Any, Any],
        into: dict[str, Any],
        key: str,
        complete: Callable[[Any, Any], Any],
    ) -> None:
        """Run a coroutine with the others, in the order of their starts."""
        self._ready.append(FieldTask(self, coroutine, into, key, complete))

    def resume(self, task: FieldTask) -> None:
        """A task can go on."""
        self._ready.append(task)
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    def drop(self) -> None:
        """None of them has run, and none will."""
        self._pieces.clear()
        while self._ready:
            self._ready.popleft().drop()

    async def finish(self, run: Any) -> None:
        """Wait for all. The first failure, or a cancellation, ends the others first: they may hold connections."""
        loop = asyncio.get_running_loop()
        cancelled = False
        while self._ready or self._waiting or self._pieces:
            try:
                if self._ready or self._pieces:
                    if self._pace is not None and self._pace.is_over():
                        await self._pace.turn()
                    self._burst(loop, run)
                    continue
                self._woken = loop.create_future()
                await self._woken
            except asyncio.CancelledError as error:
                cancelled = True
                self._failure = self._failure or error
                self._cancel()
            finally:
                self._woken = None
        if cancelled:
            raise asyncio.CancelledError
        if self._failure is not None:
            raise self._failure

    def _burst(self, loop: asyncio.AbstractEventLoop, run: Any) -> None:
        """Run all that can: those of one level together, so that they ask a loader within one turn of the loop.

        Lists are completed first, for the same reason. Ends early when others should have their turn.
        """
        driver = asyncio.current_task(loop)
        assert driver is not None
        ready, waiting, pieces, pace = self._ready, self._waiting, self._pieces, self._pace
        _leave_task(loop, driver)
        try:
            left = WAITING_TOGETHER
            while ready or pieces:
                if left <= 0:
                    if pace is not None and pace.is_over():
                        break
                    left = WAITING_TOGETHER
                if pieces:
                    self._advance(pieces)
                    left = 0
                    continue
                task = ready.popleft()
                if self._failure is not None and not task.drop():
                    continue
                try:
                    task.step(loop)
                except StopIteration as ended:
                    left = 0
                    waiting.discard(task)
                    if self._failure is None:
                        try:
                            task.into[task.key] = task.complete(ended.value, run)
                        except Exception as error:
                            self._fail(error)
                except BaseException as error:
                    waiting.discard(task)
                    # A coroutine that nobody has cancelled may still raise that.
                    self._fail(NotRight() if isinstance(error, asyncio.CancelledError) else error)
                else:
                    left -= 1
                    waiting.add(task)
        finally:
            _enter_task(loop, driver)

    def _advance(self, pieces: deque[Piece]) -> None:
        if self._failure is not None:
            pieces.clear()
            return
        try:
            if not pieces[0].advance():
                pieces.popleft()
        except Exception as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Keep the first failure, and end what has begun. What fails of it then must not disturb who cleans up."""
        if self._failure is None:
            self._failure = error
            self._cancel()

    def _cancel(self) -> None:
        for task in [*self._waiting]:
            task.cancel()
