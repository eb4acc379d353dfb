"""What administrators do about ways back over the API: connect an engine, renew its secret, see whether it is there.

The verbs are those of `runwatch engine`. In addition they are audited, and what somebody names over the API leads only
where the operator lets alerts go: the server posts trigger data there, and shows what is answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app import audit, engines, ids
from app.db import Database
from app.delivery import outbox
from app.delivery.addresses import Network
from app.delivery.port import NotDelivered
from app.delivery.webhook_url import secrets_of
from app.engines import Engine, EngineKind
from app.engines.connections import (
    BROKER_ARGUMENT,
    OverApi,
    check_celery,
    connect_celery,
    connect_webhook,
    rotate_secret,
    unsealed_connection,
)
from app.errors import Conflict, NotFound
from app.idempotency import check_key
from app.presence import check_readable
from app.retries.port import WayBack
from app.secrets.masking import Masker
from app.secrets.sealing import Sealer


@dataclass(frozen=True, slots=True)
class NewWayBack:
    """A way back as it is to be: one of the URLs. BadInput for an invalid key."""

    engine: str
    webhook_url: str | None
    broker_url: str | None
    replace: bool
    key: str | None

    def __post_init__(self) -> None:
        check_key(self.key)


@dataclass(frozen=True, slots=True)
class Rotation:
    """An engine's secret to be renewed; the present one signs too for `overlap` µs. BadInput for an invalid key."""

    engine_id: str
    overlap: int
    key: str | None

    def __post_init__(self) -> None:
        check_key(self.key)


@dataclass(frozen=True, slots=True)
class Connected:
    """An engine, and the secret that signs its webhooks, if it has one."""

    engine: Engine
    secret: str | None


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of a test: what was reached, or why not."""

    detail: str
    is_reached: bool


class Connecting:
    """Connects engines. `networks`: what they may reach beside the public internet."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        ways_back: Mapping[EngineKind, WayBack],
        networks: Sequence[Network] = (),
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._ways_back = ways_back
        self._networks = networks

    async def connect(self, actor: str, wanted: NewWayBack) -> Connected:
        """Connect an engine, which is registered if missing.

        BadInput for an invalid name or URL, Conflict for an engine that is connected already, unless it is to be
        replaced, and while another server could not read what this one encrypts.
        """
        asked = OverApi(actor, self._networks, wanted.key)
        if wanted.broker_url is not None:
            check_celery(wanted.broker_url, BROKER_ARGUMENT)
        await check_readable(self._database, self._sealer)
        secret = None
        if wanted.broker_url is not None:
            await connect_celery(
                *(self._database, self._sealer, wanted.engine, wanted.broker_url), replace=wanted.replace, asked=asked
            )
        else:
            secret = await connect_webhook(
                *(self._database, self._sealer, wanted.engine, wanted.webhook_url or ""),
                replace=wanted.replace,
                asked=asked,
            )
        found = await engines.by_names(self._database, [wanted.engine])
        return Connected(found[wanted.engine], secret)

    async def rotate(self, actor: str, rotation: Rotation) -> Connected:
        """Give the webhook of an engine another secret. NotFound for an unknown one, Conflict without a webhook."""
        engine = await self._find(rotation.engine_id)
        await check_readable(self._database, self._sealer)
        asked = OverApi(actor, self._networks, rotation.key)
        secret = await rotate_secret(self._database, self._sealer, engine.name, rotation.overlap, asked)
        return Connected(engine, secret)

    async def test(self, actor: str, engine_id: str) -> Reached:
        """See whether a way back can be reached; nothing is sent. NotFound and Conflict as above."""
        engine = await self._find(engine_id)
        [(sealed,)] = await self._database.fetch("SELECT connection_sealed FROM engines WHERE id = $1", engine.id)
        if sealed is None:
            raise Conflict(f"Engine {engine.name!r} has no webhook or broker")
        connection = unsealed_connection(self._sealer, sealed)
        try:
            reached = Reached(await self._ways_back[engine.kind].reach(connection), is_reached=True)
        except NotDelivered as error:
            said = error.masked(Masker(secrets_of(connection)))
            reached = Reached(outbox.readable(str(said)), is_reached=False)
        subject, detail = ids.to_global("engine", engine.id), {"name": engine.name, "reached": reached.is_reached}
        await self._database.transaction(lambda tx: audit.note(tx, actor, "testEngine", subject, detail))
        return reached

    async def _find(self, engine_id: str) -> Engine:
        engine = (await engines.by_ids(self._database, [engine_id])).get(engine_id)
        if engine is None:
            raise NotFound(f"id: no such engine: {ids.to_global('engine', engine_id)!r}")
        return engine
