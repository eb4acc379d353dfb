"""What runs beside the requests of one process: which services there are, in which order, and how all of them end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

from app.alerts.channels import Channels
from app.alerts.delivery import MAILED, POSTED, RECEIVERS, MailHandler, PostHandler
from app.alerts.firing import Firing
from app.alerts.testing import Tellers
from app.alerts.watching import Watching
from app.changes.commits import Announcements
from app.db import Database
from app.delivery.deliveries import Deliveries
from app.delivery.loop import DeliveryLoop
from app.delivery.mail import Mailer
from app.delivery.outbox import Receivers
from app.delivery.port import Handler
from app.engines import EngineKind
from app.ingestion import Ingestion
from app.ingestion.contact import ContactSweep
from app.ingestion.labelling import Labelling
from app.ingestion.log_indexing import LogIndexing
from app.ingestion.regrouping import Regrouping
from app.ingestion.search_indexing import SearchIndexing
from app.live.feed import Feed
from app.live.log_notifications import LogNotifications
from app.live.notifications import LiveNotifications
from app.live.pubsub import PubSub
from app.log import get_logger
from app.metrics.folding import Folding
from app.metrics.following import MetricsFeed
from app.presence import Presence
from app.retention.rules import Rules
from app.retention.service import Retention
from app.retries import OUTBOX_KIND, Retries
from app.retries.celery import CeleryWayBack
from app.retries.connecting import Connecting
from app.retries.delivery import ENGINES, RetryHandler
from app.retries.disconnecting import Disconnecting
from app.retries.port import WayBack
from app.retries.webhook import WebhookWayBack
from app.secrets.sealing import Sealer
from app.settings import Settings

log = get_logger(__name__)


class Closeable(Protocol):
    """An open thing."""

    async def close(self) -> None:
        """Close it."""


class Service(Closeable, Protocol):
    """Runs beside requests.

    `close` is safe before the start, and after a start that failed: afterwards nothing of the service runs or is open.
    """

    async def start(self) -> None:
        """Begin. Returns once the service works."""


class Background:
    """The services of one process, and what requests need from them. BadInput for an invalid RUNWATCH_REDIS_URL."""

    def __init__(self, settings: Settings, database: Database, sealer: Sealer) -> None:
        self.alert_channels = alert_channels(settings)
        self.tellers = tellers_of(settings, database, sealer)
        self.feed, self.log_notifications = Feed(database), LogNotifications(database)
        self.metrics_feed = MetricsFeed(database)
        notifications = LiveNotifications(PubSub(settings.redis_url), self.feed, self.log_notifications)
        folding = Folding(database)
        # Wakes the deliveries. They announce their status, which fires alerts.
        firing = Firing(database, lambda: deliveries.wake())
        announcements = Announcements([notifications.on_commit, folding.on_commit, firing.on_commit])
        self.announcements = announcements
        self.ingestion = Ingestion(database, sealer, announcements)
        ways_back = ways_back_of(settings)
        self.connecting = Connecting(database, sealer, ways_back, settings.alert_networks)
        self.disconnecting = Disconnecting(database, sealer, self.ingestion)
        deliveries = deliveries_of(settings, database, sealer, self.ingestion, announcements, self.tellers, ways_back)
        self.retries = Retries(database, sealer, announcements, deliveries.wake)
        # Each starts after the services that it calls, and so closes before them.
        self.services: Sequence[Service] = (
            self.feed,
            self.metrics_feed,
            self.log_notifications,
            notifications,  # wake both, and tell other processes what the services below commit until all have closed
            self.ingestion,
            Presence(database, sealer),  # gives deliveries back the time when nobody was there
            deliveries,
            ContactSweep(database, settings.contact_lost_seconds, announcements),
            Labelling(database, sealer),
            Regrouping(database),
            self.ingestion.splitting,
            LogIndexing(database),
            SearchIndexing(database),
            folding,
            retention_of(settings, database, announcements),
            firing,  # wakes the deliveries
            Watching(database, deliveries.wake),
        )


@asynccontextmanager
async def running(services: Iterable[Service], opened: Iterable[Closeable]) -> AsyncIterator[None]:
    """Start the services in order. At the end close them in reverse order, then what was `opened` before.

    A start that fails closes everything, and raises. A close that fails is logged, and the others close all the same.
    """
    async with AsyncExitStack() as stack:
        for each in opened:
            stack.push_async_callback(_close, each)
        for service in services:
            stack.push_async_callback(_close, service)  # before the start, which may fail half way
            await service.start()
        yield


async def _close(opened: Closeable) -> None:
    try:
        await opened.close()
    except Exception:
        log.exception("service_not_closed", service=type(opened).__name__)


def deliveries_of(
    settings: Settings,
    database: Database,
    sealer: Sealer,
    ingestion: Ingestion,
    announcements: Announcements,
    tellers: Tellers,
    ways_back: Mapping[EngineKind, WayBack],
) -> Deliveries:
    """The deliveries of retries to engines, and of alerts."""
    timeout = settings.dispatch_timeout_seconds
    retries = RetryHandler(database, sealer, ingestion, ways_back, announcements)
    posts, mail, _ = tellers

    def loop(kinds: Iterable[str], handler: Handler, receivers: Receivers) -> DeliveryLoop:
        give_up_after = settings.dispatch_give_up_seconds
        handlers = dict.fromkeys(kinds, handler)
        return DeliveryLoop(database, handlers, timeout=timeout, give_up_after=give_up_after, receivers=receivers)

    loops = [loop([OUTBOX_KIND], retries, ENGINES), loop(POSTED, posts, RECEIVERS), loop([MAILED], mail, RECEIVERS)]
    return Deliveries(loops, [*ways_back.values(), posts])


def ways_back_of(settings: Settings) -> dict[EngineKind, WayBack]:
    """How retries reach engines, by their kinds."""
    timeout, networks = settings.dispatch_timeout_seconds, settings.alert_networks
    return {
        EngineKind.WEBHOOK: WebhookWayBack(timeout, networks),
        EngineKind.CELERY: CeleryWayBack(timeout, networks),
    }


def tellers_of(settings: Settings, database: Database, sealer: Sealer) -> Tellers:
    """What tells of alerts, by post and by mail."""
    timeout, server, url = settings.dispatch_timeout_seconds, settings.mail_server, settings.public_url
    posts = PostHandler(database, sealer, alert_channels(settings), timeout, url)
    return Tellers(posts, MailHandler(database, None if server is None else Mailer(server, timeout), url), url)


def retention_of(settings: Settings, database: Database, announcements: Announcements) -> Retention:
    """Deletes what is no longer kept, if it is on."""
    rules = Rules.of(settings) if settings.retention == "on" else None
    return Retention(database, rules, settings.retention_grace_seconds, announcements)


def alert_channels(settings: Settings) -> Channels:
    """What an operator lets alert rules use."""
    return Channels(settings.alert_networks, mail=settings.mail_server is not None)
