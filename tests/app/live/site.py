"""One feed behind three servers: updates executed for each by itself, shared, and shared as finished frames."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from time import process_time
from typing import Any

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import Scope

from app.auth import Role, Viewer
from app.changes import revisions
from app.changes.commits import Announcements
from app.db import Database
from app.graphql.operations import SchemaOperations
from app.graphql.sockets import GraphQLSockets, Limits
from app.ingestion import Ingestion
from app.live.feed import Feed
from app.live.sharing import SharedUpdates
from app.live.updates import Update, Watchable
from app.retries import Retries
from app.server.websocket_protocol import WebSocketProtocol
from resolvers.context import Context
from schema import schema
from schema.execution_update import ExecutionUpdate
from specs.harness.waiting import until
from tests.app.graphql.sockets import Socket, connect, serving
from tests.contexts import context_of
from tests.sealing import SEALER

UPDATES = "subscription U($filter: ExecutionFilter, $after: String) { executionUpdated(filter: $filter, after: $after) "
SMALL = UPDATES + "{ cursor change matches execution { externalId state } } }"
LOOK_SECONDS, QUIET_LOOKS = 0.01, 10
WAYS = ("ordinary", "shared", "prebuilt")


class Site:
    """One feed, and three servers of it: everything executed by itself, shared, and shared as finished frames."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.feed = Feed(database)
        self.retries = Retries(database, SEALER, Announcements([lambda _: self.feed.notify()]), lambda: None)
        self.ingestion = Ingestion(database, SEALER, Announcements([lambda _: self.feed.notify()]))
        self.executed = 0
        self.urls: dict[str, str] = {}
        self.shared = SharedUpdates(
            schema._schema, SchemaOperations(schema), self.feed, self.make_context, self._root_of
        )

    def make_context(self, viewer: Viewer, updates: Watchable | None = None) -> Context:
        return context_of(self.database, viewer, retries=self.retries, feed=updates or self.feed)

    def _root_of(self, update: Update) -> ExecutionUpdate:
        self.executed += 1
        return ExecutionUpdate.of(update)

    @asynccontextmanager
    async def running(self, limits: Limits) -> AsyncIterator[Site]:
        async def sign_in(_: Scope, payload: dict[str, Any]) -> Viewer:
            role = payload.get("authorization", "Bearer ADMIN").removeprefix("Bearer ")
            return Viewer(f"somebody {random.random()}", Role(role))

        await self.feed.start()
        async with AsyncExitStack() as stack:
            for way in WAYS:
                operations = SchemaOperations(schema) if way == "ordinary" else self.shared
                app: Any = GraphQLSockets(operations, self.make_context, sign_in, limits, ended=nobody)
                server = serving(
                    Starlette(routes=[WebSocketRoute("/graphql", app)]),
                    ws=WebSocketProtocol if way == "prebuilt" else "websockets-sansio",
                )
                self.urls[way] = await stack.enter_async_context(server)
            yield self
        await self.feed.close()

    async def settled(self) -> None:
        """Wait until nobody works on updates: neither the database, nor this process, in a tenth of a second."""
        quiet = 0
        while quiet < QUIET_LOOKS:
            cpu = process_time()
            await asyncio.sleep(LOOK_SECONDS)
            busy = sum(number for (*_, state), number in self.database.connections().items() if state == "busy")
            quiet = 0 if busy or process_time() - cpu > LOOK_SECONDS / 3 else quiet + 1

    async def cursor(self) -> str:
        return revisions.updates_cursor(*await revisions.revision_of(self.database))


async def nobody(_: Collection[Viewer]) -> list[Viewer]:
    """No sign-in has ended."""
    return []


@asynccontextmanager
async def subscribed(
    site: Site, way: str, document: str = SMALL, role: Role = Role.ADMIN, id_: str = "1", **variables: Any
) -> AsyncIterator[Socket]:
    before = site.feed.subscribers
    async with connect(site.urls[way]) as socket:
        await socket.init(role.value)
        await socket.subscribe(id_, document, **variables)
        await until(lambda: site.feed.subscribers > before)
        yield socket


def exactly(text: str | bytes) -> Any:
    """A message with the digits of its numbers as they came."""
    return json.loads(text, parse_int=lambda digits: ("int", digits), parse_float=lambda digits: ("float", digits))


async def raw(socket: Socket) -> Any:
    async with asyncio.timeout(10):
        return exactly(await socket.connection.recv())
