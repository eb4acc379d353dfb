"""A server with sockets in this process, and a client that speaks to them message by message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
import websockets
from starlette.types import ASGIApp
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from app.graphql.messages import SUBPROTOCOL
from app.server.serving import MAX_MESSAGE_BYTES
from app.server.websocket_protocol import WebSocketProtocol
from tests.app.listening import listening


@asynccontextmanager
async def serving(app: ASGIApp, **more: Any) -> AsyncIterator[str]:
    """A real server of the app; the address of its sockets."""
    config = uvicorn.Config(
        app,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=5,
        **{"ws": WebSocketProtocol, **more},
    )
    async with listening(config) as port:
        yield f"ws://127.0.0.1:{port}/graphql"


class Socket:
    """A client's end of a socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, type_: str, id_: str | None = None, payload: Any = None) -> None:
        """One message."""
        await self.raw(
            json.dumps({"type": type_} | ({"id": id_} if id_ else {}) | ({"payload": payload} if payload else {}))
        )

    async def raw(self, data: str | bytes) -> None:
        """One frame."""
        await self.connection.send(data)

    async def init(self, token: str | None = None) -> None:
        """Sign in, and wait for the answer."""
        await self.send("connection_init", payload=None if token is None else {"authorization": f"Bearer {token}"})
        assert await self.next() == {"type": "connection_ack"}

    async def subscribe(self, id_: str, query: str, **variables: Any) -> None:
        """Ask for an operation."""
        await self.send("subscribe", id_, {"query": query, "variables": variables})

    async def next(self) -> Any:
        """The next message."""
        async with asyncio.timeout(10):
            text = await self.connection.recv()
        assert isinstance(text, str)
        return json.loads(text)

    async def only(self, id_: str) -> Any:
        """The payload of an operation that gives one result and is over."""
        message = await self.next()
        assert (message["type"], message["id"]) == ("next", id_), message
        assert await self.next() == {"type": "complete", "id": id_}
        return message["payload"]

    async def code(self) -> str:
        """The code of the only error of the operation that is refused next."""
        message = await self.next()
        assert message["type"] == "error", message
        (error,) = message["payload"]
        return str(error["extensions"]["code"])

    async def end(self) -> tuple[int, str]:
        """How the server closes it."""
        async with asyncio.timeout(15):
            with suppress(websockets.ConnectionClosedError):
                async for _ in self.connection:
                    pass
        assert self.connection.close_code is not None
        return self.connection.close_code, self.connection.close_reason or ""


@asynccontextmanager
async def connect(
    url: str, token: str | None = None, subprotocols: tuple[str, ...] = (SUBPROTOCOL,), **more: Any
) -> AsyncIterator[Socket]:
    """An open socket; with a token in its upgrade request, signed in by that."""
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    async with websockets.connect(
        url,
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        additional_headers=headers,
        compression=None,
        proxy=None,
        ping_interval=None,
        close_timeout=2,
        **more,
    ) as connection:
        yield Socket(connection)
