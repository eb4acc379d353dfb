"""Ways back to engines: where retries go, with the credentials for it, sealed in the engine's row."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qsl, unquote, unquote_plus, urlsplit

import httpx
import msgspec

from app import engines
from app.db import Database, Transaction
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
# Shorter parts of a path are words, and nothing that lets one in.
LEAST_LENGTH_OF_KEY = 16


async def connect_webhook(database: Database, sealer: Sealer, name: str, url: str, *, replace: bool) -> str:
    """Let retries of an engine go to a webhook; the secret that signs them, which is not shown again.

    The engine is registered when it is missing. BadInput for a URL that is not http(s), Conflict when the engine has a
    way back already and that is not to be replaced.
    """
    checked_webhook_url(url)
    secret = new_signing_secret()
    await _connect(database, sealer, name, EngineKind.WEBHOOK, {"url": url, "secret": secret}, replace)
    return secret


def checked_webhook_url(url: str) -> str:
    """The host of a webhook's URL, in ASCII; BadInput for a URL that is not http(s)."""
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput("The webhook must be a URL that begins with http:// or https://")
    if parts.port == 0:
        raise BadInput("The webhook is not a URL: no port is 0")
    try:
        host = httpx.URL(url).raw_host.decode()  # which is what will be asked to reach it
        host.encode("idna")  # and what will be done to look it up: it takes no empty and no long labels
        return host
    except (httpx.InvalidURL, UnicodeError) as error:
        raise BadInput(f"The webhook is not a URL: {error}") from None


def new_signing_secret() -> str:
    """A secret that signs webhooks, after Standard Webhooks: whsec_ and 32 random bytes in Base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


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
        if _split(url).scheme not in BROKER_SCHEMES:
            raise BadInput(f"The broker must be a URL that begins with one of {', '.join(BROKER_SCHEMES)}")
        place, _, query = url.partition("?")
        urls.append(place)
        options |= parse_qsl(query, keep_blank_values=True)
    if unknown := options.keys() - BROKER_OPTIONS:
        names = ", ".join(sorted(unknown))
        raise BadInput(f"The broker's URL has options that are not known: {names}; known: {', '.join(BROKER_OPTIONS)}")
    return ";".join(urls), options


def unsealed_connection(sealer: Sealer, sealed: str) -> dict[str, str]:
    """What an engine was connected with. Raises CannotUnseal."""
    return msgspec.convert(sealer.decrypt(sealed), dict[str, str])


def secrets_of(connection: dict[str, str]) -> set[str]:
    """What no message may show of a connection: its values, and what lets one in of the URLs among them."""
    found = set(connection.values())
    for value in connection.values():
        for url in value.split(";"):
            found.update(_keys_in(url))
    return found


def _keys_in(url: str) -> Iterator[str]:
    """Each as it stands in the URL, which many receivers repeat when they refuse it, and decoded."""
    parts = urlsplit(url)
    # A field that has no value is one, and so is a user who has no password.
    values = [value or name for name, _, value in (field.partition("=") for field in parts.query.split("&"))]
    values += (part for part in parts.path.split("/") if len(part) >= LEAST_LENGTH_OF_KEY)
    if login := parts.password or parts.username:
        values.append(login)
        user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        yield base64.b64encode(user.encode()).decode()  # as the Authorization header has it
    for value in filter(None, values):
        yield from (value, unquote(value), unquote_plus(value))


async def _connect(
    database: Database, sealer: Sealer, name: str, kind: EngineKind, connection: dict[str, str], replace: bool
) -> None:
    engines.check_name(name)
    # One statement that looks and writes: of two who connect an engine at once, one is told.
    unless = "" if replace else "AND connection_sealed IS NULL"

    async def work(transaction: Transaction) -> None:
        engine = await engines.ensure_engine(database, transaction, name)
        sql = f"UPDATE engines SET kind = $2, connection_sealed = $3 WHERE id = $1 {unless} RETURNING id"
        if not await transaction.fetch(sql, engine.id, kind.value, sealer.encrypt(connection)):
            raise Conflict(f"The engine {name!r} has a way back already: --replace gives it another one")

    await database.transaction(work)


def _split(url: str) -> SplitResult:
    if not url.isprintable() or " " in url:
        raise BadInput("That is not a URL: it has spaces or control characters")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises for one that is no number
    except ValueError:
        raise BadInput("That is not a URL") from None
    return parts
