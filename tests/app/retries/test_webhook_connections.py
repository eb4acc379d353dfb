"""Peers that are no engines: silence, garbage, the wrong protocol, a certificate that nobody vouches for."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.delivery.port import NotDelivered
from app.retries.webhook import WebhookWayBack
from specs.harness.receiver import Receiver
from tests.app.retries.contract import SECRET, a_request


@pytest.fixture
async def way_back() -> AsyncIterator[WebhookWayBack]:
    way_back = WebhookWayBack(timeout=20)
    yield way_back
    await way_back.close()


async def refused(way_back: WebhookWayBack, url: str) -> str:
    """Why a request was not delivered; a further attempt may help."""
    with pytest.raises(NotDelivered) as error:
        await way_back.send(a_request(), {"url": url, "secret": SECRET})
    assert not error.value.final
    return str(error.value)


class Peers(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def peer(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a server that treats everybody in this way."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                talk(self.request)

    with Peers(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "said", [b"", b"\x00" * 64, b"\x15\x03\x03\x00\x02\x02\x28", b"HTTP/1.1 999999 \xff\r\n\r\n", b"\r\n" * 99]
)
async def test_garbage(way_back: WebhookWayBack, scheme: str, said: bytes) -> None:
    def talk(caller: socket.socket) -> None:
        caller.recv(65536)
        caller.sendall(said)

    with peer(talk) as address:
        assert await refused(way_back, f"{scheme}://{address}/")


async def test_headers_without_end(way_back: WebhookWayBack) -> None:
    def talk(caller: socket.socket) -> None:
        caller.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            caller.sendall(b"x-more: " + b"x" * 10_000 + b"\r\n")

    with peer(talk) as address:
        assert await refused(way_back, f"http://{address}/")


async def test_silence() -> None:
    hasty = WebhookWayBack(timeout=0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert await refused(hasty, f"http://{address}/") == "No answer within 0.3 s"
        assert await refused(hasty, f"https://{address}/") == "No connection within 0.15 s"
    await hasty.close()


async def test_http_where_https_is_meant(way_back: WebhookWayBack, receiver: Receiver) -> None:
    assert "SSL" in await refused(way_back, receiver.url.replace("http:", "https:"))
    assert receiver.requests == []


async def test_a_certificate_that_nobody_vouches_for(way_back: WebhookWayBack, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    heard: list[bytes] = []

    def talk(caller: socket.socket) -> None:
        with context.wrap_socket(caller, server_side=True) as secure:
            heard.append(secure.recv(65536))

    with peer(talk) as address:
        assert "CERTIFICATE_VERIFY_FAILED" in await refused(way_back, f"https://{address}/")
    assert heard in ([], [b""])


def self_signed(folder: Path) -> Path:
    """A file with a key and a certificate for localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "self-signed.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    return path
