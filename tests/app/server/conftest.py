"""A server of one connection's protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest

from app.server.http_protocol import Arriving, HttpProtocol
from tests.app.http.gates import serving
from tests.app.server.talking import echo


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving(echo, partial(HttpProtocol, arriving=Arriving(10, 30))) as opened:
        yield opened
