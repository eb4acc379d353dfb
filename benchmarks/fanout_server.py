"""A server of live updates in one of the ways that are compared: `python -m benchmarks.fanout_server WAY PORT URL`.

POST /notify says that there is news; GET /subscribers how many are subscribed.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from app.auth import Role, Viewer
from app.db import Database, open_database
from app.graphql.operations import SchemaOperations
from app.graphql.sockets import GraphQLSockets
from app.live.feed import Feed
from app.live.sharing import SharedUpdates
from app.live.updates import Watchable
from app.server.websocket_protocol import WebSocketProtocol
from resolvers.context import Context
from schema import schema
from schema.execution_update import ExecutionUpdate
from tests.contexts import context_of

STOCK, SHARED, PREBUILT, BARE = "stock", "shared", "prebuilt", "bare"
WAYS = (STOCK, SHARED, PREBUILT, BARE)

SOMEBODY = Viewer("bench", Role.ADMIN)


def application(way: str, database: Database) -> Starlette:
    """The same schema over the same feed; nobody has to sign in."""
    feed = Feed(database)
    whole = context_of(database, SOMEBODY, feed=feed)

    def make_context(viewer: Viewer, updates: Watchable = feed) -> Context:
        return replace(whole, signed_in=viewer, feed=updates)

    class Stock(GraphQL[Context, None]):
        async def get_context(self, request: Any, response: Any) -> Context:
            return make_context(SOMEBODY)

    async def sign_in(*_: object) -> Viewer:
        return SOMEBODY

    async def ended(_: Collection[Viewer]) -> list[Viewer]:
        return []

    if way == STOCK:
        sockets: Any = Stock(schema, subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL])
    else:
        shared = SharedUpdates(schema._schema, SchemaOperations(schema), feed, make_context, ExecutionUpdate.of)
        sockets = GraphQLSockets(shared, make_context, sign_in, ended=ended)

    async def notify(_: Request) -> Response:
        feed.notify()
        return Response(status_code=204)

    async def subscribers(_: Request) -> Response:
        return PlainTextResponse(str(feed.subscribers))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await feed.start()
        yield
        await feed.close()

    routes = [
        WebSocketRoute("/graphql", sockets),
        Route("/notify", notify, methods=["POST"]),
        Route("/subscribers", subscribers),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def bare() -> Starlette:
    """A loop that sends a text of the same size to each socket, which nobody has filtered or made."""
    sockets: set[WebSocket] = set()
    text = '{"id":"1","type":"next","payload":' + "x" * 310 + "}"

    async def serve(socket: WebSocket) -> None:
        await socket.accept("graphql-transport-ws")
        await socket.receive_text()
        await socket.send_text('{"type":"connection_ack"}')
        await socket.receive_text()
        sockets.add(socket)
        try:
            await socket.receive_text()
        finally:
            sockets.discard(socket)

    async def notify(request: Request) -> Response:
        for _ in range(int(request.query_params["changes"])):
            for socket in [*sockets]:
                await socket.send_text(text)
        return Response(status_code=204)

    async def subscribers(_: Request) -> Response:
        return PlainTextResponse(str(len(sockets)))

    routes = [
        WebSocketRoute("/graphql", serve),
        Route("/notify", notify, methods=["POST"]),
        Route("/subscribers", subscribers),
    ]
    return Starlette(routes=routes)


async def main(way: str, port: int, url: str) -> None:
    """Serve until a signal."""
    database = await open_database(url)
    config = uvicorn.Config(
        bare() if way == BARE else application(way, database),
        port=port,
        http="httptools",
        ws=WebSocketProtocol if way == PREBUILT else "websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # the crowd does not answer
        loop="uvloop",
        backlog=8192,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    await uvicorn.Server(config).serve()
    await database.close()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
