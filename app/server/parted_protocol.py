"""HTTP that is parsed in parts, so that no client has the loop do much in one go."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# The system hands over 256 KiB at once: 40,000 parts of a body took 0.8 s, and each of 6,000 requests 2 KB of memory,
# before the first of them had its answer.
PART_BYTES = 4 * 1024
# Requests and parts of bodies that are parsed in a turn: 2 ms.
MAX_PARSED = 100
# A long body comes in few parts, and joining them takes longer the shorter they are. What has few may still have many
# behind them.
FEW, MAX_PART_BYTES = 8, 16 * 1024


class HeldFlow(FlowControl):
    """Reads no more while what has been read waits to be parsed."""

    is_held = False

    def hold(self, held: bool) -> None:
        """Begin, or end."""
        self.is_held = held
        (self.pause_reading if held else self.resume_reading)()

    def resume_reading(self) -> None:
        """Unless it is held."""
        if not self.is_held:
            super().resume_reading()


class PartedProtocol(HttpToolsProtocol):
    """Parses what has arrived in turns, and the next request once the one before it is answered."""

    flow: HeldFlow
    is_socket = False  # the connection is another protocol's
    _turn: asyncio.Handle | None = None
    parsed = 0  # requests and parts of bodies, in this turn

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._unread = bytearray()  # while there is any, nothing is read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """A client has connected."""
        super().connection_made(transport)
        self.flow = HeldFlow(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._unread.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Data has arrived."""
        self._unread += data
        self._parse()

    def part_received(self, data: bytes) -> None:
        """A part of it is to be parsed."""
        super().data_received(data)

    def handle_websocket_upgrade(self) -> None:
        """The connection is another protocol's from here on."""
        self.is_socket = True
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """Another request begins."""
        self.parsed += 1
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self.parsed += 1
        super().on_body(body)

    def on_response_complete(self) -> None:
        """An answer is written: what has arrived behind its request can go on."""
        super().on_response_complete()
        self._parse_later()

    def _parse(self) -> None:
        self._turn, self.parsed, size = None, 0, PART_BYTES
        while self._unread and not self.pipeline and self.parsed <= MAX_PARSED and not self._is_over():
            part, before = bytes(self._unread[:size]), self.parsed
            del self._unread[:size]
            self.part_received(part)
            size = min(size * 4, MAX_PART_BYTES) if self.parsed - before <= FEW else PART_BYTES
        self._parse_later()

    def _parse_later(self) -> None:
        """Parse the rest in another turn, or once the answer is written; nothing more is read until then."""
        if self._is_over():
            self._unread.clear()
        held = bool(self._unread)
        if held and not self.pipeline and self._turn is None:
            self._turn = self.loop.call_soon(self._parse)
        if held is not self.flow.is_held:
            self.flow.hold(held)

    def _is_over(self) -> bool:
        return self.is_socket or self.transport.is_closing()
