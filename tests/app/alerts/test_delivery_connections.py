"""How alerts connect: to the address that was checked, by the name that was meant, encrypted where they should be."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.delivery import signed_post
from app.delivery.mail import Mailer
from app.delivery.port import NotDelivered
from app.delivery.signed_post import SignedPost
from app.delivery.smtp import MailServer as MailServerSetting
from specs.harness.certificates import Authority
from specs.harness.mail import MailServer
from specs.harness.receiver import Receiver, redirect
from specs.harness.servers import free_port

NAME = "hooks.test"
SECRET = "whsec_" + "c2VjcmV0IHdpdGggdGhpcnR5LXR3byBieXRlcyAhIQ=="
ID = "0199" + "0" * 28


class Names:
    """Resolves every name to the same addresses, and keeps who was asked for."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    async def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        return list(self.addresses)


async def send(names: Names, url: str) -> None:
    post = SignedPost(5, names)
    try:
        await post.send(ID, "{}", {"url": url, "secret": SECRET})
    finally:
        await post.close()


@pytest.fixture(autouse=True)
def nobody_else_resolves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is resolved a second time may be another one by then."""

    async def getaddrinfo(self: Any, host: str, *_: Any, **__: Any) -> Any:
        raise AssertionError(f"{host} is resolved once more")

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", getaddrinfo)


async def test_the_connection_goes_to_the_address_and_the_request_to_the_name(receiver: Receiver) -> None:
    names = Names("127.0.0.1")
    await send(names, f"http://{NAME}:{receiver.port}/path?key=1")
    assert names.asked == [NAME]
    (request,) = receiver.requests
    assert (request.path, request.headers["host"]) == ("/path?key=1", f"{NAME}:{receiver.port}")


async def test_the_next_address_is_tried(receiver: Receiver) -> None:
    await send(Names("127.0.0.2", "127.0.0.1"), f"http://{NAME}:{receiver.port}/")
    assert len(receiver.requests) == 1
    with pytest.raises(NotDelivered, match=r"^ConnectError"):
        await send(Names("127.0.0.2", "127.0.0.3"), f"http://{NAME}:{receiver.port}/")
    with pytest.raises(NotDelivered, match="no address"):
        await send(Names(), f"http://{NAME}:{receiver.port}/")


@pytest.mark.slow
async def test_an_address_that_does_not_answer_leaves_time_for_the_next(receiver: Receiver) -> None:
    with socket.socket() as silent, ExitStack() as waiting:
        silent.bind(("127.0.0.2", receiver.port))
        silent.listen(0)
        for _ in range(4):  # more than it lets wait: from then on it drops what would connect
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(silent.getsockname())
        await send(Names("127.0.0.2", "127.0.0.1"), f"http://{NAME}:{receiver.port}/")
    assert len(receiver.requests) == 1


async def test_proxies_of_the_environment_are_ignored(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    await send(Names("127.0.0.1"), f"http://{NAME}:{receiver.port}/")
    assert len(receiver.requests) == 1


async def test_redirects_are_not_followed(receiver: Receiver) -> None:
    with Receiver() as elsewhere:
        receiver.answer = redirect(elsewhere.url)
        with pytest.raises(NotDelivered, match=r"^307 "):
            await send(Names("127.0.0.1"), f"http://{NAME}:{receiver.port}/")
        assert elsewhere.requests == []


@asynccontextmanager
async def tls_server(context: ssl.SSLContext) -> AsyncIterator[tuple[int, list[str | None]]]:
    """Answers 204 over TLS; its port, and the names that it was asked for."""
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        await reader.read()  # until the client closes
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], asked
    finally:
        server.close()


@pytest.mark.parametrize("name", [NAME, "other.test"])
async def test_the_certificate_has_to_be_that_of_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setattr(signed_post, "trusted", lambda: ssl.create_default_context(cafile=authority.file))
    async with tls_server(authority.server(name)) as (port, asked):
        if name == NAME:
            await send(Names("127.0.0.1"), f"https://{NAME}:{port}/")
        else:
            with pytest.raises(NotDelivered, match=r"(?i)certificate"):
                await send(Names("127.0.0.1"), f"https://{NAME}:{port}/")
        assert asked == [NAME]


def mailer(url: str) -> Mailer:
    return Mailer(MailServerSetting.of(url, "runwatch@example.com"), 5)


async def post_mail(url: str) -> None:
    await mailer(url).send(ID, "ops@example.com", "subject", "text\n")


# aiosmtpd says so of AUTH without STARTTLS.
INSECURE = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
LOGIN = "me%40example.com:p%3Ass-w0rd"


@pytest.fixture
def resolvable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail servers are named by the operator, and resolved by whoever connects."""
    monkeypatch.undo()


@INSECURE
@pytest.mark.usefixtures("resolvable")
@pytest.mark.parametrize(("scheme", "wrapped"), [("smtp", False), ("smtps", True)])
async def test_mail_goes_over_tls_with_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, wrapped: bool
) -> None:
    authority = Authority(tmp_path)
    login = ("me@example.com", "p:ss-w0rd")
    with MailServer(tls=authority.server("localhost"), wrapped=wrapped, login=login) as server:
        with pytest.raises(NotDelivered, match=r"(?i)certificate"):
            await post_mail(f"{scheme}://{LOGIN}@localhost:{server.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        await post_mail(f"{scheme}://{LOGIN}@localhost:{server.port}")
        (mail,) = server.mails
        assert mail.encrypted
        with pytest.raises(NotDelivered, match="535") as error:
            await post_mail(f"{scheme}://me%40example.com:wrong-pass@localhost:{server.port}")
        assert "wrong-pass" not in str(error.value)


@INSECURE
@pytest.mark.usefixtures("resolvable")
async def test_no_password_goes_out_in_the_clear() -> None:
    with MailServer(login=("me@example.com", "p:ss-w0rd")) as server:
        with pytest.raises(NotDelivered, match=r"(?i)starttls"):
            await post_mail(f"smtp://{LOGIN}@127.0.0.1:{server.port}")
        await post_mail(f"smtp://{LOGIN}@127.0.0.1:{server.port}?starttls=off")
        assert len(server.mails) == 1


@pytest.mark.usefixtures("resolvable")
async def test_a_mail_server_that_says_nothing() -> None:
    hung_up = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hasty = Mailer(MailServerSetting.of(f"smtp://127.0.0.1:{port}", "runwatch@example.com"), 0.2)
    with pytest.raises(NotDelivered, match=r"did not answer within 0\.2 s"):
        await hasty.send(ID, "ops@example.com", "subject", "text\n")
    async with asyncio.timeout(20):
        await hung_up.wait()
    server.close()


@pytest.mark.usefixtures("resolvable")
async def test_a_mail_server_that_takes_mail_and_says_no_good_bye() -> None:
    """Else a mail that arrived would be sent again and again."""
    said: list[bytes] = []
    hung_up = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            said.append(line.strip().upper())
            if said[-1] == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            if said[-1] != b"QUIT":
                writer.write(b"250 done\r\n")
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hasty = Mailer(MailServerSetting.of(f"smtp://127.0.0.1:{port}", "runwatch@example.com"), 0.5)
    await hasty.send(ID, "ops@example.com", "subject", "text\n")
    async with asyncio.timeout(20):
        await hung_up.wait()
    assert said[-1] == b"QUIT"
    server.close()
