"""The server: its routes, and what it starts and ends with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth import SignIn
from app.db import Database
from app.graphql.view import GraphQLView
from app.http.doors import Health, index, refuse_unknown
from app.http.events import EventsDoor
from app.http.gate import SignInGate
from app.http.requests import RequestLog
from app.ingestion import Ingestion
from app.log_signals import LogSignals
from app.sealing import Sealer
from app.settings import Settings
from resolvers.context import Context
from schema import schema


def create_app(settings: Settings, database: Database, sealer: Sealer) -> ASGIApp:
    """The ASGI application over an open, migrated database, which it closes when it ends."""
    sign_in = SignIn(database, settings)
    log_signals = LogSignals()

    def make_context(request: Request) -> Context:
        return Context(database, request.state.viewer, sealer, log_signals)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await sign_in.close()
        await database.close()

    graphql = GraphQLView(schema, make_context, settings.max_graphql_body_bytes)
    events = EventsDoor(Ingestion(database, sealer, [log_signals.hear]), sealer, settings)
    routes = [
        Route("/", index),
        Route("/health", Health(database).check),
        Route("/graphql", graphql.run, methods=["GET", "POST"]),
        Route("/api/events", events.receive, methods=["POST"]),
    ]
    return RequestLog(
        _Guard(Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: refuse_unknown}), sign_in)
    )


class _Guard:
    """Puts the gate in front of every path that shows or takes data, the unknown ones below them included."""

    def __init__(self, app: ASGIApp, sign_in: SignIn) -> None:
        self._open = app
        self._gate = SignInGate(app, sign_in)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        guarded = scope["type"] == "websocket" or path.partition("/")[2].partition("/")[0] in ("graphql", "api")
        await (self._gate if guarded else self._open)(scope, receive, send)
