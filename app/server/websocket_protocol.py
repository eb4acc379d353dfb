"""The server's side of a WebSocket, with an end for peers that do not read or do not hang up."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from contextlib import suppress
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState, SecurityError
from websockets.frames import CloseCode, Frame

from app.asgi.answers import last_answer
from app.asgi.extensions import CLOSER, FRAMES
from app.errors import AppError, BadInput
from app.server.http_protocol import HeadTooLong

# A peer that reads answers a close frame at once; this is for the way there and back.
LINGER_SECONDS = 3.0
# The system takes twice that, and 170 KB of it at a time: in 5 s, from anybody who reads 35 KB/s or more.
SEND_BUFFER_BYTES = 256 * 1024
# A peer that was sending something huge has stopped.
QUIET_SECONDS = 0.3


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Cuts off a peer that does not read: uvicorn waits for it without end, in `send` and after the close."""

    _cut: asyncio.TimerHandle | None = None
    _failed = False

    async def run_asgi(self) -> None:
        """One connection. By scope["extensions"] the app may close it, read or not, and send frames."""
        with suppress(OSError, AttributeError):
            # The system would keep up to 4 MB for a peer that does not read, and for seconds report no progress of a
            # slow reader.
            self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self.scope["extensions"][CLOSER] = {"close": self.close_now, "cut": self._abort}
        if not self.conn.extensions:  # such as compression, which makes each connection's frames different
            self.scope["extensions"][FRAMES] = {"sender": self}
        await super().run_asgi()
        self._cut_later()

    def close_now(self, code: int, reason: str) -> None:
        """Send a close frame after everything that waits to be sent, and cut the connection unless the peer answers."""
        if not self.close_sent and not self.transport.is_closing():
            self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
            try:
                self.conn.send_close(code, reason)
            except InvalidState:
                return  # the peer is closing it just now
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self._read_on()
            self.close_timer = self.loop.call_later(LINGER_SECONDS, self._abort)
        self._cut_later()

    def send_frames(self, frames: bytes) -> None:
        """Send finished frames unchanged, after earlier data, unless the connection is closing."""
        if not self.close_sent and not self.transport.is_closing():
            self.transport.write(frames)

    def unsent_bytes(self) -> int:
        """Bytes that the peer's system has not taken yet."""
        waiting = bytearray(4)
        with suppress(OSError, AttributeError, ValueError):  # not every system tells
            fcntl.ioctl(self._socket().fileno(), termios.TIOCOUTQ, waiting)
        return self.transport.get_write_buffer_size() + int.from_bytes(waiting, sys.byteorder)

    def data_received(self, data: bytes) -> None:
        """Throw away whatever follows an unreadable frame, until there is no more."""
        if not self._failed:
            super().data_received(data)
            if self.conn.handshake_exc is not None and not self.handshake_initiated:
                self._refuse_handshake(self.conn.handshake_exc)
        elif self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(QUIET_SECONDS, self.transport.close)

    def send_receive_event_to_app(self) -> None:
        """A message has arrived; one that is not UTF-8 ends the connection.

        uvicorn would also log a stack trace, for any client that sends such a message.
        """
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.send_close(CloseCode.INVALID_DATA)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    async def send(self, message: Any) -> None:
        """A message of the app."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True  # by a refusal; uvicorn misses it, and reports that as an error

    def handle_parser_exception(self) -> None:
        """Too big, or not UTF-8: close with a code.

        uvicorn hangs up at once; what the peer is still sending then makes its system throw our close frame away.
        """
        close = self.conn.close_sent
        if close is None:  # it was closing already
            self._abort()
            return
        self._failed = self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self._read_on()
        self.close_timer = self.loop.call_later(QUIET_SECONDS, self.transport.close)
        self._cut_later()

    def handle_close(self, event: Frame) -> None:
        """The peer closes."""
        super().handle_close(event)
        self._cut_later()

    def keepalive_timeout(self) -> None:
        """The peer has not answered a ping: it is gone.

        If it comes back, uvicorn's 1011 would make stock clients give up; after a lost connection they reconnect.
        """
        self._abort()

    def shutdown(self) -> None:
        """The server ends."""
        if not self.transport.is_closing():
            super().shutdown()
        self._cut_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        if self._cut is not None:
            self._cut.cancel()
        super().connection_lost(exc)

    def _refuse_handshake(self, reason: Exception) -> None:
        """It could not be read at all. uvicorn says nothing then, and the connection would never end."""
        if isinstance(reason, SecurityError):
            error: AppError = HeadTooLong(f"Handshake of a WebSocket: {reason}")
        else:
            error = BadInput(f"Handshake of a WebSocket: must be a GET without a body: {reason.__cause__ or reason}")
        self._failed = True
        self.transport.write(last_answer(error))
        self.transport.close()

    def _read_on(self) -> None:
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def _cut_later(self) -> None:
        if self._cut is None and not self.disconnected:
            self._cut = self.loop.call_later(LINGER_SECONDS, self._abort)

    def _abort(self) -> None:
        # Without this the system keeps unsent data, megabytes for a peer that does not read, for many minutes.
        with suppress(OSError, AttributeError):  # it is over already
            self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _socket(self) -> socket.socket:
        connection: socket.socket = self.transport.get_extra_info("socket")
        return connection
