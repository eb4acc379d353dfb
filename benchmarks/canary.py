"""A client beside an attack: a cheap query and /health, over and over, in a process of its own.

What an attacker's client does in its event loop would hold up a canary in the same one: 100 answers read there took it
0.3 s.
"""

from __future__ import annotations

import http.client
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import orjson

QUERY = orjson.dumps({"query": "{ executions(first: 1) { nodes { id } } }"})
PAUSE = 0.01


@dataclass
class Seen:
    """Seconds that answers took."""

    query: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    unhealthy: int = 0  # of /health, 503


class Canary:
    """That process. `anew`: it opens a connection for each request, so that any worker of the server may have it."""

    def __init__(self, port: int, token: str, *, anew: bool) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._connection, other = spawning.Pipe()
        self._process = spawning.Process(target=_serve, args=(other, port, token, anew), daemon=True)
        self._process.start()
        self._connection.recv()

    def begin(self) -> None:
        """Ask, until `end`."""
        self._connection.send(None)

    def end(self) -> Seen:
        """What it saw since then."""
        self._connection.send(None)
        seen: Seen = self._connection.recv()
        return seen

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join()


@contextmanager
def canary(port: int, token: str, *, anew: bool) -> Iterator[Canary]:
    """One, for as long as the block runs."""
    made = Canary(port, token, anew=anew)
    try:
        yield made
    finally:
        made.close()


def _serve(connection: Connection, port: int, token: str, anew: bool) -> None:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    def ask(times: list[float], method: str, path: str, body: bytes | None = None) -> int:
        start = time.perf_counter()
        client.request(method, path, body, headers)
        answer = client.getresponse()
        answer.read()
        times.append(time.perf_counter() - start)
        if anew:
            client.close()
        return answer.status

    def look(seen: Seen) -> None:
        status = ask(seen.query, "POST", "/graphql", QUERY)
        assert status == 200, status
        status = ask(seen.health, "GET", "/health")
        assert status in (200, 503), status
        seen.unhealthy += status == 503

    look(Seen())
    connection.send(None)
    try:
        while True:
            connection.recv()
            client.close()  # the server ends what is idle for 5 s
            seen = Seen()
            while not connection.poll(PAUSE):
                look(seen)
            connection.recv()
            connection.send(seen)
    except EOFError:
        return
