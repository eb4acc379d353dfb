"""Connections that wait for their client: how many there may be, and for how long. docs/limits.md.

They have yet to say what they want, or to take an answer, or were answered and are idle. Anybody can open them, and
each takes a descriptor. Whoever has been silent for longest makes room for the next: those who mean something say it
within milliseconds. An address with many loses its own before it costs others theirs.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections import OrderedDict
from typing import Protocol

# Of each kind of them: so many of the descriptors that this process may have, and no more than that.
PART, MAX_WAITING = 4, 1_000
# An address may have this part of them.
OF_ONE = 2
SWEEP_SECONDS = 1.0


class Waiting(Protocol):
    """One such connection."""

    def is_late(self, now: float) -> bool:
        """Whether it has taken too long, by the clock of the loop."""
        ...

    def time_out(self) -> None:
        """End it, and say so."""
        ...

    def make_room(self) -> None:
        """End it at once."""
        ...


class Arrivals:
    """The connections of one kind, oldest first."""

    def __init__(self, most: int | None = None) -> None:
        self._most = room() if most is None else most
        self._of_one = max(self._most // OF_ONE, 1)
        self._by_address: dict[str, OrderedDict[Waiting, None]] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self.total = 0

    def add(self, waiting: Waiting, address: str) -> None:
        """It waits from now on. Ends another one, or it, if they are too many."""
        of_one = self._by_address.setdefault(address, OrderedDict())
        of_one[waiting] = None
        self.total += 1
        if len(of_one) > self._of_one:
            self._end(address)
        elif self.total > self._most:
            self._end(max(self._by_address, key=lambda each: len(self._by_address[each])))
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._look)

    def discard(self, waiting: Waiting, address: str) -> None:
        """It does not wait any more."""
        of_one = self._by_address[address]
        del of_one[waiting]
        if not of_one:
            del self._by_address[address]
        self.total -= 1

    def _end(self, address: str) -> None:
        next(iter(self._by_address[address])).make_room()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for each in [each for of_one in self._by_address.values() for each in of_one]:
            if each.is_late(now):
                each.time_out()
        self._sweep = loop.call_later(SWEEP_SECONDS, self._look) if self._by_address else None


def room() -> int:
    """How many may wait."""
    return min(max(descriptors() // PART, 1), MAX_WAITING)


def descriptors() -> int:
    """How many this process may have: connections, files, and what else there is."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if most == resource.RLIM_INFINITY else most
