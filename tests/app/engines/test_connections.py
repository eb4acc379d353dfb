"""Ways back to engines: which are taken, who may replace them, and how they lie in the tables."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest
from standardwebhooks.webhooks import Webhook

from app import clock, engines
from app.db import Database
from app.delivery.webhook_url import secrets_of
from app.engines import EngineKind
from app.engines.connections import (
    OverApi,
    check_celery,
    connect_celery,
    connect_webhook,
    disconnect,
    rotate_secret,
    unsealed_connection,
)
from app.errors import BadInput, Conflict, NotFound
from app.secrets import rotation
from app.secrets.redaction import DEFAULT_SEALED_KEYS, SealedKeys
from app.secrets.sealing import CannotUnseal, Sealer, new_key
from tests.app.reports import select
from tests.databases import before_any_statement
from tests.sealing import SEALER

URL = "https://engine.example/hooks/T0123456789ABCDEF?key=query-key"
BROKER = "amqp://worker:br0ker-pass@broker.example:5672/vhost"


async def connection_of(database: Database, name: str = "engine", sealer: Sealer = SEALER) -> dict[str, str]:
    (row,) = await select(database, "engines", "name = $1", name)
    return unsealed_connection(sealer, row["connection_sealed"])


async def test_a_webhook(database: Database) -> None:
    secret = await connect_webhook(database, SEALER, "engine", URL, replace=False)
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    Webhook(secret)
    (engine,) = await engines.list_engines(database)
    assert (engine.name, engine.kind, engine.connected, engine.can_retry) == ("engine", EngineKind.WEBHOOK, True, True)
    assert await connection_of(database) == {"url": URL, "secret": secret}


async def test_a_broker(database: Database) -> None:
    await connect_celery(database, SEALER, "engine", BROKER, replace=False)
    (engine,) = await engines.list_engines(database)
    assert (engine.kind, engine.connected) == (EngineKind.CELERY, True)
    assert not engine.can_retry  # before its workers say that they claim retries
    assert await connection_of(database) == {"broker_url": BROKER}


async def test_an_engine_that_is_known_keeps_its_id(database: Database) -> None:
    known = await database.transaction(lambda tx: engines.ensure_engine(tx, "engine"))
    await connect_webhook(database, SEALER, "engine", URL, replace=False)
    (engine,) = await engines.list_engines(database)
    assert engine.id == known.id


async def test_one_way_back_is_not_replaced_unasked(database: Database) -> None:
    first = await connect_webhook(database, SEALER, "engine", URL, replace=False)
    with pytest.raises(Conflict, match="--replace"):
        await connect_webhook(database, SEALER, "engine", URL, replace=False)
    with pytest.raises(Conflict, match="--replace"):
        await connect_celery(database, SEALER, "engine", BROKER, replace=False)
    assert await connection_of(database) == {"url": URL, "secret": first}
    second = await connect_webhook(database, SEALER, "engine", URL, replace=True)
    assert second != first
    assert await connection_of(database) == {"url": URL, "secret": second}
    await connect_celery(database, SEALER, "engine", BROKER, replace=True)
    (engine,) = await engines.list_engines(database)
    assert engine.kind is EngineKind.CELERY
    assert await connection_of(database) == {"broker_url": BROKER}


async def test_of_those_who_connect_it_at_once_one_is_not_told_otherwise(databases: list[Database]) -> None:
    known = databases[0]
    await known.transaction(lambda tx: engines.ensure_engine(tx, "engine"))
    secrets = await asyncio.gather(
        *(connect_webhook(databases[n % len(databases)], SEALER, "engine", URL, replace=False) for n in range(8)),
        return_exceptions=True,
    )
    (secret,) = [one for one in secrets if isinstance(one, str)]
    assert all(isinstance(one, Conflict) for one in secrets if one is not secret)
    assert (await connection_of(known))["secret"] == secret


TAKEN = [
    "http://127.0.0.1:8000/retries",
    "https://engine.example",
    "HTTPS://ENGINE.EXAMPLE:443/A?b=c",
    "http://[::1]:8000/",
    "https://münchen.example/ü?q=ä",
]
REFUSED = [
    "http://user:p%40ss@localhost/",
    "https://user@engine.example/",
    "https://@engine.example/",
    "",
    "engine.example",
    "//engine.example/",
    "ftp://engine.example/",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "http://",
    "http:///retries",
    "http://:80/",
    "http://engine.example:port/",
    "http://engine.example:99999/",
    "http://[::1/",
    " http://engine.example/",
    "http://engine.example/\n",
    "http://engine example/",
    "http://engine.example/a b",
    "http://engine.example/\0",
    "http://engine.example/\ud800",
    "http://xn--ü/",
]
BROKERS = [
    "redis://127.0.0.1:6379/0",
    "rediss://:br0ker-pass@broker.example/1",
    "amqps://broker.example//",
    "pyamqp://guest@localhost//",
    "sqs://key:secret@",
    "sentinel://one.example:26379;sentinel://two.example:26379",
    "amqp://one.example:5672//;amqp://two.example:5672//",
]
NO_BROKERS = [
    "",
    "memory://",
    "filesystem://",
    "http://broker.example/",
    "redis://broker.example:port/0",
    "redis://broker.example:1/0;http://two.example",
    "redis://broker.example/0\n",
    "redis://broker.example/\udfff",
]


async def test_urls(database: Database) -> None:
    for url in REFUSED:
        with pytest.raises(BadInput):
            await connect_webhook(database, SEALER, "engine", url, replace=True)
    assert await engines.list_engines(database) == []
    for url in TAKEN:
        await connect_webhook(database, SEALER, "engine", url, replace=True)
        assert (await connection_of(database))["url"] == url


async def test_brokers(database: Database) -> None:
    for url in NO_BROKERS:
        with pytest.raises(BadInput):
            await connect_celery(database, SEALER, "engine", url, replace=True)
    assert await engines.list_engines(database) == []
    for url in BROKERS:
        await connect_celery(database, SEALER, "engine", url, replace=True)
        assert await connection_of(database) == {"broker_url": url}


def test_what_publishes_to_a_broker_has_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    check_celery(BROKER)
    monkeypatch.setattr("app.engines.connections.find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"--celery: .*pip install 'runwatch\[celery\]'"):
        check_celery(BROKER)
    monkeypatch.setattr("app.engines.connections.find_spec", lambda name: name == "celery" or None)
    with pytest.raises(BadInput, match=r"boto3 .*pip install 'celery\[sqs\]'"):
        check_celery("sqs://")


@before_any_statement
async def test_names_that_are_refused(database: Database) -> None:
    for name in ("", " engine", "a\nb", "x" * 101, "\ud800"):
        with pytest.raises(BadInput, match="name"):
            await connect_webhook(database, SEALER, name, URL, replace=False)


async def test_connection_is_not_stored_in_the_clear(database: Database, tmp_path: Path) -> None:
    secret = await connect_webhook(database, SEALER, "hook", URL, replace=False)
    await connect_celery(database, SEALER, "worker", BROKER, replace=False)
    stored = str(await select(database, "engines", "1 = 1")).encode()
    if database.dialect == "sqlite":
        stored += b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"worker" in stored
    for clear in (URL, BROKER, secret, "example", "br0ker-pass", "T0123456789ABCDEF", "query-key", "whsec"):
        assert clear.encode() not in stored


async def test_rotation_covers_it(database: Database) -> None:
    rule = SealedKeys(DEFAULT_SEALED_KEYS.split(","))
    old, new = new_key(), new_key()
    await connect_celery(database, Sealer([old], rule), "worker", BROKER, replace=False)
    with pytest.raises(CannotUnseal):
        await connection_of(database, "worker", Sealer([new], rule))
    assert await rotation.rotate(database, Sealer([new, old], rule)) == (1, 0)
    assert await connection_of(database, "worker", Sealer([new], rule)) == {"broker_url": BROKER}


def test_secrets_of_a_connection() -> None:
    url = URL.replace("://", "://user:p%40ss-word@")  # as older engines may have it
    shown = secrets_of({"url": url, "secret": "whsec_c2VjcmV0"})
    assert shown == {
        url,
        "whsec_c2VjcmV0",
        "p%40ss-word",
        "p@ss-word",
        base64.b64encode(b"user:p@ss-word").decode(),
        "T0123456789ABCDEF",
        "query-key",
    }
    odd = secrets_of({"url": "https://t%C3%B6ken@engine.example/a%2FT0123456789ABCDEF?bare+key&a=b%20c"})
    assert {"t%C3%B6ken", "töken", base64.b64encode("töken:".encode()).decode()} <= odd
    assert {"a%2FT0123456789ABCDEF", "a/T0123456789ABCDEF", "bare+key", "bare key", "b%20c", "b c"} <= odd
    assert {"one-pass", "two-pass"} <= secrets_of({"broker_url": "amqp://a:one-pass@b//;amqp://a:two-pass@c//"})


async def test_a_secret_is_renewed_with_an_overlap(database: Database) -> None:
    first = await connect_webhook(database, SEALER, "renewed", "https://a.example/", replace=False)
    before = clock.now_us()
    second = await rotate_secret(database, SEALER, "renewed", clock.HOUR)
    [(sealed,)] = await database.fetch("SELECT connection_sealed FROM engines WHERE name = 'renewed'")
    known = unsealed_connection(SEALER, sealed)
    assert (known["url"], known["secret"], known["previous"]) == ("https://a.example/", second, first)
    assert second != first
    assert before + clock.HOUR <= int(known["previous_until"]) <= clock.now_us() + clock.HOUR
    with pytest.raises(NotFound):
        await rotate_secret(database, SEALER, "nobody", 0)
    await connect_celery(database, SEALER, "shop", "redis://localhost", replace=False)
    with pytest.raises(Conflict, match="no webhook"):
        await rotate_secret(database, SEALER, "shop", 0)


async def test_what_is_asked_for_over_the_api_is_guarded(database: Database) -> None:
    """Also after its secret was renewed; no message masks the words that say so."""
    asked = OverApi("ada", key="a click")
    secret = await connect_webhook(database, SEALER, "engine", URL, replace=False, asked=asked)
    assert await connect_webhook(database, SEALER, "engine", URL, replace=False, asked=asked) == secret
    made = await connection_of(database)
    assert made == {"url": URL, "secret": secret, "guarded": "yes", "key": "a click"}
    assert not {"yes", "a click"} & secrets_of(made)
    renewed = await rotate_secret(database, SEALER, "engine", clock.HOUR, OverApi("ada"))
    found = await connection_of(database)
    assert (found["secret"], found["previous"], found["guarded"]) == (renewed, secret, "yes")
    await connect_webhook(database, SEALER, "engine", URL, replace=True)
    assert "guarded" not in await connection_of(database), "an operator may lead anywhere"


async def test_what_no_key_opens_can_be_disconnected(database: Database) -> None:
    """The audit says where it led, as far as that could be read."""
    other = Sealer([new_key()], SealedKeys(DEFAULT_SEALED_KEYS.split(",")))
    for sealer in (SEALER, other):
        await connect_webhook(database, sealer, "engine", URL, replace=False)
        [engine] = (await engines.by_names(database, ["engine"])).values()
        await disconnect(database, SEALER, engine, "ada")
        assert await database.fetch("SELECT kind, connection_sealed FROM engines") == [("NONE", None)]
    details = [orjson.loads(each) for (each,) in await database.fetch("SELECT detail FROM audit_entries ORDER BY id")]
    assert [each["hosts"] for each in details] == [[urlsplit(URL).hostname], []]


async def test_what_no_key_opens_can_be_replaced(database: Database) -> None:
    other = Sealer([new_key()], SealedKeys(DEFAULT_SEALED_KEYS.split(",")))
    await connect_webhook(database, other, "engine", URL, replace=False)
    with pytest.raises(Conflict, match="replace: true"):
        await connect_webhook(database, SEALER, "engine", URL, replace=False, asked=OverApi("ada", key="k"))
    await connect_webhook(database, SEALER, "engine", URL, replace=True, asked=OverApi("ada", key="k"))
    assert (await connection_of(database))["key"] == "k"


async def test_an_operators_networks_can_be_reached(database: Database) -> None:
    asked = OverApi("ada", (ipaddress.ip_network("10.0.0.0/8"),))
    await connect_webhook(database, SEALER, "hook", "http://10.1.2.3/", replace=False, asked=asked)
    await connect_celery(
        database, SEALER, "shop", "redis://10.1.2.3/0;redis://broker.example", replace=False, asked=asked
    )
    for broker in ("redis://127.0.0.1/0", "redis:///0", "sentinel://10.1.2.3:1;sentinel://127.1:1"):
        with pytest.raises(BadInput, match="brokerUrl: private address"):
            await connect_celery(database, SEALER, "shop", broker, replace=True, asked=asked)
