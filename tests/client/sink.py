"""A server that accepts events as Runwatch does, and can be made to fail, stall or break off."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Event = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


def accept(events: list[Event]) -> Answer:
    """What Runwatch answers to events that it takes."""
    return 202, {}, json.dumps({"accepted": len(events), "rejected": []}).encode()


class Sink:
    """Keeps what it receives. `script` answers the next requests, one function each; then everything is accepted."""

    def __init__(self, port: int = 0) -> None:
        self.events: list[Event] = []
        self.batches: list[list[Event]] = []
        self.requests: list[dict[str, str]] = []
        self.script: list[Callable[[list[Event]], Answer | None]] = []
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.sink = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, headers: dict[str, str], body: bytes) -> Answer | None:
        """The answer to one request; None to reset the connection."""
        events = json.loads(body)
        with self._lock:
            self.requests.append(headers)
            self.batches.append(events)
            answer = self.script.pop(0) if self.script else accept
        result = answer(events)
        if result is not None and result[0] == 202:
            with self._lock:
                self.events += events
        return result

    def of(self, subject: str, type_: str | None = None) -> list[Event]:
        """The events of a run, in the order of their times; each once, though it is sent again after a lost answer."""
        with self._lock:
            found = {each["id"]: each for each in self.events if each["subject"] == subject}
        return sorted((each for each in found.values() if type_ in (None, each["type"])), key=lambda each: each["time"])

    def wait(self, met: Callable[[], Any], seconds: float = 60) -> Any:
        """What `met` returns, once it is something."""
        deadline = time.monotonic() + seconds
        while not (found := met()):
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"not met; heard: {[(each['subject'][-6:], each['type']) for each in self.events]}"
                )
            time.sleep(0.01)
        return found

    def finish(self, subject: str, seconds: float = 60) -> Event:
        """The data of the first end of a run, once it is there."""
        found: list[Event] = self.wait(lambda: self.of(subject, "execution.finished"), seconds)
        data: Event = found[0]["data"]
        return data

    def queued(self, subject: str) -> Event:
        """The data of the only execution.queued of a run, once it is there: its publisher is another process."""
        [event] = self.wait(lambda: self.of(subject, "execution.queued"))
        data: Event = event["data"]
        return data

    def steps(self, subject: str) -> dict[int, Event]:
        """The last end of each step that has ended, by index."""
        return {each["data"]["step"]["index"]: each["data"]["step"] for each in self.of(subject, "step.finished")}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    sink: Sink

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that goes away is part of the tests


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()} | {"path": self.path}
        answer = self.server.sink.take(headers, body)
        if answer is None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with contextlib.suppress(OSError):
                self.connection.close()
            self.close_connection = True
            return
        status, more, content = answer
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(content)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass
