"""Deliveries: from the outbox to whoever has to get them. One file for each kind of receiver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.db import Database
from app.dispatch.celery import CeleryChannel
from app.dispatch.loop import DispatchLoop
from app.dispatch.port import Channel
from app.dispatch.retries import RetryHandler
from app.dispatch.webhook import WebhookChannel
from app.engines import EngineKind
from app.ingestion import Ingestion, Listener
from app.retries import OUTBOX_KIND
from app.sealing import Sealer
from app.settings import Settings


class Dispatch:
    """The dispatch of one process, with a channel for each kind of engine."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        ingestion: Ingestion,
        settings: Settings,
        listeners: Sequence[Listener] = (),
    ) -> None:
        timeout = settings.dispatch_timeout_seconds
        self._channels: Mapping[EngineKind, Channel] = {
            EngineKind.WEBHOOK: WebhookChannel(timeout),
            EngineKind.CELERY: CeleryChannel(timeout),
        }
        handlers = {OUTBOX_KIND: RetryHandler(database, sealer, ingestion, self._channels, listeners)}
        self._loop = DispatchLoop(database, handlers, timeout=timeout, give_up_after=settings.dispatch_give_up_seconds)

    def start(self) -> None:
        """Deliver in the background."""
        self._loop.start()

    def wake(self) -> None:
        """Something was put into the outbox."""
        self._loop.wake()

    async def close(self) -> None:
        """Wait for what is under way, and close the channels."""
        await self._loop.close()
        for channel in self._channels.values():
            await channel.close()
