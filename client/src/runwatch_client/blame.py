"""Whom to blame for a run's end: the step that raised its error, and the time-out that cancelled it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

# Errors of steps that a run remembers, and errors of a group or chain that it looks through.
MAX_CULPRITS = 100
MAX_SEARCHED = 1_000
# Timers of an event loop among which it looks for time-outs.
MAX_TIMERS = 1_000


class Culprits:
    """The errors that left steps, each with the innermost step that it left."""

    def __init__(self) -> None:
        self._found: list[tuple[BaseException, int]] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, error: BaseException, index: int) -> None:
        """A step ended with an error."""
        if any(known is error for known, _ in self._found):
            return  # the innermost step ends first
        if len(self._found) >= MAX_CULPRITS:
            del self._found[0]
        self._found.append((error, index))

    def step_of(self, error: BaseException) -> int | None:
        """The step that raised the error, one of its group, or a cause; None: it came from outside all steps."""
        for each in _within(error):
            for known, index in reversed(self._found):
                if known is each:
                    return index
        return None


def _within(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it consists of or came from, the nearest first.

    Of a group its own context does not count: that is whatever was handled when it was made, while its parts say why.
    """
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < MAX_SEARCHED:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            waiting = [*each.exceptions, *waiting]
            cause = each.__cause__
        else:
            cause = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
        if cause is not None:
            waiting.append(cause)


def time_outs() -> list[asyncio.Timeout]:
    """The time-outs of asyncio around the caller: those of its task that have yet to fire."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return []
    # Of asyncio's own loops: there is no other way to know who cancels a task.
    timers = getattr(loop, "_scheduled", ())
    if not timers or len(timers) > MAX_TIMERS:
        return []
    task = asyncio.current_task(loop)
    owners = [getattr(getattr(each, "_callback", None), "__self__", None) for each in timers]
    return [each for each in owners if isinstance(each, asyncio.Timeout) and getattr(each, "_task", None) is task]


def timed_out(error: BaseException | None, around: list[asyncio.Timeout]) -> bool:
    """Whether asyncio's time-out ended something: one `around` it, or one within it whose error it lets out."""
    if isinstance(error, TimeoutError):
        # Early releases of 3.11 raise it while they handle the cancelling, later ones from it.
        return isinstance(error.__cause__ or error.__context__, asyncio.CancelledError)
    return isinstance(error, asyncio.CancelledError) and any(each.expired() for each in around)
