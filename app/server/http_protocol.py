"""The server's side of an HTTP connection, with a bound on what precedes a body."""

from __future__ import annotations

import asyncio
import http

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.asgi.answers import error_body
from app.errors import AppError, BadInput, LimitExceeded, shown
from app.server.joined_writes import JoinedWrites

# Proxies accept 8 to 32 KiB. uvicorn keeps everything: 100 MB of anybody's headers took 100 MB.
MAX_HEAD_BYTES = 64 * 1024


class HeadTooLong(LimitExceeded):
    """Headers, trailers or a request line that do not end."""

    status = http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


class HttpProtocol(HttpToolsProtocol):
    """Refuses endless heads and trailers, and malformed requests, with the same error body as everywhere."""

    _head = 0  # bytes since a part of a request was complete
    _fields = 0  # bytes of the request line's target and of the fields, trailers included, of the request that comes in

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """A client has connected."""
        super().connection_made(transport)
        self.transport = JoinedWrites(transport, self.loop)  # type: ignore[assignment]

    def handle_websocket_upgrade(self) -> None:
        """The connection is another protocol's from here on."""
        self.transport = self.transport.transport  # type: ignore[attr-defined]
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Data has arrived. Above the bound, it keeps no more than the system hands over at once."""
        self._head += len(data)
        super().data_received(data)
        if self._head > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(_too_long())

    def on_message_begin(self) -> None:
        """Another request begins."""
        self._fields = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the request line's target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or a trailer."""
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def _count(self, size: int) -> None:
        # The system may hand over a whole head at once: it is complete before anybody looks at `_head`.
        self._fields += size
        if self._fields > MAX_HEAD_BYTES:
            raise _too_long()  # ends the parsing, which calls send_400_response

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._head = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._head = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._head = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """The request is malformed, or its head too long."""
        self._refuse(_too_long() if self._fields > MAX_HEAD_BYTES else BadInput(msg))

    def _refuse(self, error: AppError) -> None:
        cycle = self.cycle  # None at first
        silent = cycle is None or cycle.response_complete or not cycle.response_started  # type: ignore[redundant-expr]
        # Within another answer it would be taken for a part of that.
        if silent and not self.pipeline:
            status, body = http.HTTPStatus(error.status), error_body(shown(error))
            self.transport.write(
                b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
                b"x-content-type-options: nosniff\r\nconnection: close\r\n\r\n%b"
                % (status, status.phrase.encode(), len(body), body)
            )
        self.transport.close()


def _too_long() -> HeadTooLong:
    return HeadTooLong(f"Request line and headers: at most {MAX_HEAD_BYTES} bytes")
