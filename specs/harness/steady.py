"""An event loop whose clock leaves out the time for which the machine stood still.

A busy machine may stop a test for seconds. Everything that the test waits for stops with it, but time-outs do not: they
are all due at once, before anything else had its turn. On this clock they are not.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from typing import Any

from specs.harness.servers.backends import BackendSocket, known_backends

# A wait may take so much longer than it was asked to, and callbacks so long between two waits; more is left out.
GRACE_SECONDS = 0.25
# A longer wait is several of these, so that it shows how much of it the machine stood still.
PIECE_SECONDS = 0.25


class _Selector(selectors.DefaultSelector):
    """Measures how much too long each wait took, and what is between two of them."""

    def __init__(self) -> None:
        super().__init__()
        self._lost = 0.0
        self._woken = time.monotonic()

    def lost(self) -> float:
        """Seconds that do not count, up to now."""
        return self._lost + max(0.0, time.monotonic() - self._woken - GRACE_SECONDS)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait as ever."""
        self._lost, began = self.lost(), time.monotonic()
        left = math.inf if timeout is None else max(timeout, 0.0)
        while True:
            piece = min(left, PIECE_SECONDS)
            found = super().select(piece)
            self._woken = time.monotonic()
            self._lost += max(0.0, self._woken - began - piece - GRACE_SECONDS)
            began, left = self._woken, left - piece
            if found or left <= 0:
                return found


class SteadyLoop(asyncio.SelectorEventLoop):
    """The loop of every test."""

    def __init__(self) -> None:
        self._steady = _Selector()
        super().__init__(self._steady)

    def time(self) -> float:
        """Seconds, but for those that were lost."""
        return super().time() - self._steady.lost()

    async def create_connection(  # type: ignore[override]  # of a dozen options that it passes on
        self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> tuple[asyncio.BaseTransport, Any]:
        """Connect; to a Postgres of the tests by a process that is kept, if there is one."""
        backends = known_backends(host, port)
        if backends is None or options:
            return await super().create_connection(protocol_factory, host, port, **options)
        opened = BackendSocket(backends, (host, port), self.call_soon)
        transport, protocol = await super().create_connection(protocol_factory, sock=opened)
        opened.belong_to(transport)
        if opened.adopted:
            protocol.data_received(opened.adopted)
        return transport, protocol
