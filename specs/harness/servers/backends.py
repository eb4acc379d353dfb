"""Processes of a Postgres that one connection of a test uses after the other: a new one costs 10 ms of CPU and more.

Most of it is what it has to look up anew. Its client notices nothing: the socket takes what a connection begins with,
and gives what the server answered to just that when the process was new. When the client parts, the process forgets
all that belongs to a session (DISCARD ALL), and waits for the next one.
"""

from __future__ import annotations

import os
import select
import socket
from asyncio import BaseTransport, Transport
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Address = tuple[str, int]

_PROTOCOL = b"\0\3\0\0"  # 3.0: a message that is no start has another number here
_READY = b"Z\0\0\0\5I"  # for a query, outside of any transaction
_PARTING = b"X\0\0\0\4"
_FORGET = b"Q\0\0\0\x10DISCARD ALL\0"
_KEY = b"K\0\0\0\x0c"  # comes before the process's id
# A process that takes longer has not been idle.
FORGET_SECONDS = 2.0


@dataclass(frozen=True)
class Backend:
    """A process that waits, by the descriptor of its connection."""

    database: str
    start: bytes
    welcome: bytes
    descriptor: int

    @property
    def pid(self) -> int:
        """Of the process."""
        after = self.welcome.index(_KEY) + len(_KEY)
        return int.from_bytes(self.welcome[after : after + 4], "big")

    def forgets(self) -> bool:
        """Whether it has nothing left of its session."""
        with socket.socket(fileno=os.dup(self.descriptor)) as asked:
            asked.settimeout(FORGET_SECONDS)
            answer = b""
            try:
                asked.sendall(_FORGET)
                while not answer.endswith(_READY) and (more := asked.recv(4096)):
                    answer += more
            except OSError:
                return False
        return answer.startswith(b"C")  # the command is complete: neither an error, nor what was sent before

    def is_silent(self) -> bool:
        """Whether it has said nothing since: only one that ends does."""
        return not select.select([self.descriptor], [], [], 0)[0]

    def end(self) -> None:
        """Let it go."""
        os.close(self.descriptor)


class Backends:
    """Those of one server, in the databases for which they are kept."""

    def __init__(self) -> None:
        self.adopted = 0
        self.databases: set[str] = set()
        self._idle: list[Backend] = []

    def pids(self, database: str) -> list[int]:
        """Of those that wait."""
        return [each.pid for each in self._idle if each.database == database]

    def adopt(self, start: bytes) -> Backend | None:
        """One whose connection has begun just so."""
        for each in [each for each in reversed(self._idle) if each.start == start]:
            self._idle.remove(each)
            if each.is_silent():
                self.adopted += 1
                return each
            each.end()
        return None

    def keep(self, backend: Backend) -> None:
        """Have it wait for somebody else."""
        if backend.database in self.databases and backend.forgets():
            self._idle.append(backend)
        else:
            backend.end()

    def forget(self, database: str) -> None:
        """End those of a database that is about to be dropped."""
        self.databases.discard(database)
        for each in [each for each in self._idle if each.database == database]:
            self._idle.remove(each)
            each.end()


# A fork must not use what belongs to the process from which it comes.
_of_servers: dict[tuple[int, Address], Backends] = {}


def backends_of(address: Address) -> Backends:
    """Those of the server at an address."""
    return _of_servers.setdefault((os.getpid(), address), Backends())


def known_backends(host: object, port: object) -> Backends | None:
    """Those of the server at an address, if somebody has asked for them."""
    return _of_servers.get((os.getpid(), (host, port)))  # type: ignore[arg-type]


class BackendSocket(socket.socket):
    """A socket that connects only when no process is kept for what its client begins with."""

    def __init__(self, backends: Backends, address: Address, soon: Callable[[Callable[[], object]], object]) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self.setblocking(False)
        self.adopted = b""  # what the client is to read at once
        self._backends = backends
        self._address = address
        self._soon = soon
        self._transport: Transport | None = None
        self._database, self._start, self._welcome, self._last = b"", b"", b"", b""
        self._parted = False

    def belong_to(self, transport: BaseTransport) -> None:
        """Say whom a server would tell of the connection's end."""
        assert isinstance(transport, Transport)
        self._transport = transport

    def send(self, data: Any, flags: int = 0, /) -> int:
        """Begin, part, or send."""
        if not self._start:
            return self._begin(bytes(data))
        if data == _PARTING and self._last == _READY and self._database and self._transport is not None:
            self._parted = True
            self._soon(self._transport.abort)
            return len(data)
        return super().send(data, flags)

    def _begin(self, start: bytes) -> int:
        self._start, self._database = start, _database_of(start)
        kept = self._backends.adopt(start) if self._database else None
        if kept is not None:
            os.dup2(kept.descriptor, self.fileno())
            kept.end()
            self.adopted = self._welcome = kept.welcome
            self._last = _READY
            return len(start)
        self.setblocking(True)
        self.connect(self._address)
        self.setblocking(False)
        return super().send(start)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Read, and know what was the welcome and what came last."""
        data = super().recv(size, flags)
        if not self._welcome.endswith(_READY):
            self._welcome += data
        self._last = (self._last + data)[-len(_READY) :]
        return data

    def close(self) -> None:
        """Leave the process to the next one."""
        if self._parted and self.fileno() >= 0:
            self._parted = False
            database = self._database.decode()
            self._backends.keep(Backend(database, self._start, self._welcome, os.dup(self.fileno())))
        super().close()


def _database_of(start: bytes) -> bytes:
    """The name in a start; nothing if it is another message."""
    if start[4:8] != _PROTOCOL:
        return b""
    words = start[8:].split(b"\0")
    return dict(zip(words[::2], words[1::2], strict=False)).get(b"database", b"")
