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
# A busy server answers SELECT 1 within milliseconds. With the pause before it, whoever asks when it begins to hang is
# told so within 5 s.
ANSWER_SECONDS = 3.5
# In such spans it is waited for. One that took twice as long says nothing of the server: the event loop was held up, or
# the machine has too much to do. So many of them do not count.
SPAN_SECONDS = 0.25
MAX_LATE_SPANS = 10
# Between two asks while it is away: who waits for it should not wait longer than it takes.
RETRY_SECONDS = 0.25
LOG_SECONDS = 60.0
# An outage that begins so soon after another, and alike, is the same one: a full disk has room for some writes only.
SAME_SECONDS = 5.0


class Refused(Unavailable):
    """Writes are refused, all of them, until that is over; who only reads is answered."""

    outline = "the database takes no writes"


class Locked(Refused):
    """Others write, for longer than this one could wait."""


class Newer(Refused):
    """A newer version has changed the schema."""

    outline = "a newer version has migrated the database, and this one does not write to it"


class Lost(Unavailable):
    """Nothing of the database can be used, until that is over."""

    outline = "the database does not answer"


class Watch:
    """Asks whether the database can be used; calls `on_hang` when it does not answer, to end what waits for it.

    What it is to ask raises Refused or Lost for a database that must not be written, or used, and whatever it likes for
    one that is away.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[object]],
        on_hang: Callable[[], None] = lambda: None,
        *,
        delay: float = 0.0,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._ask = ask
        self._on_hang = on_hang
        self._delay = delay
        self._answer_seconds = answer_seconds
        self._no_reads: str | None = None
        self._no_writes: str | None = None
        self.reason: str | None = None  # of an outage
        self.outline: str | None = None  # the same for everybody, without paths and hosts
        self._away_since: float | None = None
        self._back_at = self._logged_at = -LOG_SECONDS
        self._logged_reason: str | None = None
        self._was_logged = False  # of this outage
        self._failures = 0  # of statements
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """End it, and what it asks."""
        await end_tasks(self._task)

    def check(self) -> None:
        """Unavailable while the database does not answer: to ask it would take seconds."""
        if self._no_reads is not None:
            raise Unavailable(self._no_reads)

    def check_write(self) -> None:
        """Unavailable while it takes no writes either."""
        if self._no_writes is not None:
            raise Unavailable(self._no_writes)
        self.check()

    def failed(self, error: Unavailable) -> None:
        """A statement has found the database to be sick: the outage has begun, until it is asked again."""
        self._failures += 1
        self._note(error)

    async def _run(self) -> None:
        await asyncio.sleep(self._delay)
        while True:
            failures = self._failures
            error = await self._look()
            if error is None and failures != self._failures:
                pass  # one has failed since it was asked
            elif error is None:
                self._no_reads = self._no_writes = None
                self._note_back()
            else:
                self._note(error)
            await asyncio.sleep(RETRY_SECONDS if self.reason else PAUSE_SECONDS)

    async def _look(self) -> BaseException | None:
        """Why the database is away; None if it answers."""
        asking = asyncio.ensure_future(self._ask())
        try:
            if not await _is_answered(asking, self._answer_seconds):
                self._note(Lost("the database does not answer"))
                self._on_hang()
                await asyncio.wait({asking})  # its connection was ended with the others; a new one has a time-out
        finally:
            asking.cancel()  # of a watch that is closed
        return TimeoutError("no answer") if asking.cancelled() else asking.exception()

    def _note(self, error: BaseException) -> None:
        """One line when an outage begins, and one a minute."""
        if isinstance(error, Lost):
            self._no_reads = str(error)
        elif isinstance(error, Refused):
            self._no_writes, self._no_reads = str(error), None
        self.reason = str(error) if isinstance(error, Unavailable) else f"{type(error).__name__}: {error}"
        self.outline = getattr(error, "outline", "the database fails")
        now = monotonic()
        begins = self._away_since is None
        if self._away_since is None:
            self._away_since = now
        is_news = begins and (now >= self._back_at + SAME_SECONDS or self.reason != self._logged_reason)
        if now < self._logged_at + LOG_SECONDS and not is_news:
            return
        self._logged_at, self._logged_reason, self._was_logged = now, self.reason, True
        log.error("database_away", reason=self.reason, seconds=round(now - self._away_since, 1))

    def _note_back(self) -> None:
        if self._away_since is None:
            return
        self._back_at = now = monotonic()
        if self._was_logged:
            log.warning("database_back", seconds=round(now - self._away_since, 1))
        self._away_since = self.reason = self.outline = None
        self._was_logged = False


async def _is_answered(asking: asyncio.Future[object], seconds: float) -> bool:
    """Whether the answer comes within so many seconds in which this process had the time to receive it."""
    loop = asyncio.get_running_loop()
    left, late = round(seconds / SPAN_SECONDS), 0
    while left:
        began = loop.time()
        done, _ = await asyncio.wait({asking}, timeout=SPAN_SECONDS)
        if done:
            return True
        if loop.time() - began > 2 * SPAN_SECONDS and late < MAX_LATE_SPANS:
            late += 1
        else:
            left -= 1
    return False
