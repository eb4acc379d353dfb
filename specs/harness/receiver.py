"""An engine's webhook: a real server whose answers a test scripts, and which keeps what it receives."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from specs.harness.waiting import PATIENCE_SECONDS

# Sooner than any time-out of a test, and slow for a body whose bytes come one by one.
TRICKLE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Request:
    """What was sent; names of headers in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Its webhook-id."""
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        """The data of its CloudEvent."""
        data: dict[str, Any] = json.loads(self.body)["data"]
        return data


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer, and how badly.

    `delay` and `hold` come before the answer: so many seconds, and until somebody sets the event. `close`: the
    connection is reset instead. `raw`: these bytes instead of HTTP. `trickle`: a byte at a time; `endless`: the body
    again and again.
    """

    status: int = 202
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0
    hold: threading.Event | None = None
    close: bool = False
    raw: bytes | None = None
    trickle: bool = False
    endless: bool = False


def redirect(url: str, status: int = 307) -> Answer:
    """An answer that sends the client elsewhere."""
    return Answer(status, b"over there", {"location": url})


class Receiver:
    """Takes what Runwatch posts. `script` answers the next requests, `answer` all that come when it is empty."""

    def __init__(self, *script: Answer, answer: Answer | Callable[[Request], Answer] | None = None) -> None:
        self.script = list(script)
        self.answer = answer or Answer()
        self.requests: list[Request] = []
        self.hung_up = threading.Event()  # a client went away before it had all of an answer
        self.stopped = threading.Event()
        self._changed = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receiver = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """Where retries go."""
        return f"http://127.0.0.1:{self.port}/retries"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        with self._changed:
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def take(self, request: Request) -> Answer:
        """Keep a request; returns the answer to it."""
        with self._changed:
            self.requests.append(request)
            answer = self.script.pop(0) if self.script else self.answer
            if not isinstance(answer, Answer):
                answer = answer(request)
            self._changed.notify_all()
        if answer.delay:
            self.stopped.wait(answer.delay)
        if answer.hold is not None:
            while not (answer.hold.wait(0.05) or self.stopped.is_set()):
                pass
        return answer

    def wait(self, count: int = 1) -> list[Request]:
        """All requests, once there are so many."""
        return self.wait_for(lambda requests: len(requests) >= count, f"{count} requests")

    def wait_for(self, met: Callable[[Sequence[Request]], bool], what: str) -> list[Request]:
        """All requests, once they meet a condition."""
        with self._changed:
            if not self._changed.wait_for(lambda: met(self.requests) or self.stopped.is_set(), PATIENCE_SECONDS):
                raise AssertionError(f"no {what}; there are {len(self.requests)} requests")
            return list(self.requests)

    async def arrived(self, count: int = 1) -> list[Request]:
        """As `wait`, for tests with an event loop."""
        return await asyncio.to_thread(self.wait, count)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    receiver: Receiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that goes away is part of the tests


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True  # whoever sent it was killed in the middle: nothing has arrived
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.receiver.take(Request(self.path, headers, body))
        try:
            self._reply(answer)
        except OSError:
            self.close_connection = True
            self.server.receiver.hung_up.set()

    do_GET = do_POST  # a redirect that was followed would come as one

    def _reply(self, answer: Answer) -> None:
        if answer.close:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with contextlib.suppress(OSError):
                self.connection.close()
            self.close_connection = True
            return
        if answer.raw is not None:
            self.wfile.write(answer.raw)
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.endless:
            self.send_header("connection", "close")
        else:
            self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        if answer.trickle:
            self._trickle(answer)
        elif answer.endless:
            while not self.server.receiver.stopped.is_set():
                self.wfile.write(answer.body)
        else:
            self.wfile.write(answer.body)

    def _trickle(self, answer: Answer) -> None:
        sent = 0
        while answer.endless or sent < len(answer.body):
            self.wfile.write(answer.body[sent % len(answer.body) :][:1])
            sent += 1
            if self.server.receiver.stopped.wait(TRICKLE_SECONDS):
                return

    def log_message(self, format: str, *args: Any) -> None:
        pass
