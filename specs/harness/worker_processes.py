"""The worker processes of a server, as its log tells of them and signals reach them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from specs.harness.driver import Server
from specs.harness.waiting import soon


def logged(server: Server, event: str) -> list[dict[str, Any]]:
    """The log entries of one kind, oldest first."""
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{") and line.endswith("}")]
    return [line for line in lines if line["event"] == event]


def workers(server: Server) -> dict[int, int]:
    """The process id of the newest worker under each number that has ever served."""
    return {line["worker"]: line["pid"] for line in logged(server, "worker_serves")}


def all_serve(server: Server, count: int = 2) -> list[int]:
    """The process ids of all workers, once so many serve."""
    return list(soon(lambda: found if len(found := workers(server)) == count else {}).values())


@contextmanager
def stopped(*pids: int, database: Path | None = None) -> Iterator[None]:
    """These processes do nothing meanwhile: what connects gets to the others.

    `database`: an SQLite file of theirs. One that is stopped amid a write would keep everybody from writing.
    """
    _send(signal.SIGSTOP, pids)
    while database is not None and _is_locked(database):
        _send(signal.SIGCONT, pids)
        time.sleep(0.02)
        _send(signal.SIGSTOP, pids)
    try:
        yield
    finally:
        _send(signal.SIGCONT, [pid for pid in pids if is_alive(pid)])


def _send(number: signal.Signals, pids: Sequence[int]) -> None:
    for pid in pids:
        os.kill(pid, number)


def _is_locked(database: Path) -> bool:
    """Whether a process writes for so long that it must be one of those that are stopped."""
    with closing(sqlite3.connect(database, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
    return False


def in_each(pids: Sequence[int], holds: Callable[[], bool]) -> bool:
    """Whether something holds in each of these processes: it is asked while the others do nothing."""
    for awake in pids:
        with stopped(*(pid for pid in pids if pid != awake)):
            if not holds():
                return False
    return True


def is_alive(pid: int) -> bool:
    """Whether there is a process that has not ended; one that nobody has waited for yet has."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    about = Path(f"/proc/{pid}/stat")  # where there is such a thing
    try:
        return about.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return not about.parents[1].exists()
