"""All deliveries of one process, to receivers of every kind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Protocol

from app.delivery.loop import DeliveryLoop


class Connections(Protocol):
    """What deliveries keep open from one to the next."""

    async def close(self) -> None:
        """Close what is open."""


class Deliveries:
    """A loop each for every kind of receiver: stalled receivers of one kind hold up no delivery of another."""

    def __init__(self, loops: Sequence[DeliveryLoop], connections: Sequence[Connections]) -> None:
        self._loops = loops
        self._connections = connections

    async def start(self) -> None:
        """Deliver in the background."""
        for loop in self._loops:
            await loop.start()

    def wake(self) -> None:
        """Something was added to the outbox."""
        for loop in self._loops:
            loop.wake()

    async def close(self) -> None:
        """Wait for the deliveries in progress, in all loops at once, then close the connections."""
        async with AsyncExitStack() as stack:
            for each in self._connections:
                stack.push_async_callback(each.close)
            outcomes = await asyncio.gather(*(loop.close() for loop in self._loops), return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
