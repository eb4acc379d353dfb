"""Sockets whose clients stop reading: a plain TCP connection with almost no room for received data."""

from __future__ import annotations

import json
import socket
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from tests.app.live.subscribers import SUBPROTOCOL, Subscriber, frames

ROOM_BYTES = 4096


class StoppedReader:
    """Shakes hands, signs in and subscribes, and reads no more; to be closed."""

    def __init__(self, url: str, subscriber: Subscriber) -> None:
        self.subscriber = subscriber  # takes whatever is read in the end, and may resume from there
        self.code: int | None = None  # that it was closed with; None: it was cut
        self._protocol = ClientProtocol(
            parse_uri(url.replace("http", "ws", 1) + "/graphql"), subprotocols=[SUBPROTOCOL], max_size=None
        )
        self._socket = _connect(url)

    def subscribe(self, token: str) -> None:
        """Do all that comes before the first result."""
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        subscriber = self.subscriber
        init, subscribe = frames(token, subscriber.where, subscriber.cursor, subscriber.query)
        self._until_frames()
        self._say(init)
        assert json.loads(bytes(self._until_frames()[0].data)) == {"type": "connection_ack"}
        self._say(subscribe)

    def read_the_rest(self) -> None:
        """Read what was sent before the end."""
        while self.code is None:
            try:
                data = self._socket.recv(65536)
            except ConnectionError:
                break
            if not data:
                break
            self._take(data)
        self._socket.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _take(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self.subscriber.take(json.loads(bytes(event.data))["payload"]["data"]["executionUpdated"])
        if self._protocol.close_rcvd is not None:
            self.code = self._protocol.close_rcvd.code

    def _until_frames(self) -> list[Frame]:
        """The frames of the next message; none for the handshake."""
        while True:
            self._protocol.receive_data(self._socket.recv(65536))
            if events := self._protocol.events_received():
                return [event for event in events if isinstance(event, Frame)]

    def _say(self, text: str) -> None:
        self._protocol.send_text(text.encode())
        self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            self._socket.sendall(data)


def half_open(url: str, test: AsyncExitStack) -> None:
    """Connections that stop in the middle of their handshake: before a word, within the request, and after it."""
    request = b"GET /graphql HTTP/1.1\r\nHost: runwatch\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    rest = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    for said in (b"", request, request + rest):
        test.enter_context(_connect(url)).sendall(said)


def _connect(url: str) -> socket.socket:
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_BYTES)
    opened.settimeout(20)
    opened.connect(("127.0.0.1", urlsplit(url).port))
    return opened
