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

# What arrives is parsed in parts of this size: the system hands over 256 KiB at once, and 43,000 frames of nothing took
# 2.5 s in one piece.
PART_BYTES = 1024
# Frames that carry nothing: a client has some in a minute, pings and their answers.
MAX_EMPTY_FRAMES = 200
EMPTY_FRAMES_SECONDS = 10.0
# A longer part of a message is none of them.
EMPTY_BYTES = 64


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Cuts off a peer that does not read: uvicorn waits for it without end, in `send` and after the close."""

    _cut: asyncio.TimerHandle | None = None
    _failed = False
    _turn: asyncio.Handle | None = None
    _is_held = False  # nothing is read, until what has arrived is parsed
    _empty_frames = 0
    _empty_since = 0.0

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._unread = bytearray()  # no more than the system hands over at once: while there is any, nothing is read

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
            self._unread += data
            self._parse()
        elif self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(QUIET_SECONDS, self.transport.close)

    async def receive(self) -> Any:
        """The next message for the app. What has arrived behind it is parsed once the app has taken all of it."""
        message = await super().receive()
        self._parse_later()
        return message

    def handle_ping(self) -> None:
        """The peer asks whether we are there."""
        if self._takes_empty():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """The peer is there."""
        if self._takes_empty():
            super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        """Another part of a message."""
        if len(event.data) > EMPTY_BYTES or self._takes_empty():
            super().handle_cont(event)

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
        self._unread.clear()
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
        self._unread.clear()
        super().connection_lost(exc)

    def _refuse_handshake(self, reason: Exception) -> None:
        """It could not be read at all. uvicorn says nothing then, and the connection would never end."""
        if isinstance(reason, SecurityError):
            error: AppError = HeadTooLong(f"Handshake of a WebSocket: {reason}")
        else:
            error = BadInput(f"Handshake of a WebSocket: must be a GET without a body: {reason.__cause__ or reason}")
        self._failed = True
        self._unread.clear()
        self.transport.write(last_answer(error))
        self.transport.close()

    def _read_on(self) -> None:
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self._parse_later()

    def _parse(self) -> None:
        """Parse what has arrived, up to a message for the app or a part of empty frames; the rest in later turns."""
        self._turn = None
        before = self._empty_frames
        while (
            self._unread and not self.read_paused and self._empty_frames == before and not self.transport.is_closing()
        ):
            part = bytes(self._unread[:PART_BYTES])
            del self._unread[:PART_BYTES]
            super().data_received(part)
            if self.conn.handshake_exc is not None and not self.handshake_initiated:
                self._refuse_handshake(self.conn.handshake_exc)
        if not self._parse_later() and self._is_held and not self.read_paused:
            self._is_held = False
            self.transport.resume_reading()

    def _parse_later(self) -> bool:
        """Parse the rest in another turn, before anything else is read. False if there is none."""
        if not self._unread or self.transport.is_closing():
            return False
        self._is_held = True
        self.transport.pause_reading()
        if self._turn is None and not self.read_paused:
            self._turn = self.loop.call_soon(self._parse)
        return True

    def _takes_empty(self) -> bool:
        """Count a frame that carries nothing; False if it is one too many, which ends the connection."""
        if self._failed:
            return False
        now = self.loop.time()
        if now - self._empty_since > EMPTY_FRAMES_SECONDS:
            self._empty_since, self._empty_frames = now, 0
        self._empty_frames += 1
        if self._empty_frames <= MAX_EMPTY_FRAMES:
            return True
        if self.close_sent:
            self._abort()
            return False
        self.conn.send_close(CloseCode.POLICY_VIOLATION, "Too many frames that carry nothing")
        self.handle_parser_exception()
        return False

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
