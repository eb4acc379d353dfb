"""Messages that wait to be sent on one socket: bounded, so that a client that does not read costs little memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

# Held per message beside its bytes.
OVERHEAD = 100


class SendQueue:
    """A queue in front of `send`, which blocks while the client does not read.

    Calls `on_stall` when the queue is over its bound and nothing has left it for `stall_seconds`. It waits for a slow
    client that does read: whoever wants to send is stopped meanwhile. Calls `on_gone` when `send` fails. `unsent`
    returns how much the connection has yet to send. Run `write` as a task.
    """

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        on_stall: Callable[[], None],
        on_gone: Callable[[], None],
        bound: int,
        stall_seconds: float,
        unsent: Callable[[], int] = lambda: 0,
    ) -> None:
        self._send = send
        self._on_stall = on_stall
        self._on_gone = on_gone
        self._bound = bound
        self._stall_seconds = stall_seconds
        self._unsent = unsent
        self._sent = 0
        self._taken_then = 0
        self._waiting: deque[bytes] = deque()
        self._filled = asyncio.Event()
        self._left = asyncio.Event()  # something has left, since somebody looked
        self._moved = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.bytes = 0

    @property
    def has_room(self) -> bool:
        """Whether a message may be added at once."""
        return self.bytes <= self._bound

    async def room(self, *, reply: bool = False) -> None:
        """Wait until a message may be added.

        Replies to the client's messages may use another bound's worth, so that results do not hold them up. Beyond
        that, reading the client's messages stops too.
        """
        bound = self._bound * 2 if reply else self._bound
        while self.bytes > bound:
            self._left.clear()
            await self._left.wait()

    def add(self, message: bytes) -> None:
        """Add a message; after `room`, without awaiting anything in between."""
        self._waiting.append(message)
        self.bytes += len(message) + OVERHEAD
        self._filled.set()
        if self.bytes > self._bound and self._timer is None:
            loop = asyncio.get_running_loop()
            self._moved = loop.time()
            self._taken_then = self._sent - self._unsent()
            self._timer = loop.call_later(self._stall_seconds, self._check)

    async def write(self) -> None:
        """Send what is added, until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._filled.wait()
                while self._waiting:
                    self._sent += len(self._waiting[0])
                    await self._send(self._waiting[0].decode())
                    self.bytes -= len(self._waiting.popleft()) + OVERHEAD
                    self._moved = loop.time()
                    self._left.set()
                self._filled.clear()
        except Exception:  # servers differ in what they raise when the client is gone
            self._on_gone()

    def close(self) -> None:
        """Drop what waits."""
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.clear()

    def _check(self) -> None:
        self._timer = None
        if self.bytes <= self._bound:
            return
        loop = asyncio.get_running_loop()
        idle = loop.time() - self._moved
        taken, before = self._sent - self._unsent(), self._taken_then
        self._taken_then = taken
        if idle >= self._stall_seconds and taken <= before:
            self._on_stall()
            return
        left = self._stall_seconds - idle
        self._timer = loop.call_later(left if left > 0 else self._stall_seconds, self._check)
