"""What resolvers get, for tests that call them or execute documents without a server."""

from __future__ import annotations

from app.alerts.channels import Channels
from app.auth import Role, Viewer
from app.auth.sessions import Sessions
from app.background import tellers_of
from app.changes.commits import NO_LISTENERS, Announcements
from app.db import Database
from app.executions.facets import Facets
from app.graphql.bounds import Bounds
from app.ingestion import Ingestion
from app.live.feed import Feed
from app.live.log_notifications import LogNotifications
from app.live.updates import Watchable
from app.metrics.following import MetricsFeed
from app.rates import FREE
from app.retention.rules import Rules
from app.retries import Retries
from app.retries.connecting import Connecting
from app.retries.disconnecting import Disconnecting
from app.settings import Settings
from app.turns import Turns
from resolvers.about import About
from resolvers.context import Context
from tests.sealing import SEALER

BOUNDS = Bounds()
SETTINGS = Settings(_env_file=None)
ABOUT = About(Rules(), retains=False, build=lambda: "")
READER = Viewer("somebody", Role.VIEWER)


def context_of(
    database: Database,
    viewer: Viewer | None = READER,
    *,
    log_notifications: LogNotifications | None = None,
    retries: Retries | None = None,
    announcements: Announcements = NO_LISTENERS,
    feed: Watchable | None = None,
    metrics_feed: MetricsFeed | None = None,
    bounds: Bounds = BOUNDS,
) -> Context:
    """A context for one operation; collaborators that are not given serve nobody else."""
    return Context(
        about=ABOUT,
        database=database,
        facets=Facets(database),
        signed_in=viewer,
        sessions=Sessions(database),
        sealer=SEALER,
        log_notifications=log_notifications or LogNotifications(database),
        retries=retries or Retries(database, SEALER),
        connecting=Connecting(database, SEALER, {}),
        disconnecting=Disconnecting(database, SEALER, Ingestion(database, SEALER)),
        announcements=announcements,
        feed=feed or Feed(database),
        metrics_feed=metrics_feed or MetricsFeed(database),
        alert_channels=Channels(),
        tellers=tellers_of(SETTINGS, database, SEALER),
        compiled=True,
        bounds=bounds,
        turns=Turns(),
        client=FREE,
    )
