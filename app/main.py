"""The server: its routes, and the services that start and end with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from app.alerts.firing import Firing
from app.asgi.request_log import RequestLog
from app.auth import SignIn, Viewer
from app.background import Dispatch, alert_channels
from app.changes.commits import Announcements
from app.db import Database
from app.graphql.operations import SchemaOperations
from app.graphql.sockets import GraphQLSockets, Limits
from app.graphql.view import GraphQLView
from app.http.events import EventsDoor
from app.http.gate import SignInGate, socket_authorization, viewer_in
from app.http.index import Health, index, refuse_unknown
from app.ingestion import Ingestion
from app.ingestion.contact import ContactSweep
from app.live.feed import Feed
from app.live.hints import LiveHints
from app.live.log_hints import LogSignals
from app.live.pubsub import PubSub
from app.live.sharing import SharedUpdates
from app.live.updates import Watchable
from app.metrics.folding import Folding
from app.retries import Retries
from app.secrets.sealing import Sealer
from app.settings import Settings
from resolvers.context import Context
from schema import schema
from schema.execution_update import ExecutionUpdate


def create_app(settings: Settings, database: Database, sealer: Sealer) -> ASGIApp:
    """The ASGI application over an open, migrated database, which it closes at the end."""
    sign_in = SignIn(database, settings)
    log_signals, feed = LogSignals(database), Feed(database)
    hints = LiveHints(PubSub(settings.redis_url), feed, log_signals)
    folding = Folding(database)
    # Wakes the deliveries. They announce their status, which fires alerts.
    firing = Firing(database, lambda: dispatch.wake())
    announcements = Announcements([hints.hear, folding.hear, firing.hear])
    ingestion = Ingestion(database, sealer, announcements)
    dispatch = Dispatch(database, sealer, ingestion, settings, announcements)
    retries = Retries(database, sealer, announcements, dispatch.wake)
    contact = ContactSweep(database, settings.contact_lost_seconds, announcements)
    channels = alert_channels(settings)

    def make_context(viewer: Viewer, updates: Watchable = feed) -> Context:
        return Context(database, viewer, sealer, log_signals, retries, updates, channels)

    async def sign_in_socket(scope: Scope, payload: dict[str, Any]) -> Viewer:
        return await sign_in.viewer_of(socket_authorization(scope, payload))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await feed.start()
        log_signals.start()
        await hints.start()
        dispatch.start()
        contact.start()
        folding.start()
        firing.start()
        yield
        await firing.close()
        await folding.close()
        await contact.close()
        await dispatch.close()
        await hints.close()
        await log_signals.close()
        await feed.close()
        await sign_in.close()
        await database.close()

    graphql = GraphQLView(
        schema, lambda request: make_context(viewer_in(request.scope)), settings.max_graphql_body_bytes
    )
    operations = SharedUpdates(schema._schema, SchemaOperations(schema), feed, make_context, ExecutionUpdate.of)
    limits = Limits(
        operations_of_viewer=settings.max_subscriptions_per_token, operations_of_all=settings.max_subscriptions
    )
    sockets = GraphQLSockets(operations, make_context, sign_in_socket, limits)
    events = EventsDoor(ingestion, sealer, settings)
    routes = [
        Route("/", index),
        Route("/health", Health(database).check),
        Route("/graphql", graphql.run, methods=["GET", "POST"]),
        WebSocketRoute("/graphql", sockets),
        Route("/api/events", events.receive, methods=["POST"]),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: refuse_unknown})
    # It would redirect /graphql/ to http:// and whatever host the client named, without TLS behind a proxy that has it.
    app.router.redirect_slashes = False
    return RequestLog(_Guard(app, sign_in))


class _Guard:
    """Puts the gate in front of every path that shows or takes data, including unknown paths below them."""

    def __init__(self, app: ASGIApp, sign_in: SignIn) -> None:
        self._open = app
        self._gate = SignInGate(app, sign_in)
        self._sockets = SignInGate(app, sign_in, websocket=app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path == "/graphql":
            await self._sockets(scope, receive, send)
            return
        guarded = scope["type"] == "websocket" or path.partition("/")[2].partition("/")[0] in ("graphql", "api")
        await (self._gate if guarded else self._open)(scope, receive, send)
