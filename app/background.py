"""Deliveries: from the outbox to whoever has to get them. One file for each kind of receiver."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from app.alerts.channels import EMAIL, WEBHOOK, Channels
from app.alerts.delivery import ADDRESSES, HOSTS, MailHandler, WebhookHandler
from app.changes.commits import NO_LISTENERS, Announcements
from app.db import Database
from app.delivery.loop import DispatchLoop
from app.delivery.mail import Mailer
from app.delivery.outbox import Receivers
from app.delivery.port import Handler
from app.engines import EngineKind
from app.ingestion import Ingestion
from app.retries import OUTBOX_KIND
from app.retries.celery import CeleryChannel
from app.retries.delivery import ENGINES, RetryHandler
from app.retries.port import Channel
from app.retries.webhook import WebhookChannel
from app.secrets.sealing import Sealer
from app.settings import Settings


class Dispatch:
    """The deliveries of one process, with a channel for each kind of engine."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        ingestion: Ingestion,
        settings: Settings,
        announcements: Announcements = NO_LISTENERS,
    ) -> None:
        timeout = settings.dispatch_timeout_seconds
        self._channels: Mapping[EngineKind, Channel] = {
            EngineKind.WEBHOOK: WebhookChannel(timeout),
            EngineKind.CELERY: CeleryChannel(timeout),
        }
        server, url = settings.mail_server, settings.public_url
        self._webhooks = WebhookHandler(database, sealer, alert_channels(settings), timeout, url)
        mail = MailHandler(database, None if server is None else Mailer(server, timeout), url)
        give_up_after = settings.dispatch_give_up_seconds
        # A loop each: stalled receivers of one kind hold up no delivery of another.
        handlers: Sequence[tuple[str, Handler, Receivers]] = (
            (OUTBOX_KIND, RetryHandler(database, sealer, ingestion, self._channels, announcements), ENGINES),
            (WEBHOOK, self._webhooks, HOSTS),
            (EMAIL, mail, ADDRESSES),
        )
        self._loops = [
            DispatchLoop(database, {kind: handler}, timeout=timeout, give_up_after=give_up_after, receivers=receivers)
            for kind, handler, receivers in handlers
        ]

    def start(self) -> None:
        """Deliver in the background."""
        for loop in self._loops:
            loop.start()

    def wake(self) -> None:
        """Something was added to the outbox."""
        for loop in self._loops:
            loop.wake()

    async def close(self) -> None:
        """Wait for deliveries in progress, and close the channels."""
        await asyncio.gather(*(loop.close() for loop in self._loops))
        for channel in self._channels.values():
            await channel.close()
        await self._webhooks.close()


def alert_channels(settings: Settings) -> Channels:
    """What an operator lets alert rules use."""
    return Channels(settings.alert_networks, mail=settings.mail_server is not None)
