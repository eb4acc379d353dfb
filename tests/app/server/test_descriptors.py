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
