"""Descriptors: as many as there are, and the last ones are not for clients."""

from __future__ import annotations

import asyncio
import resource

import pytest
import structlog

from app.server import descriptors
from app.settings import Settings
from tests.app.server.talking import POST, send


async def test_the_last_descriptors_are_not_for_clients(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are closed, the log says so once, and the next ones are served."""
    with structlog.testing.capture_logs() as lines, monkeypatch.context() as patch:
        patch.setattr(descriptors, "_next_line", 0.0)
        patch.setattr(descriptors, "SPARE", 10**9)
        patch.setattr(descriptors, "PART", 1)
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            writer.close()
    assert [line["event"] for line in lines] == ["descriptors_used_up"]
    assert (await send(port, POST + b"content-length: 0\r\nconnection: close\r\n\r\n"))[0] == 200


async def test_who_waits_makes_room_where_descriptors_are_short(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All kinds of connections that wait took all descriptors together, and new ones were closed."""
    get = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
    async with asyncio.timeout(30):
        waiting = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for reader, writer in waiting:
            writer.write(get)
            await reader.readuntil(b"HTTP/1.1 200 ")
        with monkeypatch.context() as patch:
            limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            patch.setattr(descriptors, "SPARE", limit)
            patch.setattr(descriptors, "PART", 1)
            assert (await send(port, get.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")))[0] == 200
        for reader, _ in waiting[:2]:
            await reader.read()  # the two that have waited for longest end
        waiting[2][1].write(get)
        await waiting[2][0].readuntil(b"HTTP/1.1 200 ")
        for _, writer in waiting:
            writer.close()


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[0], before[1] - 1, 1_000), before[1]))
    try:
        with structlog.testing.capture_logs() as lines:
            descriptors.raise_limit(Settings(max_subscriptions=10**9))
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
        assert [line["event"] for line in lines] == ["few_descriptors"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
