"""Clients that do not read cost little memory, hold nobody up, and are let go."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from structlog.testing import capture_logs

from app.graphql.sockets import Limits
from app.server import websocket_protocol
from specs.harness.waiting import PATIENCE_SECONDS, until
from tests.app.graphql.sockets import connect
from tests.app.graphql.stubs import Stub, sockets_of


@pytest.fixture
def stub() -> Stub:
    return Stub()


def now() -> float:
    """Seconds of the loop, which leave out a stop of the machine."""
    return asyncio.get_running_loop().time()


class Deaf:
    """A client that subscribes and never reads."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> None:
        self._context = connect(self.url)
        self._socket = await self._context.__aenter__()
        await self._socket.init()
        self._socket.connection.transport.pause_reading()
        await self._socket.subscribe("1", "floods")

    async def __aexit__(self, *_: object) -> None:
        self._socket.connection.transport.abort()
        with contextlib.suppress(Exception):
            await self._context.__aexit__(None, None, None)


@pytest.mark.slow
async def test_a_client_that_does_not_read(stub: Stub) -> None:
    async with sockets_of(stub, Limits(queued_bytes=100_000, stall_seconds=0.5)) as url, connect(url) as reader:
        await reader.init()
        async with Deaf(url), Deaf(url):
            await until(lambda: stub.open == 2)
            began = now()
            while stub.open:
                await reader.subscribe("1", "one")
                sent = now()
                await reader.only("1")
                assert now() - sent < 1
                assert now() - began < 10
        # And the server does not wait for them at its end: the fixture would take longer than its grace.


@pytest.mark.slow
async def test_the_close_code_of_a_client_that_does_not_read_in_time(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_protocol, "LINGER_SECONDS", PATIENCE_SECONDS)
    async with sockets_of(stub, Limits(queued_bytes=100_000, stall_seconds=0.5)) as url, connect(url) as socket:
        await socket.init()
        socket.connection.transport.pause_reading()
        await socket.subscribe("1", "floods")
        await until(lambda: stub.open == 1)
        await until(lambda: stub.open == 0)
        socket.connection.transport.resume_reading()
        assert (await socket.end())[0] == 4510


async def test_a_client_that_does_not_read_its_close_code_either_is_cut_off(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_protocol, "LINGER_SECONDS", 0.1)
    async with sockets_of(stub, Limits(queued_bytes=100_000, stall_seconds=0.3)) as url, connect(url) as socket:
        await socket.init()
        socket.connection.transport.pause_reading()
        await socket.subscribe("1", "floods")
        await until(lambda: stub.open == 1)
        await until(lambda: stub.open == 0)
        await asyncio.sleep(0.3)  # on one loop with the server, whose timer is before it
        socket.connection.transport.resume_reading()
        assert (await socket.end())[0] == 1006


@pytest.mark.slow
async def test_a_client_that_reads_slowly_is_waited_for(stub: Stub) -> None:
    async with (
        sockets_of(stub, Limits(queued_bytes=20_000, stall_seconds=0.4)) as url,
        connect(url, max_queue=1) as socket,
    ):
        await socket.init()
        await socket.subscribe("1", "floods")
        for _ in range(60):
            await asyncio.sleep(0.02)
            for _ in range(10):
                assert (await socket.next())["type"] == "next"
        assert stub.open == 1


@pytest.mark.slow
@pytest.mark.parametrize("query", ["pushes", "floods"])
async def test_a_client_that_reads_steadily_is_never_stalled(stub: Stub, query: str) -> None:
    """However long its system takes before it says that it has taken something."""
    async with sockets_of(stub, Limits(stall_seconds=1.5)) as url, connect(url, max_queue=1) as socket:
        await socket.init()
        await socket.subscribe("1", query)
        for _ in range(70):
            await asyncio.sleep(0.05)
            read = 0
            while read < 20_000:  # 400 KB/s: what a system takes in one go lasts for less than half of the time
                read += len(str(await socket.next()))
        assert stub.open == 1


@pytest.mark.slow
async def test_a_client_that_asks_and_does_not_read(stub: Stub) -> None:
    limits = Limits(queued_bytes=100_000, stall_seconds=0.5)
    with capture_logs() as logs:
        async with sockets_of(stub, limits) as url, connect(url) as socket:
            await socket.init()
            socket.connection.transport.pause_reading()

            async def ask() -> None:
                while True:
                    await socket.send("ping", payload={"x": "x" * 10_000})

            asking = asyncio.create_task(ask())
            await until(lambda: [line["code"] for line in logs if line["event"] == "socket"] == [4510])
            socket.connection.transport.resume_reading()
            asking.cancel()
            await asyncio.wait([asking])
            code, _ = await socket.end()
            assert code in (4510, 1006)  # data still on its way may have reset the connection


@pytest.mark.slow
async def test_the_server_ends_while_clients_do_not_read(stub: Stub) -> None:
    async with sockets_of(stub, Limits(queued_bytes=100_000, stall_seconds=60)) as url:
        deaf = Deaf(url)
        await deaf.__aenter__()
        await until(lambda: stub.open == 1)
        await asyncio.sleep(0.2)
        began = now()
    assert now() - began < 4.5
    assert stub.open == 0
    await deaf.__aexit__()


@pytest.mark.slow
async def test_a_client_that_answers_no_ping(stub: Stub) -> None:
    async with sockets_of(stub, ws_ping_interval=0.2, ws_ping_timeout=1) as url, connect(url) as socket:
        await socket.init()
        await socket.subscribe("1", "waits")
        await asyncio.sleep(1)
        assert stub.open == 1  # the library answers
        socket.connection.transport.pause_reading()
        await until(lambda: stub.open == 0)


async def test_a_server_of_another_make(stub: Stub) -> None:
    async with sockets_of(stub, ws="websockets-sansio") as url, connect(url) as socket:
        await socket.init()
        await socket.raw("x")
        assert (await socket.end())[0] == 4400
