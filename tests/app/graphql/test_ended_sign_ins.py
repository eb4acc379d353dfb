"""A sign-in that has ended starts no operation, and keeps no socket open."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.errors import LimitExceeded, Unavailable
from specs.harness.waiting import until
from tests.app.graphql.sockets import Socket, connect
from tests.app.graphql.stubs import Stub, sockets_of

ENDED = (4403, "The sign-in has ended")


async def signed_in(socket: Socket, name: str, **more: object) -> None:
    await socket.send("connection_init", payload={"name": name, **more})
    assert await socket.next() == {"type": "connection_ack"}


async def test_no_operation_starts_after_the_end() -> None:
    stub = Stub()
    async with sockets_of(stub) as url, connect(url) as socket, connect(url) as other:
        await signed_in(socket, "ada")
        await signed_in(other, "bob")
        await socket.subscribe("1", "one")
        assert await socket.only("1") == {"data": {"n": 1}}
        stub.ended.add("ada")
        started = len(stub.contexts)
        await socket.subscribe("2", "one")
        assert await socket.end() == ENDED
        assert len(stub.contexts) == started
        await other.subscribe("1", "one")
        assert await other.only("1") == {"data": {"n": 1}}


async def test_the_end_takes_running_operations_with_it() -> None:
    stub = Stub()
    async with sockets_of(stub) as url, connect(url) as socket, connect(url) as same, connect(url) as other:
        for each, name in ((socket, "ada"), (same, "ada"), (other, "bob")):
            await signed_in(each, name)
            await each.subscribe("1", "waits")
        await until(lambda: stub.open == 3)
        await stub.sweep()
        assert stub.open == 3
        stub.ended.add("ada")
        await stub.sweep()
        assert [await socket.end(), await same.end()] == [ENDED, ENDED]
        await until(lambda: stub.open == 1)
        await other.send("ping")
        assert await other.next() == {"type": "pong"}


async def test_a_sweep_asks_once_for_all_and_not_for_nobody() -> None:
    stub = Stub()
    async with sockets_of(stub) as url:
        await stub.sweep()
        assert stub.asked == 0
        async with connect(url) as one, connect(url) as two, connect(url):
            await stub.sweep()
            assert stub.asked == 0, "nobody has signed in yet"
            await signed_in(one, "ada")
            await signed_in(two, "bob")
            await stub.sweep()
            assert stub.asked == 1
        await asyncio.sleep(0.1)
        await stub.sweep()
        assert stub.asked == 1, "they are gone"


@pytest.mark.parametrize(
    ("error", "closes"), [(Unavailable("no database"), True), (LimitExceeded("slow"), False), (OSError("x"), False)]
)
async def test_who_cannot_be_checked_gets_nothing(error: Exception, closes: bool) -> None:
    """A database that is away says nothing of the sign-in: the client comes back."""
    stub = Stub()
    async with sockets_of(stub) as url, connect(url) as socket:
        await signed_in(socket, "ada")
        stub.ended_error = error
        await socket.subscribe("1", "one")
        if closes:
            assert (await socket.end())[0] == 1013
        else:
            assert await socket.code() in ("LIMIT_EXCEEDED", "INTERNAL")
        assert stub.contexts == []
        with pytest.raises(type(error)):
            await stub.sweep() if not closes else await _with_another(stub, url)


async def _with_another(stub: Stub, url: str) -> None:
    async with connect(url) as socket:
        await signed_in(socket, "bob")
        await stub.sweep()


async def test_the_end_of_a_session_can_move() -> None:
    """A bearer's socket ends with the token; that of a session when it is found to have ended."""
    stub = Stub()
    soon = int((time.time() + 0.3) * 1e6)
    async with sockets_of(stub) as url, connect(url) as bearer, connect(url) as session:
        await signed_in(bearer, "ada", expires_at=soon)
        await signed_in(session, "ada", expires_at=soon, session="1")
        assert await bearer.end() == (4403, "The sign-in has expired")
        await session.subscribe("1", "one")
        assert await session.only("1") == {"data": {"n": 1}}
