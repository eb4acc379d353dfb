"""Where Runwatch sends retries: a webhook that verifies, records, answers at once, and runs afterwards."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from runwatch_client import RetryRequest, WebhookError, webhook

log = logging.getLogger("engine.receiver")

PATH = "/retries"
# Runwatch keeps at most 256 KiB of trigger data; the rest of a request is small.
MAX_BODY = 1024 * 1024

# The status to answer with, and why. 2xx: accepted. 410: do not ask again. All else: ask again later.
Answer = tuple[int, str]


class Receiver(ThreadingHTTPServer):
    """Listens on 127.0.0.1; OSError if the port is taken. `accept` receives each request with a valid signature."""

    def __init__(self, port: int, secret: str, accept: Callable[[RetryRequest], Answer]) -> None:
        webhook.key_of(secret)  # raises ValueError now, not at the first request
        super().__init__(("127.0.0.1", port), _Handler)
        self.secret = secret
        self.accept = accept


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    timeout = 10  # seconds, for clients that connect and say nothing

    def do_POST(self) -> None:
        status, said = self._receive()
        log.log(logging.INFO if status < 300 else logging.WARNING, "a request was answered %d: %s", status, said)
        body = f"{said}\n".encode()
        self.send_response(status)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _receive(self) -> Answer:
        if self.path != PATH:
            return 404, f"retries go to {PATH}"
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return 413, f"a request needs a Content-Length of at most {MAX_BODY} bytes"
        body = self.rfile.read(int(length))  # the bytes as they arrived: the signature is of them
        try:
            request = webhook.verify(body, dict(self.headers.items()), self.server.secret)
        except WebhookError as error:
            return 400, str(error)
        return self.server.accept(request)

    def log_message(self, format: str, *args: object) -> None:
        """Do not log here: do_POST does."""
