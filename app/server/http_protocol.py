"""The server's side of an HTTP connection, with a bound on what precedes a body."""

from __future__ import annotations

import asyncio
import http
from dataclasses import dataclass, field
from typing import Any

from app.asgi.addresses import network_of
from app.asgi.answers import last_answer
from app.asgi.arrivals import Arrivals
from app.errors import AppError, BadInput, LimitExceeded
from app.server.admission import TICKET, Admission, Ticket
from app.server.descriptors import has_place
from app.server.joined_writes import JoinedWrites
from app.server.parted_protocol import PartedProtocol

# Proxies accept 8 to 32 KiB. uvicorn keeps everything: 100 MB of anybody's headers took 100 MB.
MAX_HEAD_BYTES = 64 * 1024
EVENTS, GRAPHQL = b"/api/events", b"/graphql"
# Beside its seconds a body has one for so many bytes: 8 MiB may take half an hour.
BYTES_A_SECOND = 4 * 1024


class HeadTooLong(LimitExceeded):
    """Headers, trailers or a request line that do not end."""

    status = http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


class TooSlow(LimitExceeded):
    """A request that does not arrive."""

    status = http.HTTPStatus.REQUEST_TIMEOUT


@dataclass(frozen=True, slots=True)
class Arriving:
    """How long requests of one process may arrive, which do, which answers are not taken, and who is idle.

    And which bodies of events and of GraphQL are in work.
    """

    head_seconds: float
    body_seconds: float
    heads: Arrivals = field(default_factory=Arrivals)
    bodies: Arrivals = field(default_factory=Arrivals)
    events: Admission = field(default_factory=lambda: Admission.of_events(1_000))
    graphql: Admission = field(default_factory=lambda: Admission.of_graphql(1_000))
    answers: Arrivals = field(default_factory=Arrivals)
    idle: Arrivals = field(default_factory=Arrivals)  # answered, until the next request; uvicorn ends them

    @property
    def waiting(self) -> tuple[Arrivals, ...]:
        """Who waits, those first who lose least."""
        return self.idle, self.heads, self.bodies, self.answers


