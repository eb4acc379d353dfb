"""How many bodies of events, and of GraphQL, a process works on at a time. The heads of further ones are refused.

Without a bound, a process that gets more than it can store keeps all of it waiting: none is answered in time, clients
send it again, and most work is for those who have gone.
"""

from __future__ import annotations

from time import monotonic

from starlette.types import ASGIApp, Receive, Scope, Send

from app.asgi.answers import error_body
from app.errors import ErrorCode, RateLimited
from app.log import get_logger
from app.monitor import numbers

log = get_logger(__name__)

# Of all bodies of a door in work, as their heads declare it. What declares nothing counts as so much.
MAX_BYTES, UNDECLARED = 64 * 1024 * 1024, 256 * 1024
# One credential may have this part of both bounds, so that it does not keep others out.
OF_ONE = 2
# Who has its part of so many bodies of events in work, the first of them whole and unanswered for so long, gets no
# further one in: it would wait longer. Where 30 large ones are stored a second, 16 of each of eight clients took 4 s.
FEW, WAIT_SECONDS = 16, 0.5
LOG_SECONDS = 60.0
# Where a scope keeps the place that its request has.
TICKET = "ticket"


class Overloaded(RateLimited):
    """The process has as much to do as it can. The same request may succeed in a second."""

    status = 503


class Ticket:
    """The place of one request."""

    __slots__ = ("_admission", "key", "size", "whole_at")

    def __init__(self, admission: Admission, key: bytes, size: int) -> None:
        self._admission = admission
        self.key = key
        self.size = size
        self.whole_at: float | None = None

    def is_whole(self) -> None:
        """The body has arrived."""
        self.whole_at = monotonic()

    def leave(self) -> None:
        """The request is answered."""
        self._admission.leave(self)


class _Client:
    """What one credential has in work, oldest first."""

    __slots__ = ("bytes", "tickets")

    def __init__(self) -> None:
        self.tickets: dict[Ticket, None] = {}
        self.bytes = 0


class Admission:
    """The places of one door in one process. `waits`: however long a client's wait, it gets further ones."""

    def __init__(self, most: int, door: str, setting: str, what: str, *, waits: bool) -> None:
        self._most = most
        self._door = door
        self._setting = setting
        self._waits = waits
        self._clients: dict[bytes, _Client] = {}  # by credential
        self._total = self._bytes = 0
        self._refused, self._logged_at = 0, -LOG_SECONDS
        error = Overloaded(f"Too many {what} at a time", limit=setting, value=most, seconds=1)
        body = error_body({"message": error.message, "extensions": error.extensions})
        head = (
            b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-type: application/json\r\n"
            b"x-content-type-options: nosniff\r\ncontent-length: %d\r\n%b\r\n%b"
        )
        # By whether the connection is kept.
        self.refusal = {
            kept: head % (len(body), b"" if kept else b"connection: close\r\n", body) for kept in (True, False)
        }

    @classmethod
    def of_events(cls, most: int) -> Admission:
        """Of bodies of events."""
        return cls(most, "/api/events", "RUNWATCH_MAX_EVENT_BODIES", "events", waits=False)

    @classmethod
    def of_graphql(cls, most: int) -> Admission:
        """Of GraphQL requests: a token's may wait for each other, and its rates say for how long."""
        return cls(most, "/graphql", "RUNWATCH_MAX_GRAPHQL_BODIES", "operations", waits=True)

    def enter(self, headers: list[tuple[bytes, bytes]]) -> Ticket | None:
        """A place for the request with these headers; None if there is none."""
        key, cookie, size = b"", b"", UNDECLARED
        for name, value in headers:
            if name == b"authorization":
                key = value
            elif name == b"cookie":
                cookie = value
            elif name == b"content-length" and value.isdigit():
                size = int(value[:19])
        key = key or cookie
        mine = self._clients.get(key)
        if not self._has_place(mine, size):
            self._note()
            return None
        if mine is None:
            mine = self._clients[key] = _Client()
        ticket = Ticket(self, key, size)
        mine.tickets[ticket] = None
        mine.bytes += size
        self._total += 1
        self._bytes += size
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give a place back. Again does nothing."""
        mine = self._clients.get(ticket.key)
        if mine is None or ticket not in mine.tickets:
            return
        del mine.tickets[ticket]
        mine.bytes -= ticket.size
        if not mine.tickets:
            del self._clients[ticket.key]
        self._total -= 1
        self._bytes -= ticket.size

    @property
    def in_work(self) -> int:
        """How many there are."""
        return self._total

    def _has_place(self, mine: _Client | None, size: int) -> bool:
        if self._total >= self._most or (self._total and self._bytes + size > MAX_BYTES):
            return False
        if mine is None:
            return True
        there = len(mine.tickets)
        if there >= self._most // OF_ONE or mine.bytes + size > MAX_BYTES // OF_ONE:
            return False
        first = next(iter(mine.tickets)).whole_at
        few = max(FEW // len(self._clients), 1)
        return self._waits or there < few or first is None or monotonic() - first < WAIT_SECONDS

    def _note(self) -> None:
        self._refused += 1
        numbers.REQUESTS.add(1, self._door, "503")  # no application hears of it
        numbers.ERRORS.add(1, ErrorCode.RATE_LIMITED.value)
        numbers.RATE_REFUSALS.add(1, self._setting)
        now = monotonic()
        if now >= self._logged_at + LOG_SECONDS:
            log.warning("bodies_refused_by_load", door=self._door, refused=self._refused, in_work=self._total)
            self._logged_at, self._refused = now, 0


class Admitted:
    """ASGI: gives the place of a request back when it is over, even if its client had gone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        ticket: Ticket | None = None if scope["type"] != "http" else scope["state"].pop(TICKET, None)
        try:
            await self._app(scope, receive, send)
        finally:
            if ticket is not None:
                ticket.leave()
