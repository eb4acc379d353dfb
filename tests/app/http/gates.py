"""What stands behind the gate, and before it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth import Viewer
from app.http.gate import viewer_in
from tests.app.listening import listening

SECRET = "a shared secret of at least thirty-two bytes"


class Inside:
    """The app behind the gate: says who came in, and remembers that somebody did."""

    def __init__(self) -> None:
        self.viewers: list[Viewer] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.viewers.append(viewer_in(scope))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"in"})


async def never(*_: Any) -> Any:
    pytest.fail("the body was asked for")


@asynccontextmanager
async def serving(app: ASGIApp, http: Any = "httptools") -> AsyncIterator[int]:
    """A real server of the app on the loopback interface; its port."""
    config = uvicorn.Config(app, http=http, ws="websockets-sansio", lifespan="off", log_config=None)
    async with listening(config) as port:
        yield port
