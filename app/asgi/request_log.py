"""Around every request: an id, a line in the log, and a coded answer to an unexpected exception."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

import app.log
from app.asgi.answers import error_body
from app.errors import Unavailable, masked
from app.ids import new_request_id
from app.log import get_logger
from app.monitor import numbers

log = get_logger(__name__)

# A request id that a proxy may send. Anything else is replaced, so that it cannot forge log lines.
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestLog:
    """ASGI: binds a request id to the log and to X-Request-ID, logs the outcome, masks uncaught exceptions.

    What an app puts into scope["state"]["log"] stands in the line too. Every answer has `headers`, as they are then.
    """

    def __init__(self, app: ASGIApp, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        app.log.request_id.set(request_id)
        state = scope.setdefault("state", {})
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                id_ = (b"x-request-id", request_id.encode())
                message["headers"] = [*message.get("headers", ()), *self._headers, id_]
            await send(message)

        async def fail(error: Exception) -> None:
            body = error_body(masked(error))
            if status:
                raise error  # the answer has started; the server cuts the connection
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            code = 500
            if isinstance(error, Unavailable):  # it says nothing of the request, nor of who sent it
                code = 503
                headers.append((b"retry-after", b"1"))
            await send_with_id({"type": "http.response.start", "status": code, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:
            await fail(error)
        except asyncio.CancelledError:
            # The server ends, and has waited for this for long enough. uvicorn would log where it was, and answer 500.
            if not status:
                await fail(Unavailable("The server ends"))
        finally:
            took = time.perf_counter() - started
            elapsed, door = round(took * 1000, 1), numbers.path_of(scope["path"])
            numbers.REQUESTS.add(1, door, str(status))
            numbers.REQUEST_SECONDS.observe(took, door)
            client = scope.get("client")
            line = {
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "ms": elapsed,
                "from": client and client[0],
                **state.get("log", {}),
            }
            if app.log.request_line is None:
                log.info("request", **line)
            else:
                app.log.request_line({**line, "event": "request", "request_id": request_id, "logger": __name__})


def _request_id(scope: Scope) -> str:
    """The first that a proxy has sent, or a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            if _REQUEST_ID.fullmatch(value):
                return str(value, "ascii")
            break
    return new_request_id()
