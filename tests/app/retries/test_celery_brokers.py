"""Brokers of Celery that answer, are down, hang, lose answers, or are somebody else; all real."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.delivery.port import NotDelivered
from app.retries import celery
from app.retries.celery import MAX_THREADS_PER_BROKER, CeleryWayBack
from specs.harness.servers import ValkeyServer, free_port
from specs.harness.servers.proxy import LossyProxy
from specs.harness.waiting import until
from tests.app.retries.celery_side import ADD, a_retry


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    """A broker without a worker."""
    with ValkeyServer(own=True) as server:
        yield server


@pytest.fixture
def queue(valkey: ValkeyServer) -> Iterator[redis.Redis]:
    """A look into it; empty at the beginning."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
        yield client


async def fails(way_back: CeleryWayBack, url: str, data: Any = ADD) -> NotDelivered:
    """How a retry is not delivered."""
    with pytest.raises(NotDelivered) as failed:
        await way_back.send(a_retry(data), {"broker_url": url})
    return failed.value


def publishing() -> int:
    """How many threads publish."""
    return sum(1 for thread in threading.enumerate() if thread.name == celery.THREAD)


def open_files() -> int:
    """How many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def message_in(queue: redis.Redis, name: str = "celery") -> tuple[dict[str, Any], Any]:
    """Headers and body of the only message."""
    [message] = queue.lrange(name, 0, -1)
    sent = json.loads(message)
    return sent["headers"], json.loads(base64.b64decode(sent["body"]))


async def test_message_is_sent_as_given(valkey: ValkeyServer, queue: redis.Redis) -> None:
    args = [12345678901234567890, 1.1, {"__type__": "datetime", "__value__": "2026-01-01T00:00:00"}, "\ud800é\0"]
    data = {"args": args, "kwargs": {"a": None}, "queue": "slow"}
    asked = a_retry(data)
    await CeleryWayBack(5).send(asked, {"broker_url": valkey.url})
    headers, body = message_in(queue, "slow")
    assert body[:2] == [args, {"a": None}]
    assert (headers["task"], headers["id"], headers["root_id"]) == ("shop.add", asked.external_id, asked.external_id)
    assert headers["x-retry-of"] == "execution_1"
    assert headers["x-runwatch-publication"].startswith(f"{asked.id}/1/")
    assert headers["ignore_result"] is None, "its result is kept as that of the original"


async def test_of_several_brokers_one_that_answers_gets_it(valkey: ValkeyServer, queue: redis.Redis) -> None:
    dead = f"redis://127.0.0.1:{free_port()}/0"
    await CeleryWayBack(5).send(a_retry(), {"broker_url": f"{dead};{valkey.url}"})
    assert queue.llen("celery") == 1


async def test_options_in_the_url_decide_where_messages_go(valkey: ValkeyServer, queue: redis.Redis) -> None:
    await CeleryWayBack(5).send(a_retry(), {"broker_url": f"{valkey.url}?global_keyprefix=shop."})
    assert queue.llen("shop.celery") == 1
    error = await fails(CeleryWayBack(5), f"{valkey.url}?credential_provider=os.system")
    assert "credential_provider" in str(error)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://:s3cr3t-word@127.0.0.1:{port}/0", "Connection refused"),
        ("amqp://ada:s3cr3t-word@127.0.0.1:{port}//", "Connection refused"),
        ("redis://:s3cr3t-word@nowhere.invalid/0", "nowhere.invalid"),
        ("sentinel://:s3cr3t-word@127.0.0.1:{port}/0", "master_name"),
    ],
)
async def test_a_broker_that_is_down_is_named_without_its_password(url: str, said: str) -> None:
    error = await fails(CeleryWayBack(5), url.format(port=free_port()))
    assert said in str(error)
    assert "s3cr3t-word" not in str(error)
    assert not error.final


async def test_a_wrong_password_is_said(queue: redis.Redis, valkey: ValkeyServer) -> None:
    queue.acl_setuser("ada", enabled=True, passwords=["+right-word"], keys=["*"], categories=["+@all"])
    error = await fails(CeleryWayBack(5), f"redis://ada:wrong-word@127.0.0.1:{valkey.port}/0")
    assert "invalid username-password" in str(error)
    assert "wrong-word" not in str(error)


@pytest.mark.slow
async def test_something_else_than_a_broker_answers_in_vain(valkey: ValkeyServer) -> None:
    assert str(await fails(CeleryWayBack(0.5), f"amqp://127.0.0.1:{valkey.port}//"))


async def test_without_celery_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(celery, "import_module", missing)
    assert "runwatch[celery]" in str(await fails(CeleryWayBack(5), "redis://127.0.0.1"))


@pytest.mark.slow
async def test_a_broker_that_hangs_holds_up_nobody_else(valkey: ValkeyServer, queue: redis.Redis) -> None:
    way_back, beats = CeleryWayBack(1.5), 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    with ValkeyServer(own=True) as hung:
        await way_back.send(a_retry(), {"broker_url": hung.url})
        hung.pause()
        began = asyncio.get_running_loop().time()
        sends = [asyncio.create_task(fails(way_back, hung.url)) for _ in range(40)]
        await asyncio.sleep(0.2)
        assert publishing() == MAX_THREADS_PER_BROKER
        await way_back.send(a_retry(), {"broker_url": valkey.url})
        assert not any(send.done() for send in sends), "it did not wait for them"
        beating = asyncio.create_task(beat())
        errors = await asyncio.gather(*sends)
        assert asyncio.get_running_loop().time() - began < 6, "one time-out; four at a time, it would be ten"
        assert {str(error) for error in errors} == {"The broker did not answer within 1.5 s"}
        # Of those that have a thread, the driver's time-out may be over first, and the thread with it.
        lingering = [error for error in errors if error.lingers]
        assert len(lingering) >= len(errors) - MAX_THREADS_PER_BROKER, "its threads may be in the middle of a message"
        beating.cancel()
        assert beats > 10, "the server goes on, and not only when a time-out is over"  # some 120 on an idle machine
        hung.resume()
        await until(lambda: publishing() == 0, "the end of threads")
        await way_back.send(a_retry(), {"broker_url": hung.url})
        with redis.Redis.from_url(hung.url) as client:
            assert client.llen("celery") == 2, "those that gave up send nothing later"


async def test_a_driver_that_gives_up_first_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def time_out(*_: object) -> None:
        try:
            raise TimeoutError("timed out")
        except TimeoutError as error:
            raise redis.TimeoutError("Timeout reading from socket") from error

    monkeypatch.setattr(celery, "publish", time_out)
    assert str(await fails(CeleryWayBack(1.5), "redis://host")) == "The broker did not answer within 1.5 s"


@pytest.mark.slow
async def test_brokers_that_hang_have_a_bounded_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(celery, "publish", lambda *_: release.wait(10))
    way_back = CeleryWayBack(0.3)
    sends = [
        asyncio.create_task(fails(way_back, f"redis://{host}"))
        for host in range(20)
        for _ in range(MAX_THREADS_PER_BROKER)
    ]
    await asyncio.gather(*sends)
    assert publishing() == celery.MAX_THREADS, "they hang on; and no more are started"
    await fails(way_back, "redis://another")
    assert publishing() == celery.MAX_THREADS
    release.set()
    await until(lambda: publishing() == 0, "the end of threads")
    await way_back.send(a_retry(), {"broker_url": "redis://another"})


@pytest.mark.slow
async def test_when_the_answer_is_lost_it_is_published_once_an_attempt(
    valkey: ValkeyServer, queue: redis.Redis
) -> None:
    """A library that tries again by itself would send two messages that no worker can tell apart."""
    row = uuid.uuid4().hex
    with LossyProxy(valkey.port, b"LPUSH") as proxy, proxy.losing_answers():
        for attempts in (1, 2):
            with pytest.raises(NotDelivered):
                await CeleryWayBack(1.5).send(
                    a_retry(row=row, attempts=attempts), {"broker_url": f"redis://127.0.0.1:{proxy.port}/0"}
                )
        await until(lambda: publishing() == 0, "the end of threads")
        assert proxy.lost == 2
    sent = [json.loads(each)["headers"] for each in queue.lrange("celery", 0, -1)]
    assert len({each["id"] for each in sent}) == 1
    assert len({each["x-runwatch-publication"] for each in sent}) == len(sent) == 2


async def test_connections_are_closed(valkey: ValkeyServer, queue: redis.Redis) -> None:
    way_back = CeleryWayBack(60)  # 40 at once: none may give up on a busy machine
    await way_back.send(a_retry(), {"broker_url": valkey.url})
    before = open_files()
    await asyncio.gather(*(way_back.send(a_retry(), {"broker_url": valkey.url}) for _ in range(40)))
    assert open_files() <= before + 2
    await until(lambda: queue.info("clients")["connected_clients"] == 1, "end of connections, as the broker sees it")


@dataclass
class Secured:
    """A broker behind TLS, with a certificate that only holders of the file trust."""

    port: int
    certificate: Path


@pytest.fixture
async def secured(valkey: ValkeyServer, tmp_path: Path) -> AsyncIterator[Secured]:
    """Forwards decrypted data to the broker."""
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(self_signed("localhost"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_server = await asyncio.open_connection("127.0.0.1", valkey.port)
        await asyncio.gather(copy(reader, to_server), copy(upstream, writer), return_exceptions=True)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    async with server:
        yield Secured(server.sockets[0].getsockname()[1], certificate)


def self_signed(name: str) -> bytes:
    """A certificate for a name and the key to it, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, *form)
    return private + certificate.public_bytes(serialization.Encoding.PEM)


async def test_certificates_are_checked(secured: Secured, queue: redis.Redis) -> None:
    way_back, place = CeleryWayBack(5), f"localhost:{secured.port}"
    trusted = f"ssl_ca_certs={secured.certificate}"
    for url in (f"rediss://{place}/0", f"amqps://{place}//", f"rediss://127.0.0.1:{secured.port}/0?{trusted}"):
        assert "certificate verify failed" in str(await fails(way_back, url)), url
    error = str(await fails(way_back, f"amqps://127.0.0.1:{secured.port}//?{trusted}"))
    assert "certificate verify failed" in error, "it has another name"
    assert queue.llen("celery") == 0
    for number, query in enumerate((trusted, "ssl_cert_reqs=none"), 1):
        await way_back.send(a_retry(), {"broker_url": f"rediss://{place}/0?{query}"})
        assert queue.llen("celery") == number
