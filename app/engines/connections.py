"""How retries reach engines: webhooks and brokers with their credentials, sealed in the engine's row."""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import parse_qsl

import msgspec

from app import clock, engines
from app.db import Database, Transaction
from app.delivery.webhook_url import checked_webhook_url, new_signing_secret, split_url
from app.engines import EngineKind
from app.errors import BadInput, Conflict, NotFound
from app.secrets.sealing import Sealer

# The URL schemes of Celery's brokers that keep messages.
BROKER_SCHEMES = ("amqp", "amqps", "pyamqp", "redis", "rediss", "sentinel", "sqs")
# Options that a broker's URL may have: TLS, and those of Celery's broker_transport_options that decide where messages
# go. Not all of them, because some name Python code to import.
BROKER_OPTIONS = (
    *("global_keyprefix", "master_name", "queue_name_prefix", "region"),
    *("ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_keyfile"),
)


async def connect_webhook(database: Database, sealer: Sealer, name: str, url: str, *, replace: bool) -> str:
    """Send retries of an engine to a webhook; returns the secret that signs them, which is not shown again.

    Registers a missing engine. BadInput for a URL that is not http(s), Conflict if the engine has a webhook or broker
    already and `replace` is false.
    """
    checked_webhook_url(url)
    secret = new_signing_secret()
    await _connect(database, sealer, name, EngineKind.WEBHOOK, {"url": url, "secret": secret}, replace)
    return secret


async def rotate_secret(database: Database, sealer: Sealer, name: str, overlap: int) -> str:
    """Give the webhook of an engine another secret, and return it; the present one signs too for `overlap` µs.

    NotFound for an unknown engine, Conflict for one without a webhook.
    """
    secret = new_signing_secret()

    async def work(transaction: Transaction) -> None:
        sql = f"SELECT id, kind, connection_sealed FROM engines WHERE name = $1 {transaction.for_update}"
        rows = await transaction.fetch(sql, name)
        if not rows:
            raise NotFound(f"Engine {name!r}: no such engine")
        [(id_, kind, sealed)] = rows
        if kind != EngineKind.WEBHOOK or sealed is None:
            raise Conflict(f"Engine {name!r} has no webhook")
        known = unsealed_connection(sealer, sealed)
        until = str(clock.now_us() + overlap)
        renewed = {"url": known["url"], "secret": secret, "previous": known["secret"], "previous_until": until}
        await transaction.update("engines", ("id", "connection_sealed"), [(id_, sealer.encrypt(renewed))], key=("id",))

    await database.transaction(work)
    return secret


async def connect_celery(database: Database, sealer: Sealer, name: str, broker_url: str, *, replace: bool) -> None:
    """Send retries of an engine to the broker of its Celery workers. BadInput and Conflict as for a webhook."""
    broker_options(broker_url)
    await _connect(database, sealer, name, EngineKind.CELERY, {"broker_url": broker_url}, replace)


def check_celery(broker_url: str) -> None:
    """BadInput if what publishes to this broker is not installed here: retries would wait until they are given up."""
    url, _ = broker_options(broker_url)
    needed = {"celery": "pip install 'runwatch[celery]'"}
    if any(split_url(each).scheme == "sqs" for each in url.split(";")):
        needed["boto3"] = "pip install 'celery[sqs]'"
    for package, command in needed.items():
        if find_spec(package) is None:
            raise BadInput(f"--celery: the package {package} is not installed: run {command} where the server runs")


def broker_options(broker_url: str) -> tuple[str, dict[str, str]]:
    """The URL of a broker without its options, and the options. Semicolons separate several URLs.

    BadInput for anything else than a broker's URL, and for unknown options.
    """
    urls: list[str] = []
    options: dict[str, str] = {}
    for url in broker_url.split(";"):
        if split_url(url).scheme not in BROKER_SCHEMES:
            raise BadInput(f"Broker: the URL must begin with one of {', '.join(BROKER_SCHEMES)}")
        place, _, query = url.partition("?")
        urls.append(place)
        options |= parse_qsl(query, keep_blank_values=True)
    if unknown := options.keys() - BROKER_OPTIONS:
        names = ", ".join(sorted(unknown))
        raise BadInput(f"Broker: unknown options in the URL: {names}; known: {', '.join(BROKER_OPTIONS)}")
    return ";".join(urls), options


def unsealed_connection(sealer: Sealer, sealed: str) -> dict[str, str]:
    """How an engine is connected. Raises CannotUnseal."""
    return msgspec.convert(sealer.decrypt(sealed), dict[str, str])


async def _connect(
    database: Database, sealer: Sealer, name: str, kind: EngineKind, connection: dict[str, str], replace: bool
) -> None:
    engines.check_name(name)
    # One statement looks and writes: of two that connect an engine at once, one gets the Conflict.
    unless = "" if replace else "AND connection_sealed IS NULL"

    async def work(transaction: Transaction) -> None:
        engine = await engines.ensure_engine(transaction, name)
        sql = f"UPDATE engines SET kind = $2, connection_sealed = $3 WHERE id = $1 {unless} RETURNING id"
        if not await transaction.fetch(sql, engine.id, kind.value, sealer.encrypt(connection)):
            raise Conflict(f"Engine {name!r} has a webhook or broker already; pass --replace to change it")

    await database.transaction(work)
