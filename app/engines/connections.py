"""How retries reach engines: webhooks and brokers with their credentials, sealed in the engine's row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from urllib.parse import parse_qsl, unquote

import msgspec

from app import audit, clock, engines, ids
from app.db import Database, Transaction
from app.delivery.addresses import Network, check_host
from app.delivery.guarded import check_length, guarded_host
from app.delivery.webhook_url import checked_webhook_url, new_signing_secret, split_url
from app.engines import Engine, EngineKind
from app.errors import BadInput, Conflict, NotFound
from app.secrets.sealing import CannotUnseal, Sealer

# Where a broker's URL is given: on the command line, and over the API.
BROKER_FLAG, BROKER_ARGUMENT = "--celery", "wayBack.brokerUrl"
# The URL schemes of Celery's brokers that keep messages.
BROKER_SCHEMES = ("amqp", "amqps", "pyamqp", "redis", "rediss", "sentinel", "sqs")
# Options that a broker's URL may have: TLS, and those of Celery's broker_transport_options that decide where messages
# go. Not all of them, because some name Python code to import.
BROKER_OPTIONS = (
    *("global_keyprefix", "master_name", "queue_name_prefix", "region"),
    *("ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_keyfile"),
)
# Options that name files of the server.
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


@dataclass(frozen=True, slots=True)
class OverApi:
    """Who asks over the API, which is audited, and what an operator lets them reach beside the public internet.

    Asking again with the same `key` gives the same secret: a double click does not take the one that was shown.
    """

    actor: str
    networks: Sequence[Network] = ()
    key: str | None = None

    @property
    def marks(self) -> dict[str, str]:
        """What a connection keeps of it: that its requests are guarded, and by what key it was asked for."""
        return {"guarded": "yes"} | ({} if self.key is None else {"key": self.key})


async def connect_webhook(
    database: Database, sealer: Sealer, name: str, url: str, *, replace: bool, asked: OverApi | None = None
) -> str:
    """Send retries of an engine to a webhook; returns the secret that signs them, which is not shown again.

    Registers a missing engine. BadInput for a URL that is not http(s), Conflict if the engine has a webhook or broker
    already and `replace` is false.
    """
    if asked is None:
        checked_webhook_url(url)
    else:
        guarded_host("wayBack.webhookUrl", url, asked.networks)
    made = {"url": url, "secret": new_signing_secret()}
    return (await _connect(database, sealer, name, EngineKind.WEBHOOK, made, replace, asked))["secret"]


async def rotate_secret(
    database: Database, sealer: Sealer, name: str, overlap: int, asked: OverApi | None = None
) -> str:
    """Give the webhook of an engine another secret, and return it; the present one signs too for `overlap` µs.

    NotFound for an unknown engine, Conflict for one without a webhook.
    """

    async def work(transaction: Transaction) -> str:
        sql = f"SELECT id, kind, connection_sealed FROM engines WHERE name = $1 {transaction.for_update}"
        rows = await transaction.fetch(sql, name)
        if not rows:
            raise NotFound(f"Engine {name!r}: no such engine")
        [(id_, kind, sealed)] = rows
        if kind != EngineKind.WEBHOOK or sealed is None:
            raise Conflict(f"Engine {name!r} has no webhook")
        known = unsealed_connection(sealer, sealed)
        if _is_again(asked, known):
            return known["secret"]
        until = str(clock.now_us() + overlap)
        kept = {member: known[member] for member in ("url", "guarded") if member in known}
        key = {"key": asked.key} if asked is not None and asked.key is not None else {}
        secret = new_signing_secret()
        renewed = {**kept, **key, "secret": secret, "previous": known["secret"], "previous_until": until}
        await transaction.update("engines", ("id", "connection_sealed"), [(id_, sealer.encrypt(renewed))], key=("id",))
        if asked is not None:
            detail = {"name": name, "overlapHours": overlap / clock.HOUR}
            await audit.note(transaction, asked.actor, "rotateEngineSecret", ids.to_global("engine", id_), detail)
        return secret

    return await database.transaction(work)


async def disconnect(database: Database, sealer: Sealer, engine: Engine, actor: str | None) -> None:
    """Delete how an engine is connected, if it is. Audited, unless `actor` is None: the command line.

    Attempts that began before the commit may still send something (app/retries/disconnecting.py).
    """

    async def work(transaction: Transaction) -> None:
        sql = f"SELECT kind, connection_sealed FROM engines WHERE id = $1 {transaction.for_update}"
        [(kind, sealed)] = await transaction.fetch(sql, engine.id)
        if sealed is None:
            return
        row = (engine.id, EngineKind.NONE.value, None)
        await transaction.update("engines", ("id", "kind", "connection_sealed"), [row], key=("id",))
        if actor is not None:
            detail = {"name": engine.name, "kind": kind, "hosts": _hosts(_readable(sealer, sealed))}
            await audit.note(transaction, actor, "disconnectEngine", ids.to_global("engine", engine.id), detail)

    await database.transaction(work)


async def connect_celery(
    database: Database, sealer: Sealer, name: str, broker_url: str, *, replace: bool, asked: OverApi | None = None
) -> None:
    """Send retries of an engine to the broker of its Celery workers. BadInput and Conflict as for a webhook."""
    if asked is not None:
        check_length(BROKER_ARGUMENT, broker_url)
    _, options = broker_options(broker_url, BROKER_FLAG if asked is None else BROKER_ARGUMENT)
    if asked is not None:
        if files := sorted(options.keys() & {*_FILES}):
            raise BadInput(
                f"{BROKER_ARGUMENT}: {files[0]} names a file of the server; only the command line connects so"
            )
        for host in broker_hosts(broker_url):
            check_host(host, asked.networks, BROKER_ARGUMENT)
    await _connect(database, sealer, name, EngineKind.CELERY, {"broker_url": broker_url}, replace, asked)


def broker_hosts(broker_url: str) -> Iterator[str]:
    """The hosts that a broker's URL leads to; none for SQS, whose host is Amazon's."""
    for url in broker_url.split(";"):
        parts = split_url(url)
        if parts.scheme != "sqs":
            yield unquote(parts.hostname or "localhost")


def check_celery(broker_url: str, argument: str = BROKER_FLAG) -> None:
    """BadInput if what publishes to this broker is not installed here: retries would wait until they are given up."""
    url, _ = broker_options(broker_url, argument)
    needed = {"celery": "pip install 'runwatch[celery]'"}
    if any(split_url(each).scheme == "sqs" for each in url.split(";")):
        needed["boto3"] = "pip install 'celery[sqs]'"
    for package, command in needed.items():
        if find_spec(package) is None:
            raise BadInput(f"{argument}: the package {package} is not installed: run {command} where the server runs")


def broker_options(broker_url: str, argument: str = BROKER_FLAG) -> tuple[str, dict[str, str]]:
    """The URL of a broker without its options, and the options. Semicolons separate several URLs.

    BadInput for anything else than a broker's URL, and for unknown options.
    """
    urls: list[str] = []
    options: dict[str, str] = {}
    for url in broker_url.split(";"):
        if split_url(url).scheme not in BROKER_SCHEMES:
            raise BadInput(f"{argument}: the URL must begin with one of {', '.join(BROKER_SCHEMES)}")
        place, _, query = url.partition("?")
        urls.append(place)
        options |= parse_qsl(query, keep_blank_values=True)
    if unknown := options.keys() - BROKER_OPTIONS:
        names = ", ".join(sorted(unknown))
        raise BadInput(f"{argument}: unknown options in the URL: {names}; known: {', '.join(BROKER_OPTIONS)}")
    return ";".join(urls), options


def unsealed_connection(sealer: Sealer, sealed: str) -> dict[str, str]:
    """How an engine is connected. Raises CannotUnseal."""
    return msgspec.convert(sealer.decrypt(sealed), dict[str, str])


async def _connect(
    database: Database,
    sealer: Sealer,
    name: str,
    kind: EngineKind,
    made: dict[str, str],
    replace: bool,
    asked: OverApi | None,
) -> dict[str, str]:
    """The connection as it is then: `made`, or what the same key made before."""
    engines.check_name(name)

    async def work(transaction: Transaction) -> dict[str, str]:
        engine = await engines.ensure_engine(transaction, name)
        sql = f"SELECT connection_sealed FROM engines WHERE id = $1 {transaction.for_update}"
        [(sealed,)] = await transaction.fetch(sql, engine.id)
        if sealed is not None:
            known = _readable(sealer, sealed)
            if _is_again(asked, known):
                if any(known.get(member) != made[member] for member in made.keys() - {"secret"}):
                    raise Conflict("idempotencyKey: used for another way back already")
                return known
            if not replace:
                how = "pass --replace" if asked is None else "pass replace: true"
                raise Conflict(f"Engine {name!r} has a webhook or broker already; {how} to change it")
        connection = made if asked is None else {**made, **asked.marks}
        row = (engine.id, kind.value, sealer.encrypt(connection))
        await transaction.update("engines", ("id", "kind", "connection_sealed"), [row], key=("id",))
        if asked is not None:
            detail = {"name": name, "kind": kind.value, "hosts": _hosts(made), "replaced": sealed is not None}
            await audit.note(transaction, asked.actor, "connectEngine", ids.to_global("engine", engine.id), detail)
        return connection

    return await database.transaction(work)


def _hosts(connection: dict[str, str]) -> list[str | None]:
    """Where a connection leads, as far as everybody may know; nowhere if it could not be read."""
    if "url" in connection:
        return [split_url(connection["url"]).hostname]
    return [*broker_hosts(connection["broker_url"])] if "broker_url" in connection else []


def _readable(sealer: Sealer, sealed: str) -> dict[str, str]:
    """A connection; empty if no key opens it, since then it can be replaced or deleted."""
    try:
        return unsealed_connection(sealer, sealed)
    except CannotUnseal:
        return {}


def _is_again(asked: OverApi | None, known: dict[str, str]) -> bool:
    return asked is not None and asked.key is not None and known.get("key") == asked.key
