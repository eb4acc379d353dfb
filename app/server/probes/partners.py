"""Probes of what a server talks to: Redis, mail server, issuer, and what retries go to. Nothing is sent to anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from app.db import Database
from app.db.rows import Column, RowsOf
from app.delivery.addresses import Network
from app.delivery.port import NotDelivered
from app.delivery.webhook_url import secrets_of
from app.engines import EngineKind
from app.engines.connections import unsealed_connection
from app.errors import AppError
from app.retries.port import WayBack
from app.secrets.masking import Masker
from app.secrets.sealing import CannotUnseal, Sealer
from app.server.probes import Outcome, Result, one_line
from app.settings import Settings

MAX_ENGINES = 100
AT_ONCE = 16


class _Connected(msgspec.Struct):
    name: str
    kind: EngineKind
    connection_sealed: Annotated[str, Column("connection_sealed")]


_ENGINES = RowsOf(_Connected)


async def of_redis(settings: Settings) -> list[Outcome]:
    """Whether Redis answers."""
    if settings.redis_url.lower().startswith("memory:"):
        several = settings.workers > 1
        said = "live updates from other workers come up to a second late" if several else "one process needs none"
        return [Outcome("redis", Result.WARNING if several else Result.UNUSED, said)]
    from app.live.pubsub_redis import ping, reason_of

    try:
        return [Outcome("redis", Result.OK, f"{await ping(settings.redis_url)} answers")]
    except AppError as error:
        return [Outcome("redis", Result.FAILED, error.message)]
    except Exception as error:
        password = urlsplit(settings.redis_url).password
        said = Masker({password} if password else ()).text(reason_of(error))
        return [Outcome("redis", Result.FAILED, f"RUNWATCH_REDIS_URL: {said}")]


async def of_mail(settings: Settings, seconds: float) -> list[Outcome]:
    """Whether the mail server takes us: connection, TLS, sign-in, and no mail."""
    server = settings.mail_server
    if server is None:
        return [Outcome("mail", Result.UNUSED, "RUNWATCH_SMTP_URL is not set")]
    from app.delivery.mail import Mailer

    try:
        await Mailer(server, seconds).check()
    except NotDelivered as error:
        return [Outcome("mail", Result.FAILED, f"RUNWATCH_SMTP_URL: {error}")]
    signed_in = ", signed in" if server.user else ""
    return [Outcome("mail", Result.OK, f"{server.host}:{server.port} answers{signed_in}")]


async def of_issuer(settings: Settings) -> list[Outcome]:
    """Whether the issuer of JSON Web Tokens publishes keys that fit."""
    url = settings.jwt_jwks_url
    if url is None:
        return [Outcome("token issuer", Result.UNUSED, "RUNWATCH_JWT_JWKS_URL is not set")]
    from app.auth.jwks import PublishedKeys

    algorithms = ", ".join(settings.jwt_algorithms)
    try:
        fitting = await PublishedKeys(url, settings.jwt_algorithms).fetch()
    except Exception as error:
        password = urlsplit(url).password
        said = Masker({password} if password else ()).text(one_line(error))
        return [Outcome("token issuer", Result.FAILED, f"RUNWATCH_JWT_JWKS_URL: {said}")]
    if not fitting:
        return [Outcome("token issuer", Result.FAILED, f"RUNWATCH_JWT_JWKS_URL: no key there fits {algorithms}")]
    return [Outcome("token issuer", Result.OK, f"{urlsplit(url).hostname} publishes {fitting} keys for {algorithms}")]


async def of_engines(
    database: Database | None, sealer: Sealer | None, networks: Sequence[Network], seconds: float
) -> list[Outcome]:
    """Whether the hosts and brokers that retries go to can be reached."""
    if database is None:
        return [Outcome("engines", Result.UNUSED, "not tried: that needs the database")]
    rows = await database.fetch(
        f"SELECT {_ENGINES.columns} FROM engines WHERE connection_sealed IS NOT NULL"
        f" ORDER BY name LIMIT {MAX_ENGINES + 1}"
    )
    if not rows:
        return [Outcome("engines", Result.UNUSED, "none is connected; `runwatch engine add` connects one")]
    if sealer is None:
        return [Outcome("engines", Result.FAILED, "how they are connected is encrypted, and needs the key")]
    found, places = _ENGINES.read_all(rows[:MAX_ENGINES]), asyncio.Semaphore(AT_ONCE)
    # Here and not above: it needs httpx.
    from app.retries.celery import CeleryWayBack
    from app.retries.webhook import WebhookWayBack

    ways_back: dict[EngineKind, WayBack] = {
        EngineKind.WEBHOOK: WebhookWayBack(seconds, networks),
        EngineKind.CELERY: CeleryWayBack(seconds, networks),
    }

    async def tried(engine: _Connected) -> Outcome:
        async with places:
            return await _of_engine(engine, sealer, ways_back[engine.kind])

    outcomes = await asyncio.gather(*map(tried, found))
    if len(rows) > MAX_ENGINES:
        outcomes.append(Outcome("engines", Result.WARNING, f"only the first {MAX_ENGINES} were tried"))
    return outcomes


async def _of_engine(engine: _Connected, sealer: Sealer, way_back: WayBack) -> Outcome:
    name = f"engine {engine.name}"
    try:
        connection = unsealed_connection(sealer, engine.connection_sealed)
    except CannotUnseal as error:
        return Outcome(name, Result.FAILED, error.message)
    try:
        return Outcome(name, Result.OK, await way_back.reach(connection))
    except Exception as error:  # whatever a library has to say
        said = one_line(error)
        return Outcome(name, Result.FAILED, Masker(secrets_of(connection)).text(said))
