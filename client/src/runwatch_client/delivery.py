"""Sends one batch until the server accepts it, and in halves when the server refuses it whole."""

from __future__ import annotations

import encodings.idna
import encodings.punycode
import logging
import os
import random
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import certifi
import h11
import httpcore
import httpx

from runwatch_client.arguments import without_credentials
from runwatch_client.buffer import MAX_BATCH_EVENTS

log = logging.getLogger("runwatch_client")

FIRST_PAUSE = 0.25  # seconds; doubles with each failure
MAX_PAUSE = 30.0
MAX_RETRY_AFTER = 300.0  # the server may ask for this much; a mistyped date must not silence an engine for a year
# No token, or a wrong one: somebody must act, and asking often gains nothing.
UNAUTHORIZED, MAX_UNAUTHORIZED = {401, 403}, 60.0
MASKED = 8  # characters; a shorter token is one of a test
REFUSED = {400, 413}  # the body was refused; one of its events may be the cause

# What httpx imports with its first request. A child that was forked in the middle of an import never gets past it.
IMPORTED_BY_HTTPX = (certifi.where(), h11, httpcore, encodings.idna, encodings.punycode)

_threads: set[int] = set()
# Held while a thread loads certificates, which takes locks of OpenSSL: a child would find them locked for ever. A fork
# waits for the 20 ms that it takes.
_making = threading.RLock()


class Delivery:
    """Sends batches, one at a time, and counts what became of the events."""

    def __init__(self, url: str, make_client: Callable[[], httpx.Client], rest: Callable[[float], bool]) -> None:
        """`rest` waits the given seconds and returns whether to continue."""
        self._url = url
        self._make_client = make_client
        self._client: httpx.Client | None = None
        self._rest = rest
        self._told: set[str] = set()
        self._waiting: list[Sequence[bytes]] = []
        self._sending: Sequence[bytes] = ()
        self.limit = MAX_BATCH_EVENTS  # events per batch; fewer if the server accepts fewer
        self.sent = 0
        self.rejected = 0
        self.refused = 0

    def deliver(self, batch: Sequence[bytes]) -> bool:
        """Returns True when every event is accepted or refused, False when no time is left."""
        waiting = self._waiting = [batch]
        failures = 0
        while waiting:
            part = self._sending = waiting.pop()
            problem, least, longest = self._attempt(part, waiting)
            self._sending = ()
            if problem is None:
                failures = 0
                continue
            waiting.append(part)
            self._tell(problem, problem)
            # Half of the pause is random: a thousand workers must not all return in the same second.
            pause = min(longest, FIRST_PAUSE * 2 ** min(failures, 20)) * random.uniform(0.5, 1.0)  # noqa: S311
            failures += 1
            if not self._rest(max(least, pause)):
                return False
        return True

    def undelivered(self) -> list[bytes]:
        """The events of the last batch of which nobody knows that the server has them."""
        return [event for part in (self._sending, *reversed(self._waiting)) for event in part]

    def close(self) -> None:
        """Close the connections, if any."""
        _threads.discard(threading.get_ident())
        if self._client is not None:
            self._client.close()

    def _attempt(self, part: Sequence[bytes], waiting: list[Sequence[bytes]]) -> tuple[str | None, float, float]:
        """Why to send `part` again, if at all, and the least and greatest pause before that, in seconds."""
        try:
            answer = self._post(b"[" + b",".join(part) + b"]")
        except Exception as error:  # from httpx, from a proxy's settings, from a caller's transport
            if not isinstance(error, httpx.TransportError):
                self._client = None
            return reason_of(error), 0.0, MAX_PAUSE
        status = answer.status_code
        if status == 202:
            self._count(answer, len(part))
            return None, 0.0, 0.0
        if status in REFUSED:
            self._split(part, waiting, answer)
            return None, 0.0, 0.0
        if status in UNAUTHORIZED:
            return f"Runwatch refused this engine's token: {said(answer)}", 0.0, MAX_UNAUTHORIZED
        return f"Runwatch cannot accept events now: {said(answer)}", _retry_after(answer), MAX_PAUSE

    def _post(self, body: bytes) -> httpx.Response:
        if self._client is None:
            _threads.add(threading.get_ident())
            with _making:
                self._client = self._make_client()
        return self._client.post(self._url, content=body)

    def _count(self, answer: httpx.Response, events: int) -> None:
        self._told = {told for told in self._told if told.startswith("event: ")}
        try:
            rejected = [str(each["error"]) for each in answer.json()["rejected"]]
        except Exception:  # 202 is what counts; a proxy may have removed the rest
            rejected = []
        for reason in rejected:
            self._tell(f"event: {reason}", f"Runwatch rejected an event: {reason}")
        self.rejected += len(rejected)
        self.sent += max(0, events - len(rejected))

    def _split(self, part: Sequence[bytes], waiting: list[Sequence[bytes]], answer: httpx.Response) -> None:
        if len(part) == 1:
            why = said(answer)
            self._tell(f"event: {why}", f"Dropped an event that Runwatch cannot read: {why}; {part[0][:300]!r}")
            self.refused += 1
            return
        middle = len(part) // 2
        waiting += [part[middle:], part[:middle]]
        if answer.status_code == 413:
            self.limit = max(1, min(self.limit, middle))

    def _tell(self, key: str, message: str) -> None:
        """Log once: until the next success, or, for single events, for good."""
        if key not in self._told and len(self._told) < 100:
            self._told.add(key)
            log.warning(message)


def is_own_thread(ident: int | None) -> bool:
    """Whether a thread delivers events: nothing that it logs may be reported."""
    return ident in _threads


def _after_fork() -> None:
    """In the child: none of the parent's threads runs here, and their numbers are reused."""
    global _making
    _making = threading.RLock()
    _threads.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _making.acquire(),
        after_in_parent=lambda: _making.release(),
        after_in_child=_after_fork,
    )


def reason_of(error: Exception) -> str:
    """Why a request got no answer, as it may be logged.

    Only what the operating system says is repeated: other texts of httpx can hold a header or a proxy's password.
    """
    name = type(error).__name__
    if isinstance(error, httpx.NetworkError | httpx.TimeoutException):
        return without_credentials(f"Cannot reach Runwatch ({name}: {error})")
    if isinstance(error, httpx.ProxyError):
        return f"Cannot reach Runwatch through the proxy ({name})"
    if isinstance(error, httpx.RemoteProtocolError):
        return f"Cannot reach Runwatch: what answers does not speak HTTP, or broke off ({name})"
    return f"Cannot send to Runwatch: the request, a proxy's settings or the transport are wrong ({name})"


def said(answer: httpx.Response) -> str:
    """What an answer says, without the token, which a proxy may repeat."""
    try:
        text = f"{answer.status_code}, {answer.json()['errors'][0]['message']}"
    except Exception:
        text = f"{answer.status_code} {answer.text[:200]!r}"
    token = answer.request.headers.get("authorization", "").removeprefix("Bearer ")
    return text.replace(token, "•••") if len(token) >= MASKED else text


def _retry_after(answer: httpx.Response) -> float:
    """Seconds that the server asks to wait, given as a number or a date."""
    value = answer.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER) if seconds == seconds else 0.0


# httpx logs every request at level INFO. Ours would fill the log of anybody who shows that level.
logging.getLogger("httpx").addFilter(lambda record: not is_own_thread(record.thread))
