"""Servers that refuse the process that wants to publish and hear, or that are no Redis at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from app.live.pubsub import GAP
from specs.harness.servers.valkey import ValkeyServer
from specs.harness.waiting import until
from tests.app.live.hearing import Hearing, Logs, connected, flows, make_hasty, ticking

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    with ValkeyServer(own=True) as started:
        yield started


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    return Logs(monkeypatch)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    make_hasty(monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ("redis://reader:wrong-sekrit@{}/0", "AuthenticationError WRONGPASS"),
        ("redis://:sekrit@{}/0", "AuthenticationError"),
        ("redis://reader:sekrit@{}/99", "ResponseError"),
        ("redis://reader:sekrit@{}/0", "NoPermissionError NOPERM"),
        ("redis://{}/0", "AuthenticationError NOAUTH"),
        ("rediss://reader:sekrit@{}/0", "TimeoutError"),  # it waits for the end of a line that TLS does not have
    ],
)
async def test_a_redis_that_refuses_us(server: ValkeyServer, logs: Logs, form: str, reason: str) -> None:
    admin = Redis.from_url(server.url)
    await admin.acl_setuser("reader", enabled=True, passwords=["+sekrit"], categories=["+@all"], reset_channels=True)
    await admin.acl_setuser("default", enabled=True, reset_passwords=True, passwords=["+default-sekrit"])
    async with admin, connected(form.format(f"127.0.0.1:{server.port}")) as channel:
        hearing = Hearing(channel.messages())
        channel.publish("refused")
        await until(lambda: logs.count("pubsub_publish_failed") == 1)
        await asyncio.sleep(0.3)
        assert hearing.heard == []
        assert logs.count("pubsub_lost") == 1
        assert reason in logs.lines[0]
        assert "sekrit" not in "".join(logs.lines)
        if "NOPERM" in reason:
            await admin.acl_setuser("reader", enabled=True, channels=["*"])
            await hearing.until(GAP)
            await flows(channel, hearing)


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    [
        b"-ERR unknown command 'AUTH', with args beginning with: 'sekrit'\r\n",
        b"",
        b"+OK\r\n+OK\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"+OK\r\n*3\r\n$9\r\nsubscribe\r\n$8\r\nrunwatch\r\n:1\r\n*-1\r\n",
        b"+OK\r\n*3\r\n$9\r\nsubscribe\r\n$8\r\nrunwatch\r\n:1\r\n" + b"x" * 200_000,
    ],
)
async def test_a_server_that_is_no_redis(logs: Logs, answer: bytes) -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        with suppress(ConnectionError):
            await reader.read(1)
            writer.write(answer)
            await writer.drain()
        writer.close()

    peer = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = peer.sockets[0].getsockname()
    with ticking() as turns:
        async with connected(f"redis://:sekrit@{host}:{port}/0") as channel:
            channel.publish("lost")
            await until(lambda: logs.count("pubsub_publish_failed") > 0)
            await until(lambda: logs.count("pubsub_lost") > 0)
            await asyncio.sleep(0.5)
            await until(lambda: turns() > 100)
    assert connections < 40
    assert "sekrit" not in "".join(logs.lines)
    peer.close()
    await peer.wait_closed()
