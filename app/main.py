"""The server: its routes, and the services that start and end with it."""

from __future__ import annotations

import platform
from collections import ChainMap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from app.asgi.request_log import RequestLog
from app.auth import SignIn, Viewer
from app.auth.attempts import Attempts
from app.background import Background, running
from app.db import Database
from app.db.shares import share_of
from app.executions.facets import Facets
from app.graphql.bounds import Bounds
from app.graphql.operations import SchemaOperations
from app.graphql.persisted import Persisted, PersistedOperations
from app.graphql.sockets import GraphQLSockets, Limits
from app.graphql.trusted import listed_by_operator
from app.graphql.view import METHODS, GraphQLView
from app.http.cors import Cors
from app.http.dashboard import Dashboard
from app.http.events import EventsDoor
from app.http.exports import ExportsDoor
from app.http.gate import Guard, SocketSignIn, viewer_in
from app.http.health import Health
from app.http.hosts import Hosts, OneLoopback
from app.http.index import index, refuse_unknown
from app.http.proxies import Proxies
from app.http.scraping import OwnListener, Scraping
from app.http.sessions import BrowserSessions
from app.live.sharing import SharedUpdates
from app.live.updates import Watchable
from app.monitor import numbers, process
from app.monitor.slots import Slots
from app.rates import Rates, RatesAllowed
from app.retention.rules import Rules
from app.secrets.sealing import Sealer
from app.settings import Settings
from app.sweep import Sweep
from app.turns import Turns
from resolvers.about import About
from resolvers.context import Context
from schema import schema
from schema.execution_update import ExecutionUpdate
from schema.filter_json import execution_filter

# A revoked credential ends its open sockets within this time; its requests and new operations are refused at once.
EXPIRY_SECONDS = 2.0


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        cost=settings.max_operation_cost,
        answer_bytes=settings.max_answer_bytes,
        errors=settings.max_errors,
        seconds=settings.max_operation_seconds,
        introspection=settings.graphql_introspection,
    )


def _rates(settings: Settings) -> Rates:
    return Rates(
        RatesAllowed(
            cost_per_minute=settings.max_cost_per_minute,
            event_bytes_per_minute=settings.max_event_bytes_per_minute,
            concurrent_operations=settings.max_concurrent_operations,
            concurrent_event_bodies=settings.max_concurrent_event_bodies,
            failed_sign_ins_per_minute=settings.max_failed_sign_ins_per_minute,
            redis_url=settings.redis_url,
        )
    )


