"""Ways back to engines: where retries go, with the credentials for it, sealed in the engine's row."""

from __future__ import annotations

from urllib.parse import parse_qsl

import msgspec

from app import engines
from app.db import Database, Transaction
from app.delivery.webhook_url import checked_webhook_url, new_signing_secret, split_url
from app.engines import EngineKind
from app.errors import BadInput, Conflict
from app.secrets.sealing import Sealer

# What the brokers of Celery that keep messages are called in URLs.
BROKER_SCHEMES = ("amqp", "amqps", "pyamqp", "redis", "rediss", "sentinel", "sqs")
# What their URLs may say besides where they are: TLS, and of what Celery calls broker_transport_options those that
# decide where messages go. Not all of them, because some name Python code to import.
BROKER_OPTIONS = (
    *("global_keyprefix", "master_name", "queue_name_prefix", "region"),
    *("ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_keyfile"),
)


async def connect_webhook(database: Database, sealer: Sealer, name: str, url: str, *, replace: bool) -> str:
    """Let retries of an engine go to a webhook; the secret that signs them, which is not shown again.

    The engine is registered when it is missing. BadInput for a URL that is not http(s), Conflict when the engine has a
    way back already and that is not to be replaced.
    """
    checked_webhook_url(url)
    secret = new_signing_secret()
    await _connect(database, sealer, name, EngineKind.WEBHOOK, {"url": url, "secret": secret}, replace)
    return secret


async def connect_celery(database: Database, sealer: Sealer, name: str, broker_url: str, *, replace: bool) -> None:
    """Let retries of an engine go to the broker of its Celery workers. BadInput and Conflict as for a webhook."""
    broker_options(broker_url)
    await _connect(database, sealer, name, EngineKind.CELERY, {"broker_url": broker_url}, replace)


def broker_options(broker_url: str) -> tuple[str, dict[str, str]]:
    """The URL of a broker, or several with semicolons between them, without the options in it, and those.

    BadInput for what is no broker's URL, and for unknown options.
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
    """What an engine was connected with. Raises CannotUnseal."""
    return msgspec.convert(sealer.decrypt(sealed), dict[str, str])


async def _connect(
    database: Database, sealer: Sealer, name: str, kind: EngineKind, connection: dict[str, str], replace: bool
) -> None:
    engines.check_name(name)
    # One statement that looks and writes: of two who connect an engine at once, one is told.
    unless = "" if replace else "AND connection_sealed IS NULL"

    async def work(transaction: Transaction) -> None:
        engine = await engines.ensure_engine(transaction, name)
        sql = f"UPDATE engines SET kind = $2, connection_sealed = $3 WHERE id = $1 {unless} RETURNING id"
        if not await transaction.fetch(sql, engine.id, kind.value, sealer.encrypt(connection)):
            raise Conflict(f"Engine {name!r} has a webhook or broker already; pass --replace to change it")

    await database.transaction(work)
