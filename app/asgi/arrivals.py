"""Connections that wait for their client: how many there may be, and for how long. docs/limits.md.

They have yet to say what they want, or to take an answer, or were answered and are idle. Anybody can open them, and
each takes a descriptor. Whoever has been silent for longest makes room for the next: those who mean something say it
within milliseconds. An address with many loses its own before it costs others theirs.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections import Counter, OrderedDict
from collections.abc import Sequence
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
            self.end(address)
        elif self.total > self._most:
            self.end(max(self._by_address, key=lambda each: len(self._by_address[each])))
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._look)

    def discard(self, waiting: Waiting, address: str) -> None:
        """It does not wait any more."""
        of_one = self._by_address[address]
        del of_one[waiting]
        if not of_one:
            del self._by_address[address]
        self.total -= 1

    def counts(self) -> dict[str, int]:
        """How many of each address wait."""
        return {address: len(of_one) for address, of_one in self._by_address.items()}

    def end(self, address: str) -> bool:
        """End the one of an address that has waited for longest; whether there is one."""
        of_one = self._by_address.get(address)
        if of_one is None:
            return False
        next(iter(of_one)).make_room()
        return True

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for each in [each for of_one in self._by_address.values() for each in of_one]:
            if each.is_late(now):
                each.time_out()
        self._sweep = loop.call_later(SWEEP_SECONDS, self._look) if self._by_address else None


def make_room(kinds: Sequence[Arrivals]) -> bool:
    """End one of the address with the most of all kinds, of the first kind of which it has one; whether anybody waits.

    Each kind has a bound, but all of them together may take every descriptor.
    """
    counts = Counter[str]()
    for kind in kinds:
        counts.update(kind.counts())
    return bool(counts) and any(kind.end(max(counts, key=counts.__getitem__)) for kind in kinds)


def room() -> int:
    """How many may wait."""
    return min(max(descriptors() // PART, 1), MAX_WAITING)


def descriptors() -> int:
    """How many this process may have: connections, files, and what else there is."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if most == resource.RLIM_INFINITY else most
