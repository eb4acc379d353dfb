"""Tasks beside the server: work that repeats, whenever it is woken and regularly in any case; and how tasks end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from app.errors import log_failure
from app.log import get_logger

log = get_logger(__name__)


async def end_tasks(*tasks: asyncio.Task[Any] | None, within: float | None = None) -> None:
    """Cancel tasks, and wait for their end, or so many seconds. Logs the errors of those that failed instead."""
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    ended = (await asyncio.wait(running, timeout=within))[0] if running else set()
    for task in ended:
        if not task.cancelled() and (error := task.exception()) is not None:
            log_failure(log, "background_task_failed", error)


class Sweep:
    """Calls `work` until it is closed, one call at a time, at most `seconds` apart.

    The first call comes `delay` seconds after the start, and no call comes before `least_pause` seconds are over. It
    logs exceptions as `name`, and calls again.
    """

    def __init__(
        self,
        work: Callable[[], Awaitable[object]],
        name: str,
        *,
        seconds: float,
        delay: float = 0.0,
        least_pause: float = 0.0,
    ) -> None:
        self._work = work
        self._name = name
        self._seconds = seconds
        self._delay = delay
        self._least_pause = least_pause
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; the first call is made in the background."""
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """There is something to do. Safe before the start."""
        self._woken.set()

    async def close(self) -> None:
        """Cancel a running call. Its transaction ends by itself."""
        await end_tasks(self._task)

    async def _run(self) -> None:
        await asyncio.sleep(self._delay)
        while True:
            self._woken.clear()
            try:
                await self._work()
            except Exception as error:
                log_failure(log, self._name, error)
            await asyncio.sleep(self._least_pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._woken.wait()
