"""The object that an engine creates: where to report to, and with which identity."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self

import httpx

from runwatch_client import events
from runwatch_client.arguments import checked
from runwatch_client.buffer import MAX_BYTES, MAX_EVENTS
from runwatch_client.checking import Check, check
from runwatch_client.encoding import quote, text_of
from runwatch_client.reporter import Reporter, Stats
from runwatch_client.runs import NOT_GIVEN, Run
from runwatch_client.spool import Spool

MEDIA_TYPE = "application/cloudevents-batch+json"
USER_AGENT = f"runwatch-client/{version('runwatch-client')}"


class Runwatch:
    """Reports runs to the Runwatch at `url` as the engine `source`, with a token of role RUNNER.

    Make one per process and keep it. Threads may share it, and it survives a fork. It raises only ConfigurationError,
    for wrong arguments, and never waits for the network: a thread sends the queued events in batches.

    heartbeat: seconds between heartbeats of an open run. linger: seconds to wait for more events before sending a
    batch. timeout: seconds to wait for an answer. max_events, max_bytes: bounds of the queue. transport: a transport
    for httpx. spool: a folder for what the process cannot send before it ends; the next one sends it. It holds at most
    max_bytes, readable by the owner alone, in the clear.
    """

    def __init__(
        self,
        url: str,
        token: str,
        source: str,
        *,
        heartbeat: float = 30.0,
        linger: float = 0.1,
        timeout: float = 10.0,
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_BYTES,
        transport: httpx.BaseTransport | None = None,
        spool: str | os.PathLike[str] | None = None,
    ) -> None:
        url, token, source = checked(url, token, source)
        self.source = source
        self._source = quote(source)
        headers = {"authorization": f"Bearer {token}", "content-type": MEDIA_TYPE, "user-agent": USER_AGENT}

        def make_client() -> httpx.Client:
            return httpx.Client(headers=headers, timeout=timeout, transport=transport)

        self._url = f"{url}/api/events"
        self._make_client = make_client
        self._reporter = Reporter(
            self._url,
            make_client,
            max_events=max_events,
            max_bytes=max_bytes,
            linger=linger,
            heartbeat=heartbeat,
            spool=None if not spool else Spool(spool, url, source, max_bytes),
        )

    def execution(
        self,
        workflow: str,
        *,
        trigger_kind: str = "manual",
        trigger_data: Any = NOT_GIVEN,
        trigger_json: str | None = None,
        external_id: str | None = None,
        retry_of: str | None = None,
        definition: Sequence[str] | None = None,
    ) -> Run:
        """A run, as a context manager.

        trigger_data is what a retry would receive; trigger_json is the same as JSON text, where digits matter.
        external_id names the run within the engine: for a retry that Runwatch asked for, pass the id of the request.
        retry_of is Runwatch's id of the run that this one repeats, when the engine retries by itself. definition: names
        of steps.
        """
        return Run(
            self,
            secrets.token_hex(16) if external_id is None else str(external_id),
            workflow=workflow,
            trigger_kind=trigger_kind,
            trigger_data=trigger_data,
            trigger_json=trigger_json,
            retry_of=retry_of,
            definition=definition,
        )

    def emit(
        self,
        subject: str,
        type: str,
        data: Any = None,
        *,
        id: str | None = None,
        time: datetime | None = None,
        minor: bool = False,
    ) -> None:
        """Queue an event of your own. Without an `id` Runwatch cannot tell it from a second one like it."""
        given = f"{subject}/{events.unique(type)}" if id is None else id
        self._reporter.emit(events.event(self._source, subject, type, given, text_of(data), time), minor=minor)

    def emit_text(
        self,
        subject: str,
        type_: str,
        id_: str,
        data: str,
        *,
        minor: bool = False,
        at: datetime | None = None,
        claims_retries: bool = False,
    ) -> None:
        """Queue an event with `data` as JSON text. `at` is when it happened; defaults to now.

        claims_retries: say that this engine runs a retry once, even when it is published twice.
        """
        event = events.event(self._source, subject, type_, id_, data, at, claims_retries=claims_retries)
        self._reporter.emit(event, minor=minor)

    def keep_alive(self, subject: str, key: str | None = None) -> None:
        """Send heartbeats for a run until let_go(key). The key defaults to the subject; a run may have several."""

        def heartbeat() -> bytes:
            return events.event(self._source, subject, "execution.heartbeat", f"{subject}/{events.unique('alive')}")

        self._reporter.keep_alive(key or subject, heartbeat)

    def let_go(self, key: str) -> None:
        """Send no more heartbeats for this key."""
        self._reporter.let_go(key)

    def check(self) -> Check:
        """Ask the server whether it would accept this engine's events; waits for the answer, and raises nothing.

        Call it where an engine starts, or by hand. It sends no event.
        """
        return check(self._url, self.source, self._make_client)

    @property
    def stats(self) -> Stats:
        """How many events were sent, rejected and dropped, and how many are pending."""
        return self._reporter.stats

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait up to `timeout` seconds until everything queued is sent or given up; returns whether it is."""
        return self._reporter.flush(timeout)

    def flush_spool(self) -> int:
        """Send what earlier processes kept in the spool, and wait for it; returns how many files could not be sent.

        By itself the client does so after the first events that the server accepts.
        """
        return self._reporter.flush_spool()

    def close(self, timeout: float = 5.0) -> bool:
        """Send what is left within `timeout` seconds; returns whether all was sent. Drops later events."""
        return self._reporter.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
