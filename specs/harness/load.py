"""Load on the events door from a fleet of engines: requests on kept connections, as answered or at a rate."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

# Of the fleet. A process keeps 500 idle ones of one address (app/asgi/arrivals.py), and closes others for their sake.
CONNECTIONS = 450
END_SECONDS = 60.0


@dataclass
class Seen:
    """What came of the requests of one step."""

    offered: float = 0.0  # a second
    seconds: float = 0.0
    accepted: list[float] = field(default_factory=list)  # seconds from the time at which each was due
    refused: list[float] = field(default_factory=list)
    other: int = 0
    waiting: int = 0  # at the most
    server_cpu: float = 0.0
    generator_cpu: float = 0.0
    memory_kb: int = 0
    commits: int = 0  # transactions

    @property
    def committed(self) -> float:
        """Requests committed a second."""
        return len(self.accepted) / self.seconds


class Connection(asyncio.Protocol):
    """One connection: a request at a time. Streams cost several times as much CPU, which the server then lacks."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._received = b""
        self._due: float | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def send(self, request: bytes, due: float) -> None:
        """Send a request, which was due then."""
        self._due = due
        self._transport.write(request)

    def close(self) -> None:
        """It is needed no more."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """A part of an answer."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            assert self._due is not None, head
            due, self._due, self._received = self._due, None, b""
            self._generator.answered(self, head[9:12], due)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server closed it: idle, or instead of an answer."""
        self._generator.lost(self, asked=self._due is not None)


class Generator:
    """Sends requests on connections that it keeps, each in its turn. While none is idle, requests wait for one."""

    def __init__(self, port: int, made: Iterator[bytes], seen: Seen) -> None:
        self._port = port
        self._made = made
        self._seen = seen
        self._most = 0
        self._idle: deque[Connection] = deque()
        self._opened = self._under_way = 0
        self._waiting: deque[float] = deque()  # when each was due
        self._opening: set[asyncio.Task[None]] = set()
        self._until = 0.0  # so long, whoever is answered asks again
        self._finished, self._closed = asyncio.Event(), asyncio.Event()

    async def connect(self, rate: float | None, clients: int) -> None:
        """Have a connection for each client, or those for a rate."""
        # Each is used once a second: the server closes one that is idle for 5 s, which a request may meet half-way.
        await self._connect(clients if rate is None else min(max(int(rate), 1), CONNECTIONS))

    async def closed(self, seconds: float) -> None:
        """Each connection's client sends when it is answered."""
        now = time.perf_counter()
        self._until = now + seconds
        for _ in range(self._opened):
            self._ask(now)
        await self._answers()

    async def open(self, rate: float, seconds: float) -> None:
        """So many requests a second, whatever becomes of them."""
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            due = began + number / rate
            if (pause := due - time.perf_counter()) > 0.001:
                await asyncio.sleep(pause)
            elif number % 16 == 0:
                await asyncio.sleep(0)
            self._ask(due)
        await self._answers()

    def answered(self, connection: Connection, status: bytes, due: float) -> None:
        """An answer has arrived."""
        now = time.perf_counter()
        if status == b"202":
            self._seen.accepted.append(now - due)
        elif status in (b"503", b"429"):
            self._seen.refused.append(now - due)
        else:
            self._seen.other += 1
        self._under_way -= 1
        self._idle.append(connection)
        if now < self._until:
            self._ask(now)
        self._go_on()

    def lost(self, connection: Connection, *, asked: bool) -> None:
        """A connection is gone."""
        self._opened -= 1
        if asked:
            self._under_way -= 1
            self._seen.other += 1
        elif connection in self._idle:
            self._idle.remove(connection)
        if not self._opened:
            self._closed.set()
        self._go_on()

    def _ask(self, due: float) -> None:
        self._waiting.append(due)
        self._go_on()
        self._seen.waiting = max(self._seen.waiting, len(self._waiting) + self._under_way)

    def _go_on(self) -> None:
        while self._waiting and self._idle:
            self._under_way += 1
            self._idle.popleft().send(next(self._made), self._waiting.popleft())
        if self._waiting and self._opened + len(self._opening) < self._most:
            task = asyncio.create_task(self._connect(self._opened + len(self._opening) + 1))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        if not self._waiting and not self._under_way:
            self._finished.set()

    async def _connect(self, number: int) -> None:
        """Have so many connections."""
        self._most = max(number, self._most)
        loop = asyncio.get_running_loop()
        while self._opened < number:
            self._opened += 1
            _, connection = await loop.create_connection(lambda: Connection(self), "127.0.0.1", self._port)
            self._idle.append(connection)
        self._go_on()

    async def _answers(self) -> None:
        """Wait for those that are missing."""
        self._finished.clear()
        self._go_on()
        await asyncio.wait_for(self._finished.wait(), END_SECONDS)

    async def close(self) -> None:
        """Close the connections, once all is answered."""
        self._until = self._most = 0
        while self._idle:
            self._idle.pop().close()
        await asyncio.wait_for(self._closed.wait(), END_SECONDS)
