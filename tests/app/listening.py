"""A real server in the process of the test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest import mock

import uvicorn

# uvicorn looks ten times a second whether it is to end, and whether its connections have ended.
HASTE = 20


class _Hasty:
    """asyncio, as uvicorn's server sees it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / HASTE)


@asynccontextmanager
async def listening(config: uvicorn.Config) -> AsyncIterator[int]:
    """The port of a server that is there meanwhile."""
    server = uvicorn.Server(config)
    # The protocol is named because asyncio turns Nagle's algorithm off only then: 40 ms an answer.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    with mock.patch.object(uvicorn.server, "asyncio", _Hasty()):
        task = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            while not (server.started or task.done()):  # noqa: ASYNC110  # uvicorn has no event for it
                await asyncio.sleep(0.001)
            yield bound.getsockname()[1]
        finally:
            server.should_exit = True
            await task
