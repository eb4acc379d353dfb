"""Sockets that have not signed in yet: how many there may be."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import Scope

from app.asgi.addresses import network_of
from app.asgi.arrivals import Arrivals
from app.asgi.extensions import CLOSER


class Newcomer:
    """One of them, until `done`. `stop` ends it."""

    def __init__(self, arrivals: Arrivals, scope: Scope, stop: Callable[[], None]) -> None:
        self._arrivals = arrivals
        self._scope = scope
        self._stop = stop
        self._address = network_of(scope.get("client"))
        self._waits = True
        arrivals.add(self, self._address)

    def is_late(self, now: float) -> bool:
        """Never: the socket itself has a timer for connection_init."""
        return False

    def time_out(self) -> None:
        """See is_late."""

    def make_room(self) -> None:
        """Its place is needed at once, and a close frame may wait for an answer."""
        self.done()
        cut = self._scope.get("extensions", {}).get(CLOSER, {}).get("cut")
        if cut is not None:
            cut()
        self._stop()

    def done(self) -> None:
        """It has signed in, or is over."""
        if self._waits:
            self._waits = False
            self._arrivals.discard(self, self._address)
