"""What one peer of a WebSocket may have a process do in one go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from app.server.websocket_protocol import MAX_EMPTY_FRAMES, PART_BYTES, WebSocketProtocol
from tests.app.server.talking import Wire

HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
)


def frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


class Talk:
    """A connection whose app keeps what it hears."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.heard: list[str] = []
        config = uvicorn.Config(self._app, interface="asgi3", lifespan="off", log_config=None, ws_max_size=1024 * 1024)
        config.load()
        self.protocol = WebSocketProtocol(config, ServerState(), {})
        self.protocol.connection_made(self.wire)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            self.heard.append(message["text"])

    def data(self, data: bytes) -> None:
        self.protocol.data_received(data)

    async def until(self, met: Callable[[], bool]) -> None:
        for _ in range(100_000):
            if met():
                return
            await asyncio.sleep(0)
        raise AssertionError("not met")


@pytest.fixture
async def talk() -> Any:
    talk = Talk()
    talk.data(HANDSHAKE)
    await talk.until(lambda: b"\r\n\r\n" in talk.wire.sent)
    assert talk.wire.sent.startswith(b"HTTP/1.1 101 ")
    talk.wire.sent = b""
    yield talk
    talk.protocol.connection_lost(None)


async def test_messages_that_come_together_are_parsed_as_the_app_takes_them(talk: Talk) -> None:
    texts = [f"message {number}" for number in range(5_000)]
    talk.data(b"".join(frame(Opcode.TEXT, text.encode()) for text in texts))
    most = 0
    while len(talk.heard) < len(texts):
        most = max(most, talk.protocol.queue.qsize())
        await asyncio.sleep(0)
    assert talk.heard == texts
    assert most <= PART_BYTES // len(frame(Opcode.TEXT, b"message 1")) + 1


async def test_long_messages_arrive_whole(talk: Talk) -> None:
    whole = "x" * 1_000_000
    talk.data(frame(Opcode.TEXT, whole.encode()))
    parts = [frame(Opcode.TEXT if not at else Opcode.CONT, b"y" * 1_000, fin=at == 999) for at in range(1_000)]
    talk.data(b"".join(parts) + frame(Opcode.TEXT, b"last"))
    await talk.until(lambda: len(talk.heard) == 3)
    assert talk.heard == [whole, "y" * 1_000_000, "last"]


@pytest.mark.parametrize(
    ("begin", "each"),
    [
        (b"", frame(Opcode.PING, b"p" * 125)),
        (b"", frame(Opcode.PONG, b"")),
        (frame(Opcode.TEXT, b"", fin=False), frame(Opcode.CONT, b"", fin=False)),
        (frame(Opcode.TEXT, b"", fin=False), frame(Opcode.CONT, b"x", fin=False)),
    ],
    ids=["pings", "pongs", "parts of nothing", "parts of a character"],
)
async def test_flood_of_frames_that_carry_nothing_ends_the_connection(talk: Talk, begin: bytes, each: bytes) -> None:
    """In many turns of the loop, each of which parses a part of them; what is answered is bounded."""
    talk.data(begin + each * 40_000)
    first = talk.protocol._empty_frames
    assert first <= PART_BYTES // len(each) + 1
    await talk.until(lambda: talk.protocol.close_sent)
    assert b"\x03\xf0Too many frames that carry nothing" in talk.wire.sent  # 1008
    assert len(talk.wire.sent) < (MAX_EMPTY_FRAMES + 1) * 130
    talk.data(each * 40_000)
    assert talk.protocol._empty_frames == MAX_EMPTY_FRAMES + 1


async def test_few_pings_in_a_while_are_answered(talk: Talk) -> None:
    for _ in range(3):
        talk.data(frame(Opcode.PING, b"p") * MAX_EMPTY_FRAMES)
        await talk.until(lambda: talk.wire.sent == b"\x8a\x01p" * MAX_EMPTY_FRAMES)
        talk.wire.sent = b""
        talk.protocol._empty_since -= 60
    talk.data(frame(Opcode.TEXT, b"still there"))
    await talk.until(lambda: talk.heard == ["still there"])
