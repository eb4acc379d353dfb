"""The loop that empties the outbox of one kind of entry. Each process has one; one process at a time delivers a row."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from app import clock
from app.db import Database
from app.delivery import outbox
from app.delivery.outbox import OutboxItem, Receivers
from app.delivery.port import Handler, NotDelivered
from app.errors import log_failure
from app.log import get_logger
from app.monitor import numbers, spans
from app.sweep import end_tasks

log = get_logger(__name__)

# How often to look for due rows, besides when this process itself has added one.
SWEEP_SECONDS = 1.0
# Deliveries in progress at once.
MAX_CONCURRENT = 64
# How many rows to claim at once, and how many in progress are enough for one receiver: an engine that stalls while a
# hundred of its retries are due takes up to 7 places, and leaves the others to other engines.
MAX_PER_RECEIVER = 4
# A handler keeps to the time-out itself, and knows more to say about it. This is for a handler that does not.
SLACK_SECONDS = 0.5
# A delivery that takes longer when the server ends is repeated when its lease is over. Time-outs may be minutes, and a
# server has 8 s for its end, of which requests may take 5 (app/server/supervisor.py).
CLOSE_SECONDS = 2.0


# For how long a receiver may ask to be left alone.
MAX_RETRY_AFTER = clock.HOUR


class DeliveryLoop:
    """Delivers until it is closed. `timeout` bounds an attempt, `give_up_after` all attempts of a row; in seconds.

    `receivers` share its places.
    """

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        *,
        timeout: float,
        give_up_after: float,
        receivers: Receivers,
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._receivers = receivers
        self._timeout = timeout
        # Long enough that a slow delivery is not taken for lost.
        self._lease = round((timeout * 2 + 1) * clock.SECOND)
        self._give_up_after = round(give_up_after * clock.SECOND)
        self._wake = asyncio.Event()
        self._closing = False
        self._under_way: dict[asyncio.Task[None], str | None] = {}  # with the receiver of each
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Run in the background."""
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """Something was added to the outbox."""
        self._wake.set()

    async def close(self) -> None:
        """Claim nothing more, and wait for what is in progress, but not for receivers that stall."""
        # Not cancelled: rows that a claim has just taken would wait for the end of their lease.
        self._closing = True
        self._wake.set()
        try:
            if self._task is not None:
                await self._task
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=CLOSE_SECONDS)
        finally:
            await end_tasks(*self._under_way)

    async def _run(self) -> None:
        while not self._closing:
            self._wake.clear()
            try:
                items = await self._claim()
            except Exception as error:
                log_failure(log, "outbox_not_read", error)
                items = []
            for item in items:
                task = asyncio.create_task(self._deliver(item))
                self._under_way[task] = item.receiver
                task.add_done_callback(self._done)
            if not items:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP_SECONDS):
                        await self._wake.wait()

    async def _claim(self) -> list[OutboxItem]:
        room = min(MAX_CONCURRENT - len(self._under_way), MAX_PER_RECEIVER)
        if room <= 0:
            return []
        counts = Counter(self._under_way.values())
        enough = [one for one, count in counts.items() if one is not None and count >= MAX_PER_RECEIVER]
        return await outbox.claim(self._database, self._handlers, room, self._lease, self._receivers, enough)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("delivery_failed", error=repr(error))

    async def _attempt(self, item: OutboxItem) -> NotDelivered | None:
        """Why an attempt failed, if it did."""
        try:
            async with asyncio.timeout(self._timeout + SLACK_SECONDS):
                await self._handlers[item.kind].deliver(item)
        except NotDelivered as error:
            return error
        except TimeoutError:
            return NotDelivered(f"No answer within {self._timeout:g} s")
        except Exception as error:
            log_failure(log, "delivery_failed", error, outbox_id=item.id, kind=item.kind)
            return NotDelivered("Internal error; the server's log has the details under the outbox id")
        return None

    async def _deliver(self, item: OutboxItem) -> None:
        handler = self._handlers[item.kind]
        about: dict[str, str | int] = {"runwatch.outbox_id": item.id, "runwatch.attempt": item.attempts}
        with spans.delivering(item.kind, about) as fail:
            error = await self._attempt(item)
            failure = None if error is None else outbox.readable(str(error))
            if failure is not None:
                fail(failure)
        left = item.created_at + item.paused + self._give_up_after - clock.now_us()
        given_up = error is not None and (error.final or left <= 0)
        if error is not None:
            # What lingers ends before the next attempt begins.
            asked = max(error.retry_after, self._lease) if error.lingers else error.retry_after
            # A receiver that wants to be left alone for longer has one more attempt at the end.
            item = replace(item, retry_after=max(0, min(asked, left, MAX_RETRY_AFTER)), lingers=error.lingers)
        try:
            await handler.settle(item, failure, given_up)
        except Exception as refused:
            # It falls due again when its lease ends: delivered twice rather than not at all.
            log_failure(log, "delivery_not_settled", refused, outbox_id=item.id, kind=item.kind)
            return
        outcome = "accepted" if failure is None else "given_up" if given_up else "failed"
        numbers.DELIVERIES.add(1, item.kind, outcome)
        log.info("delivery", outbox_id=item.id, kind=item.kind, outcome=outcome, attempts=item.attempts)
