"""The thread that sends events: in batches, repeatedly while the server is away, without holding anybody up."""

from __future__ import annotations

import atexit
import logging
import os
import queue
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from runwatch_client.buffer import MAX_BATCH_EVENTS, Buffer
from runwatch_client.delivery import Delivery
from runwatch_client.spool import Spool

log = logging.getLogger("runwatch_client")

EXIT_TIMEOUT = 3.0  # seconds by which the process may end later, to send what is left


@dataclass(frozen=True, slots=True)
class Stats:
    """What became of the events of a process, since it started or was forked."""

    sent: int
    rejected: int  # by the server, one by one
    dropped: int  # no room, or the server can never read them
    pending: int


class Reporter:
    """Takes events as bytes and sends them to `url`.

    emit() takes a lock for a microsecond and never waits for the network. After a fork the child has an empty buffer,
    its own thread and its own connections.
    """

    def __init__(
        self,
        url: str,
        make_client: Callable[[], httpx.Client],
        *,
        max_events: int,
        max_bytes: int,
        linger: float,
        heartbeat: float,
        spool: Spool | None = None,
    ) -> None:
        self._url = url
        self._spool = spool
        self._make_client = make_client
        self._sizes = (max_events, max_bytes)
        self._linger = linger
        self._heartbeat = heartbeat
        self._inherited: list[Any] = []
        self._reset()
        _reporters.add(self)

    def _reset(self) -> None:
        self._buffer = Buffer(*self._sizes)
        self._delivery = Delivery(self._url, self._make_client, self._rest)
        # A SimpleQueue, not an Event: a signal handler that calls put() may interrupt its put().
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._rung = False
        self._starting = threading.RLock()
        self._thread: threading.Thread | None = None
        self._alive: dict[str, Callable[[], bytes]] = {}
        self._deadline: float | None = None  # of close(); None while open
        self._closed = False
        self._told_dropped = 0
        self._sent_spool = False

    def emit(self, event: bytes, *, minor: bool = False) -> None:
        """Queue one event. A `minor` one is dropped first when there is no room."""
        if self._closed:
            self._buffer.refuse()
            return
        count = self._buffer.add(event, minor)
        if self._thread is None:
            self._start()
        if not self._rung or count == MAX_BATCH_EVENTS:
            self._rung = True
            self._bell.put(None)

    def keep_alive(self, key: str, heartbeat: Callable[[], bytes]) -> None:
        """Send what `heartbeat` makes from time to time, until let_go(key)."""
        self._alive[key] = heartbeat

    def let_go(self, key: str) -> None:
        """No more heartbeats for `key`."""
        self._alive.pop(key, None)

    @property
    def stats(self) -> Stats:
        """The counts at this moment."""
        sent, rejected, refused = self._delivery.sent, self._delivery.rejected, self._delivery.refused
        dropped = self._buffer.dropped + refused
        return Stats(sent, rejected, dropped, max(0, self._buffer.added - sent - rejected - dropped))

    def flush(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until everything queued before is sent or given up; returns whether it is."""
        queued = self._buffer.added
        self._ring()
        deadline = time.monotonic() + timeout
        while True:
            now = self.stats
            if now.sent + now.rejected + now.dropped >= queued:
                return True
            if time.monotonic() >= deadline or self._thread is None:
                return False
            time.sleep(0.005)

    def close(self, timeout: float) -> bool:
        """Send what is left within `timeout` seconds, and end; returns whether everything was sent or given up."""
        if self._closed:
            return self.stats.pending == 0  # the end of the process closes a second time, and must not wait again
        self._deadline = time.monotonic() + timeout
        self._ring()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        self._closed = True
        if self._spool is not None and self.stats.pending:
            self._keep(self._spool)
        return self.stats.pending == 0

    def _keep(self, spool: Spool) -> None:
        left = self._delivery.undelivered()
        while batch := self._buffer.take():
            left += batch
        try:
            kept = spool.keep(left)
        except OSError as error:
            log.warning("Could not keep %d events in %s (%s)", len(left), spool.folder, error.strerror)
            return
        log.warning("Kept %d of %d events in %s, until a process sends them", kept, len(left), spool.folder)

    def flush_spool(self) -> int:
        """Send what earlier processes kept, here and now; returns how many files could not be sent."""
        if self._spool is None:
            return 0
        delivery = Delivery(self._url, self._make_client, lambda _: False)
        left = 0
        for path, events in self._spool.files():
            batches = [events[at : at + MAX_BATCH_EVENTS] for at in range(0, len(events), MAX_BATCH_EVENTS)]
            if left or not all(delivery.deliver(batch) for batch in batches):
                left += 1
            else:
                path.unlink(missing_ok=True)
        delivery.close()
        return left

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="runwatch-reporter", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:  # the interpreter is ending, or has too many threads
                    self._thread = None
                _close_with_process(self)

    def _ring(self) -> None:
        self._rung = True
        self._bell.put(None)

    def _run(self) -> None:
        try:
            beat = time.monotonic() + self._heartbeat
            while self._deadline is None or (len(self._buffer) and time.monotonic() < self._deadline):
                self._wait(max(0.0, beat - time.monotonic()) if self._alive else self._heartbeat)
                if time.monotonic() >= beat:
                    beat = time.monotonic() + self._heartbeat
                    self._beat()
                while batch := self._buffer.take(self._delivery.limit):
                    if not self._delivery.deliver(batch):
                        return
                    self._tell_of_dropped()
                    if not self._sent_spool:  # the server is there
                        self._sent_spool = True
                        self.flush_spool()
        except Exception as error:
            # Where, and not what it says: an exception's text can hold a header.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("The reporter failed (%s); this process sends no more events\n%s", type(error).__name__, where)
        finally:
            self._delivery.close()

    def _wait(self, seconds: float) -> None:
        """Wait until there is something to send, and then until the batch is full or nothing more is likely to come
        soon.
        """
        while not self._bell.empty():
            self._bell.get()
        self._rung = False  # from here on an event rings, so check once more before waiting
        if self._closing() or not (len(self._buffer) or self._hears_within(seconds)):
            return
        if not self._closing() and len(self._buffer) < MAX_BATCH_EVENTS:
            self._hears_within(self._linger)

    def _closing(self) -> bool:
        return self._deadline is not None

    def _hears_within(self, seconds: float) -> bool:
        try:
            self._bell.get(timeout=seconds)
        except queue.Empty:
            return False
        return True

    def _rest(self, seconds: float) -> bool:
        """Wait before the next attempt; returns whether there is one. The end of the process shortens waits."""
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            if self._deadline is not None:
                if now >= self._deadline:
                    return False
                until = min(until, now + 0.2)
            self._tell_of_dropped()
            self._hears_within(min(until - now, 60.0))
        return self._deadline is None or time.monotonic() < self._deadline

    def _beat(self) -> None:
        for heartbeat in list(self._alive.values()):
            self._buffer.add(heartbeat(), True)

    def _tell_of_dropped(self) -> None:
        if (dropped := self._buffer.dropped) and not self._told_dropped:
            log.warning("Dropping events: they arrive faster than they can be sent (stats has the count)")
        self._told_dropped = dropped

    def after_fork(self) -> None:
        """In the child of a fork: leave everything to the parent, whose connections must not be closed here."""
        self._inherited.append(self._delivery)
        self._reset()


def _close_with_process(reporter: Reporter) -> None:
    """A child of multiprocessing ends without atexit, but with its own finalizers."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(reporter, reporter.close, args=(EXIT_TIMEOUT,), exitpriority=10)


_reporters: weakref.WeakSet[Reporter] = weakref.WeakSet()


def _after_fork() -> None:
    for reporter in list(_reporters):
        reporter.after_fork()


def _at_exit() -> None:
    deadline = time.monotonic() + EXIT_TIMEOUT
    for reporter in list(_reporters):
        reporter.close(max(0.0, deadline - time.monotonic()))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