def create_app(settings: Settings, database: Database, sealer: Sealer, slots: Slots | None = None) -> ASGIApp:
    """The ASGI application over an open, migrated database, which it closes at the end.

    `slots` are those of all worker processes.
    """
    slots = slots or Slots()
    bounds, turns, rates = _bounds(settings), Turns(), _rates(settings)
    sign_in = SignIn(database, settings, Attempts(rates.failed_sign_ins))
    sessions = BrowserSessions(sign_in, settings.public_url)
    background = Background(settings, database, sealer)
    feed, facets = background.feed, Facets(share_of(database))
    only_trusted = settings.graphql_documents == "trusted"
    dashboard = Dashboard(graphiql=not only_trusted)
    listed = listed_by_operator(settings.trusted_documents)
    persisted = Persisted(schema._schema, lambda: ChainMap(listed, dashboard.documents), only_trusted=only_trusted)
    about = About(Rules.of(settings), settings.retention == "on", lambda: dashboard.build)

    def make_context(viewer: Viewer, updates: Watchable = feed) -> Context:
        return Context(
            about=about,
            database=database,
            facets=facets,
            signed_in=viewer,
            sessions=sign_in.sessions,
            sealer=sealer,
            log_notifications=background.log_notifications,
            retries=background.retries,
            connecting=background.connecting,
            disconnecting=background.disconnecting,
            announcements=background.announcements,
            feed=updates,
            metrics_feed=background.metrics_feed,
            alert_channels=background.alert_channels,
            tellers=background.tellers,
            compiled=settings.graphql == "compiled",
            bounds=bounds,
            turns=turns,
            client=rates.of_operations(viewer.credential, viewer.session),
        )

    view = GraphQLView(schema, lambda scope: make_context(viewer_in(scope)), settings.max_graphql_body_bytes, persisted)
    shared = SharedUpdates(schema._schema, SchemaOperations(schema), feed, make_context, ExecutionUpdate.of)
    operations = PersistedOperations(persisted, shared)
    limits = Limits(
        operations_of_viewer=settings.max_subscriptions_per_token, operations_of_all=settings.max_subscriptions
    )
    sockets = GraphQLSockets(
        operations,
        make_context,
        SocketSignIn(sign_in, sessions),
        limits,
        ended=sign_in.ended,
        resolve=persisted.resolve,
    )
    expiry = Sweep(sockets.sweep, "sockets_not_swept", seconds=EXPIRY_SECONDS)
    events = EventsDoor(background.ingestion, sealer, settings, rates, turns)
    exports = ExportsDoor(share_of(database), rates, execution_filter)
    health = Health(database, settings.min_free_bytes)
    build = (metadata.version("runwatch"), platform.python_version(), database.dialect.value)
    scraping = Scraping(database, slots, build, retains=settings.retention == "on")
    _watch(background, sockets, database)
    routes = [
        Route("/", index),
        Route("/health", health.check),
        Route("/health/live", health.live),
        Route("/health/ready", health.ready),
        Route("/metrics", scraping.answer),
        Route("/session", sessions.answer, methods=["GET", "POST", "PATCH", "DELETE"]),
        *_provider_routes(sign_in, database, sealer, settings.public_url),
        Route("/graphql", view, methods=METHODS),
        WebSocketRoute("/graphql", sockets),
        Route("/api/events", events.receive, methods=["POST"]),
        Route("/api/export/executions", exports.executions, methods=["POST"]),
        Route("/api/export/log", exports.log, methods=["POST"]),
        *dashboard.routes,
    ]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with running((slots, *background.services, expiry), opened=(database, sign_in, rates, health)):
            yield

    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: refuse_unknown})
    # It would redirect /graphql/ to http:// and whatever host the client named, without TLS behind a proxy that has it.
    app.router.redirect_slashes = False
    guarded = Cors(Guard(app, sign_in, sessions, view), settings.allowed_origins, settings.public_url)
    paged = OneLoopback(guarded, settings.host, settings.public_url)
    hosted = Hosts(paged, settings.public_url, settings.allowed_hosts)
    served = Proxies(RequestLog(hosted, dashboard.headers), settings.trusted_proxies)
    scraped_at = settings.metrics_address
    return served if scraped_at is None else OwnListener(served, scraping, scraped_at[1])


def _provider_routes(sign_in: SignIn, database: Database, sealer: Sealer, public_url: str) -> list[Route]:
    if sign_in.provider is None:
        return []
    from app.http.oidc import ProviderSignIn  # here, since few need what it imports

    return ProviderSignIn(sign_in.provider, database, sealer, public_url).routes


def _watch(background: Background, sockets: GraphQLSockets[Viewer], database: Database) -> None:
    """Have the gauges ask for what is open in this process."""
    process.watch()
    feed = background.feed
    numbers.WEBSOCKETS.ask = lambda: {(): float(len(sockets.open))}
    numbers.OPERATIONS.ask = lambda: {(): float(sockets.running.total)}
    numbers.SUBSCRIBERS.ask = lambda: {(): float(feed.subscribers)}
    numbers.FEED_LAG.ask = lambda: {(): float(feed.behind)}
    numbers.FEED_AGE.ask = lambda: {(): feed.looked_ago}
    numbers.CONNECTIONS.ask = database.connections
