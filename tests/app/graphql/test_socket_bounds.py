"""What one socket may cost: operations and time; and that whatever it started is ended with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets import ConnectionClosedError

from app.graphql.sockets import Limits
from specs.harness.waiting import until
from tests.app.graphql.sockets import Socket, connect
from tests.app.graphql.stubs import Stub, sockets_of


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
async def socket(stub: Stub) -> AsyncIterator[Socket]:
    async with sockets_of(stub) as url, connect(url) as opened:
        await opened.init()
        yield opened


async def test_results(stub: Stub, socket: Socket) -> None:
    await socket.subscribe("1", "one")
    assert await socket.only("1") == {"data": {"n": 1}}
    await socket.subscribe("1", "none")
    assert await socket.next() == {"type": "complete", "id": "1"}
    await socket.subscribe("1", "plain")
    assert [(await socket.next()).get("payload") for _ in range(3)] == [{"data": 1}, {"data": 2}, None]
    assert len(set(map(id, stub.contexts))) == 3  # each operation has its own


@pytest.mark.parametrize(
    ("query", "code", "before"),
    [
        ("refused", "BAD_USER_INPUT", 0),
        ("failed", "CONFLICT", 0),
        ("bug", "INTERNAL", 0),
        ("breaks", "INTERNAL", 1),
        ("unserialisable", "INTERNAL", 0),
    ],
)
async def test_a_failure_ends_the_operation_alone(
    stub: Stub, socket: Socket, query: str, code: str, before: int
) -> None:
    await socket.subscribe("other", "waits")
    for _ in range(2):  # and its id is free
        await socket.subscribe("1", query)
        for _ in range(before):
            assert (await socket.next())["type"] == "next"
        assert await socket.code() == code
    assert stub.open == 1


async def test_the_fifty_first_operation(stub: Stub, socket: Socket) -> None:
    for number in range(50):
        await socket.subscribe(str(number), "waits")
    for _ in range(2):
        await socket.subscribe("50", "one")
        assert await socket.code() == "LIMIT_EXCEEDED"
    assert stub.open == 50
    await socket.send("complete", "7")
    await socket.subscribe("50", "one")
    await socket.only("50")
    assert stub.open == 49


async def test_all_of_them_replaced_at_once(stub: Stub, socket: Socket) -> None:
    for number in range(50):
        await socket.subscribe(f"old {number}", "waits")
    await until(lambda: stub.open == 50)
    messages: list[dict[str, Any]] = [{"type": "complete", "id": f"old {number}"} for number in range(50)]
    messages += [{"type": "subscribe", "id": f"{number}", "payload": {"query": "waits"}} for number in range(50)]
    for message in messages:
        socket.connection.protocol.send_text(json.dumps(message).encode())
    socket.connection.transport.write(b"".join(socket.connection.protocol.data_to_send()))
    await socket.send("ping")
    assert await socket.next() == {"type": "pong"}
    await until(lambda: stub.open == 50)


async def test_complete_ends_an_operation(stub: Stub, socket: Socket) -> None:
    await socket.subscribe("1", "waits")
    await socket.subscribe("2", "floods")
    assert (await socket.next())["id"] == "2"
    await socket.send("complete", "1")
    await stub.closed.wait()
    await socket.send("complete", "2")
    await socket.send("ping")
    async with asyncio.timeout(10):
        while (await socket.next())["type"] != "pong":
            pass
    await until(lambda: stub.open == 0)


async def test_the_end_of_a_socket_ends_its_operations(stub: Stub) -> None:
    async with sockets_of(stub) as url:
        for end in ("closed", "lost", "garbage"):
            async with connect(url) as socket:
                await socket.init()
                for number in range(10):
                    await socket.subscribe(str(number), "waits")
                await until(lambda: stub.open == 10)
                if end == "lost":
                    socket.connection.transport.abort()
                elif end == "garbage":
                    await socket.raw("x")
            await until(lambda: stub.open == 0)


async def test_a_slow_end_holds_nobody_up(stub: Stub, socket: Socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.graphql.socket.CLEANUP_SECONDS", 0.2)
    for number in range(50):
        await socket.subscribe(str(number), "sticks")
        await socket.send("complete", str(number))
        await socket.send("ping")
        assert (await socket.next())["type"] == "pong"
    # All of them still end, and the socket does not take on more until they have.
    await socket.subscribe("1", "one")
    refused = (await socket.next())["type"] == "error"
    await until(lambda: stub.open == 0)  # they heard again
    await socket.subscribe("2", "one")
    messages = [await socket.next() for _ in range(2 if refused else 3)]
    assert messages[-1] == {"type": "complete", "id": "2"}


async def test_documents_of_what_runs_have_so_many_characters(stub: Stub) -> None:
    async with sockets_of(stub, Limits(characters_of_viewer=7)) as url, connect(url) as socket:
        await socket.init()
        for id_ in ("1", "2"):
            await socket.subscribe(id_, "waits")
        await until(lambda: stub.open == 2)
        await socket.subscribe("3", "one")
        assert await socket.code() == "LIMIT_EXCEEDED"
        for id_ in ("1", "2"):
            await socket.send("complete", id_)
        await until(lambda: stub.open == 0)
        await socket.subscribe("3", "one")
        await socket.only("3")


async def test_documents_by_hash_count_as_others_do(stub: Stub) -> None:
    stub.by_hash = {"1": "waits", "2": "one"}

    def payload(hash_: str) -> dict[str, Any]:
        return {"query": "", "extensions": {"hash": hash_}}

    async with sockets_of(stub, Limits(characters_of_viewer=7)) as url, connect(url) as socket:
        await socket.init()
        await socket.send("subscribe", "1", payload=payload("1"))
        await socket.subscribe("2", "waits")
        await until(lambda: stub.open == 2)
        for unfit, code in (("2", "LIMIT_EXCEEDED"), ("3", "PERSISTED_QUERY_NOT_FOUND")):
            await socket.send("subscribe", "3", payload=payload(unfit))
            assert await socket.code() == code
        for id_ in ("1", "2"):
            await socket.send("complete", id_)
        await until(lambda: stub.open == 0)
        await socket.send("subscribe", "3", payload=payload("2"))
        await socket.only("3")


async def test_the_operations_of_a_viewer_and_of_all(stub: Stub) -> None:
    limits = Limits(operations_of_viewer=2, operations_of_all=3)
    async with sockets_of(stub, limits) as url, connect(url) as one, connect(url) as same, connect(url) as other:
        for socket, name in ((one, "a"), (same, "a"), (other, "b")):
            await socket.send("connection_init", payload={"name": name})
            assert (await socket.next())["type"] == "connection_ack"
        await one.subscribe("1", "waits")
        await same.subscribe("1", "waits")
        await until(lambda: stub.open == 2)
        await one.subscribe("2", "waits")
        assert await one.code() == "LIMIT_EXCEEDED"
        await other.subscribe("1", "waits")
        await until(lambda: stub.open == 3)
        await other.subscribe("2", "waits")
        assert await other.code() == "LIMIT_EXCEEDED"
        await same.send("complete", "1")
        await until(lambda: stub.open == 2)
        await other.subscribe("2", "waits")
        await until(lambda: stub.open == 3)
        for socket in (one, same, other):
            socket.connection.transport.abort()
        await until(lambda: stub.open == 0)
    async with sockets_of(stub, limits) as url, connect(url) as again:
        await again.init()
        for number in range(10):  # those that are over do not count
            await again.subscribe(f"{number}", "one")
            await again.only(f"{number}")


async def test_the_sockets_of_a_viewer(stub: Stub) -> None:
    """Of one credential; those that are over do not count."""
    async with sockets_of(stub, Limits(sockets_of_viewer=2)) as url, connect(url) as one, connect(url) as other:
        for socket, name in ((one, "a"), (other, "b")):
            await socket.send("connection_init", payload={"name": name})
            assert (await socket.next())["type"] == "connection_ack"

        async def second() -> bool:
            async with connect(url) as socket, connect(url) as third:
                await socket.send("connection_init", payload={"name": "a"})
                try:
                    assert (await socket.next())["type"] == "connection_ack"
                except ConnectionClosedError:
                    return False  # the one before is still there
                await third.send("connection_init", payload={"name": "a"})
                assert await third.end() == (1013, "At most 2 WebSockets for one token; close one")
                return True

        for _ in range(3):
            await until(second)


async def test_an_operation_that_ends_badly_leaves_the_next_one_of_its_id(stub: Stub, socket: Socket) -> None:
    await socket.subscribe("1", "ends_badly")
    await until(lambda: stub.open == 1)
    await socket.send("complete", "1")
    await socket.subscribe("1", "waits")
    await until(lambda: stub.closed.is_set() and stub.open == 1)
    await asyncio.sleep(0.1)
    await socket.send("ping")
    assert await socket.next() == {"type": "pong"}
    await socket.send("complete", "1")
    await until(lambda: stub.open == 0)


async def test_when_the_database_is_away_clients_are_told_to_come_back(stub: Stub, socket: Socket) -> None:
    await socket.subscribe("1", "away")
    assert (await socket.end())[0] == 1013


@pytest.mark.slow
async def test_no_first_message(stub: Stub) -> None:
    async with sockets_of(stub, Limits(init_seconds=0.2)) as url:
        async with connect(url) as socket:
            await socket.send("ping")
            assert (await socket.end())[0] == 4408
        async with connect(url) as socket:
            await socket.init()
            await asyncio.sleep(0.4)
            await socket.subscribe("1", "one")
            await socket.only("1")
