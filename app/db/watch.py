"""Whether a database answers: asked every second, so that nothing waits for one that hangs.

A host that froze, or a failover that sent no word, leaves connections open that nobody will ever answer. TCP notices
after a quarter of an hour, and statements have no end of their own until then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from app.errors import Unavailable
from app.log import get_logger
from app.sweep import end_tasks

log = get_logger(__name__)

PAUSE_SECONDS = 1.0
# A busy server answers SELECT 1 within milliseconds. With the pause before it and the grace after it, whoever asks when
# it begins to hang is told so within 5 s.
ANSWER_SECONDS = 3.0
# The event loop may have been held up rather than the server: then the answer is there already.
GRACE_SECONDS = 0.5
# Between two asks while it is away: who waits for it should not wait longer than it takes.
RETRY_SECONDS = 0.25
LOG_SECONDS = 60.0


class Watch:
    """Asks whether the database answers; calls `on_hang` when it does not, which is to end what waits for it."""

    def __init__(self, ask: Callable[[], Awaitable[object]], on_hang: Callable[[], None]) -> None:
        self._ask = ask
        self._on_hang = on_hang
        self._hangs = False
        self._away_since: float | None = None
        self._logged_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """End it, and what it asks."""
        await end_tasks(self._task)

    def check(self) -> None:
        """Unavailable while the database does not answer: to ask it would take seconds."""
        if self._hangs:
            raise Unavailable("the database does not answer")

    async def _run(self) -> None:
        while True:
            reason = await self._look()
            if reason is None:
                self._hangs = False
                self._note_back()
            else:
                self._note_away(reason)
            await asyncio.sleep(PAUSE_SECONDS if reason is None else RETRY_SECONDS)

    async def _look(self) -> str | None:
        """Why the database is away; None if it answers."""
        asking = asyncio.ensure_future(self._ask())
        try:
            done, _ = await asyncio.wait({asking}, timeout=ANSWER_SECONDS)
            if not done:
                done, _ = await asyncio.wait({asking}, timeout=GRACE_SECONDS)
            if not done:
                self._hangs = True
                self._note_away("no answer")
                self._on_hang()
                await asyncio.wait({asking})  # its connection was ended with the others; a new one has a time-out
        finally:
            asking.cancel()  # of a watch that is closed
        if asking.cancelled():
            return "no answer"
        error = asking.exception()
        return None if error is None else f"{type(error).__name__}: {error}"

    def _note_away(self, reason: str) -> None:
        """One line when an outage begins, and one a minute."""
        now = monotonic()
        if self._away_since is None:
            self._away_since = now
        elif now < self._logged_at + LOG_SECONDS:
            return
        self._logged_at = now
        log.error("database_away", reason=reason, seconds=round(now - self._away_since, 1))

    def _note_back(self) -> None:
        if self._away_since is not None:
            log.warning("database_back", seconds=round(monotonic() - self._away_since, 1))
            self._away_since = None
