"""Short statements of an SQLite file in the event loop's own thread.

A way to a thread and back costs more than most statements, and while SQLite hands out rows, the thread and the loop
wait for each other's lock at every row: over eight connections a page took three times the CPU. So a statement that
reads is tried here first, for as long as nobody notices. One that takes longer is given up, and a thread runs it from
its start, within its transaction if it has one. One that writes cannot be given up without its transaction: only short
ones are run here.
"""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from app.db.sqlite_reader import PRAGMAS, numbered
from app.db.transaction import Row

# What a statement may take here, and all those of one turn of the loop: half of what an operation may take of it.
SECONDS = 0.002
# Of SQLite's virtual machine, between two looks at the clock: 5 to 12 µs, or a dozen pages of a cold file, or rows of
# 1 MB. A page of 50 executions takes 900.
STEPS_PER_CHECK = 50
# A statement that held up everybody for so long, and waited, was waiting for its disk: for a while threads do that. On
# a busy machine others have the core for as long: threads, which cost twice as much, would make it busier.
STALLED_SECONDS, REST_SECONDS = 0.02, 10.0
# A statement that was given up goes to a thread for as many times, twice as many each time, before it is tried again.
MOST_PASSES = 256
MAX_REMEMBERED = 1024
THREAD: int | None = getattr(resource, "RUSAGE_THREAD", None)  # not every system has it


class LoopTime:
    """What statements take of the loop's time."""

    def __init__(self) -> None:
        self.spent = 0.0  # in this turn of the loop
        self._waits = 0  # when it began
        self._rests_until = 0.0

    def begin(self) -> float | None:
        """When a statement begins; None if a thread is to run it."""
        began = perf_counter()
        if began < self._rests_until:
            return None
        if not self.spent:
            self._waits = waits()
            asyncio.get_running_loop().call_soon(self._turn)
        return began

    def end(self, began: float) -> None:
        """It is over."""
        took = perf_counter() - began
        self.spent += took
        if took > STALLED_SECONDS and (THREAD is None or waits() != self._waits):
            self._rests_until = began + took + REST_SECONDS

    def _turn(self) -> None:
        self.spent = 0.0


def waits() -> int:
    """How often this thread has waited, which it does for a disk, and not for a core that others have."""
    return 0 if THREAD is None else resource.getrusage(THREAD).ru_nvcsw


class LoopReader:
    """Reads by one connection, which no thread uses meanwhile."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.time = LoopTime()
        self._deadline = 0.0
        self._given_up: OrderedDict[str, _Passes] = OrderedDict()

    @classmethod
    def open(cls, path: Path) -> LoopReader:
        """One with a connection of its own."""
        connection = sqlite3.connect(path, isolation_level=None)
        # Never wait for a lock here: a thread can.
        for pragma in (*PRAGMAS, "busy_timeout = 0"):
            connection.execute(f"PRAGMA {pragma}")
        return cls(connection)

    async def fetch(self, sql: str, params: Sequence[Any]) -> Sequence[Row] | None:
        """The rows of one statement; None if a thread has to run it."""
        if self.time.spent > SECONDS:
            await asyncio.sleep(0)  # others have waited for long enough
        passes = self._given_up.get(sql)
        if passes is not None and passes.left:
            passes.left -= 1
            return None
        began = self.time.begin()
        if began is None:
            return None
        self._deadline = began + SECONDS
        in_transaction = self.connection.in_transaction
        self.connection.set_progress_handler(self._is_late, STEPS_PER_CHECK)
        try:
            rows: Sequence[Row] = self.connection.execute(numbered(sql), params).fetchall()
        except sqlite3.OperationalError:  # too long, or locked; if it is anything else, the thread will say so
            if self.connection.in_transaction is not in_transaction:
                raise  # a sick file: what is left of the transaction must not run without it
            self._give_up(sql, passes)
            return None
        finally:
            self.connection.set_progress_handler(None, 0)  # what a thread runs may take longer
            self.time.end(began)
        if passes is not None:
            del self._given_up[sql]
        return rows

    def close(self) -> None:
        """Close it. Again does nothing."""
        self.connection.close()

    def _give_up(self, sql: str, passes: _Passes | None) -> None:
        if passes is None:
            self._given_up[sql] = passes = _Passes()
            if len(self._given_up) > MAX_REMEMBERED:
                self._given_up.popitem(last=False)
        else:
            passes.most = min(passes.most * 2, MOST_PASSES)
        passes.left = passes.most

    def _is_late(self) -> int:
        return int(perf_counter() > self._deadline)


class _Passes:
    """How often a statement still goes to a thread, and how often when it was given up last."""

    __slots__ = ("left", "most")

    def __init__(self) -> None:
        self.left, self.most = 0, 1