class HttpProtocol(PartedProtocol):
    """Refuses endless and slow requests, and malformed ones, with the same error body as everywhere.

    Cuts off who does not take an answer, and who is idle for longest where too many are.
    """

    _head = 0  # bytes since a part of a request was complete
    _whole = False  # the last request that has begun to come in has done so to its end
    _has_head = False  # of that request
    _received = 0  # bytes of its body
    _since = 0.0  # when it began to be waited for
    _unsent = 0  # bytes of an answer then
    _waits_in: Arrivals | None = None
    _ticket: Ticket | None = None  # of that request
    _is_refused = False  # that request, by its head
    # Bytes of the request line's target and of the fields, trailers included, of the request that comes in. The system
    # may hand over a whole head at once: it is complete before anybody looks at `_head`.
    _fields = 0

    def __init__(self, *given: Any, arriving: Arriving, **more: Any) -> None:
        super().__init__(*given, **more)
        self._arriving = arriving

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """A client has connected."""
        super().connection_made(transport)
        opened = transport.get_extra_info("socket")
        if opened is not None and not has_place(opened.fileno(), self._arriving.waiting):
            transport.close()
            return
        self.transport = JoinedWrites(transport, self.loop)  # type: ignore[assignment]
        self._address = network_of(self.client)
        self._wait_in(self._arriving.heads)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._wait_in(None)
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """The connection is another protocol's from here on."""
        self._wait_in(None)
        self.transport = self.transport.transport  # type: ignore[attr-defined]
        super().handle_websocket_upgrade()

    def part_received(self, data: bytes) -> None:
        """A part of the data has arrived. Above the bound, it keeps no more than the system hands over at once."""
        self._head += len(data)
        super().part_received(data)
        if self._head > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(_too_long())
        is_answered = self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]
        if self._whole and (self._is_refused or not is_answered):
            if self._waits_in is not None:
                self._wait_in(self._arriving.idle if self._is_refused and is_answered else None)
        elif not self.is_socket and not self.transport.is_closing():
            # What follows an answer, such as the body of a request that was refused by its head, waits like a head.
            self._wait_in(self._arriving.bodies if self._has_head and not is_answered else self._arriving.heads)

    def pause_writing(self) -> None:
        """An answer waits to be taken."""
        super().pause_writing()
        if self._waits_in is None:
            self._wait_in(self._arriving.answers)

    def resume_writing(self) -> None:
        """Most of it has been."""
        super().resume_writing()
        if self._waits_in is self._arriving.answers:
            is_answered = self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]
            self._wait_in(self._arriving.idle if is_answered else None)

    def on_response_complete(self) -> None:
        """An answer is written, and its client may ask again, or take it: a close waits for that."""
        super().on_response_complete()
        if self._waits_in is None and self.cycle.response_complete and not self.is_socket:
            self._wait_in(self._arriving.idle)

    def is_late(self, now: float) -> bool:
        """Whether the head, the body, or its client with an answer, takes too long."""
        arriving, taken = self._arriving, now - self._since
        if self._waits_in is arriving.heads:
            return taken > arriving.head_seconds
        done = self._received
        if self._waits_in is not arriving.bodies:
            unsent = self.transport.get_write_buffer_size()
            if not unsent:
                return False
            done = self._unsent - unsent
        return taken > arriving.body_seconds + done / BYTES_A_SECOND

    def time_out(self) -> None:
        """It does. A client that has sent nothing did not ask for an answer, and one that takes none gets no other."""
        if self._has_answer(self._waits_in):
            self.transport.abort()
        elif self._waits_in is self._arriving.bodies:
            seconds = f"{self._arriving.body_seconds:g} s, and one for each {BYTES_A_SECOND} bytes"
            self._refuse(TooSlow(f"The body did not arrive within {seconds}"))
        elif self._head:
            self._refuse(
                TooSlow(f"The request line and headers did not arrive within {self._arriving.head_seconds:g} s")
            )
        else:
            self.transport.close()
        self._wait_in(None)

    def make_room(self) -> None:
        """Others need its place."""
        if self._has_answer(self._waits_in):
            (self.transport.abort if self.transport.get_write_buffer_size() else self.transport.close)()
        else:
            self._refuse(TooSlow("Too many requests arrive slowly: this one has waited for longest"))
        self._wait_in(None)

    def _has_answer(self, arrivals: Arrivals | None) -> bool:
        return arrivals is self._arriving.answers or arrivals is self._arriving.idle

    def _wait_in(self, arrivals: Arrivals | None) -> None:
        before, self._waits_in = self._waits_in, arrivals
        if before is arrivals:
            return
        if before is not None:
            before.discard(self, self._address)
        if arrivals is not None:
            self._since = self.loop.time()
            if self._has_answer(arrivals):
                self._unsent = self.transport.get_write_buffer_size()
            arrivals.add(self, self._address)

    def on_message_begin(self) -> None:
        """Another request begins."""
        self._fields = self._received = 0
        self._whole = self._has_head = self._is_refused = False
        self._ticket = None
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the request line's target."""
        self._fields += len(url)
        if self._fields > MAX_HEAD_BYTES:
            raise _too_long()
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or a trailer. Kept as uvicorn does: a request has ten, and each would take 1 µs more."""
        self._fields += len(name) + len(value) + 4
        if self._fields > MAX_HEAD_BYTES:
            raise _too_long()  # ends the parsing, which calls send_400_response
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._head = 0
        self._has_head = True
        if not self._is_admitted():
            return
        before = self.cycle
        try:
            super().on_headers_complete()
        finally:
            if self._ticket is not None and self.cycle is before:
                self._ticket.leave()  # a WebSocket's, or a target that is none: no application gives it back

    def _is_admitted(self) -> bool:
        """Whether a request may go on. A body may not while too many are in work; its answer is written."""
        is_event = self.url.startswith(EVENTS)
        if not (is_event or self.url.startswith(GRAPHQL)) or self.parser.get_method() != b"POST":
            return True
        if self.cycle is not None and not self.cycle.response_complete:  # type: ignore[redundant-expr]
            return True  # it waits for the one before it, as do all others of this connection
        admission = self._arriving.events if is_event else self._arriving.graphql
        ticket = self._ticket = admission.enter(self.headers)
        if ticket is not None:
            self.scope["state"][TICKET] = ticket
            return True
        self._is_refused = True
        is_kept = self.parser.should_keep_alive() and not self.expect_100_continue
        self.transport.write_whole(admission.refusal[is_kept])  # type: ignore[attr-defined]
        if not is_kept:
            self.transport.close()
        return False

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._head = 0
        self._received += len(body)
        if self._is_refused:
            self.parsed += 1
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._head = 0
        self._whole = True
        if self._is_refused:
            if not self.transport.is_closing():
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )
            return
        if self._ticket is not None:
            self._ticket.is_whole()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """The request is malformed, or its head too long."""
        self._refuse(_too_long() if self._fields > MAX_HEAD_BYTES else BadInput(msg))

    def _refuse(self, error: AppError) -> None:
        cycle = self.cycle  # None at first
        silent = cycle is None or cycle.response_complete  # type: ignore[redundant-expr]
        silent = silent or (self._has_head and not cycle.response_started)
        # Within another answer, or before it, it would be taken for a part of that.
        if silent and not self.pipeline:
            self.transport.write(last_answer(error))
        self.transport.close()


def _too_long() -> HeadTooLong:
    return HeadTooLong(f"Request line and headers: at most {MAX_HEAD_BYTES} bytes")
