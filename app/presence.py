"""Which server processes run: each says so in the database, with the ids of its keys, until it ends.

Whoever seals for others asks here first whether they can read it. And the time within which nobody said anything does
not count as tried: deliveries get it back.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from app import clock, put_back
from app.db import Database, Reader, Transaction
from app.db.locks import Lock
from app.db.rows import Column, RowsOf
from app.delivery import outbox
from app.errors import Conflict
from app.ids import new_id
from app.log import get_logger
from app.secrets.sealing import Sealer
from app.sweep import Sweep

log = get_logger(__name__)

BEAT_SECONDS = 10.0
# Nobody was there, when nothing was heard for so long. A busy machine may miss a beat or two.
PAUSE = 30 * clock.SECOND
# A process that did not end in order may still run, for so long after its last beat; a hang may end, and clocks differ.
SILENCE = 2 * clock.MINUTE
KEPT = clock.DAY
CLOSE_SECONDS = 1.0


def _ids(stored: str) -> tuple[str, ...]:
    return tuple(stored.split())


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A process that serves; `keys` are the ids of those that it reads with, the first of which it seals with."""

    name: str
    keys: Annotated[tuple[str, ...], Column(read=_ids)]
    seen_at: int

    def __str__(self) -> str:
        return f"{self.name}, seen {max(0, clock.now_us() - self.seen_at) // clock.SECOND} s ago"


_PROCESSES = RowsOf(ServerProcess)


async def running(reader: Reader) -> list[ServerProcess]:
    """The processes that serve this database, or did until a moment ago."""
    rows = await reader.fetch(
        f"SELECT {_PROCESSES.columns} FROM server_processes WHERE ended_at IS NULL AND seen_at > $1 ORDER BY name, id",
        clock.now_us() - SILENCE,
    )
    return _PROCESSES.read_all(rows)


async def without_key(reader: Reader, sealer: Sealer) -> list[ServerProcess]:
    """Those that cannot read what this sealer seals."""
    return [each for each in await running(reader) if sealer.key_ids[0] not in each.keys]


async def check_readable(reader: Reader, sealer: Sealer) -> None:
    """Conflict if a server runs that could not read what this sealer seals."""
    if others := await without_key(reader, sealer):
        raise Conflict(
            f"RUNWATCH_SECRET_KEY: its first key is not among those of {_shown(others)}, which could not read what it"
            f" encrypts. Give all of them the same keys, and restart them. {_KILLED}"
        )


async def check_first(reader: Reader, sealer: Sealer) -> None:
    """Conflict if a server runs that seals with another key than this sealer does, or cannot read what it seals."""
    await check_readable(reader, sealer)
    if others := [each for each in await running(reader) if each.keys[0] != sealer.key_ids[0]]:
        raise Conflict(
            f"RUNWATCH_SECRET_KEY: its first key is not the first one of {_shown(others)}, which would go on encrypting"
            f" with another. Put it in front there too, and restart them. {_KILLED}"
        )


_KILLED = f"A process that was killed counts for {SILENCE // clock.MINUTE} minutes"


async def pull_in(transaction: Transaction) -> int | None:
    """When a process was last seen. If that is yet to be, a clock that was ahead is put back, or is another's.

    Who was seen then is seen now: those that run say so again in time.
    """
    # Of several that come back at once, one finds how long nobody was there.
    await transaction.lock(Lock.PRESENCE)
    now = clock.now_us()
    [(last,)] = await transaction.fetch("SELECT max(seen_at) FROM server_processes")
    if last is not None and last > now + clock.MAX_SKEW:
        await put_back.pull_in(transaction, now)
        return now
    return None if last is None else int(last)


def _shown(processes: Sequence[ServerProcess]) -> str:
    return f"{len(processes)} running server processes ({'; '.join(map(str, processes))})"


class Presence(Sweep):
    """Says that this process runs, at once and every few seconds."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(self.beat, "presence_not_written", seconds=BEAT_SECONDS, delay=BEAT_SECONDS)
        self._database = database
        self._sealer = sealer
        self._id = new_id(clock.now_us())
        self._began = False

    async def start(self) -> None:
        """Begin. The first time is over when this returns: no delivery is given up before it gets its time back."""
        await self.beat()
        self._began = True
        if others := await without_key(self._database, self._sealer):
            log.warning("servers_without_first_key", processes=[str(each) for each in others])
        await super().start()

    async def close(self) -> None:
        """Say that it ends; a database that does not answer learns it by itself."""
        await super().close()
        if self._began:
            self._began = False
            with suppress(Exception):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._database.transaction(self._end)

    async def beat(self) -> None:
        """Say it once."""
        await self._database.transaction(self._beat)

    async def _beat(self, transaction: Transaction) -> None:
        last, now = await pull_in(transaction), clock.now_us()
        if last is not None and now - last > PAUSE:
            await outbox.pause_all(transaction, last, now)
        await outbox.pull_in(transaction)
        row = (self._id, f"{socket.gethostname()} process {os.getpid()}", " ".join(self._sealer.key_ids), now)
        await transaction.upsert("server_processes", ("id", "name", "keys", "seen_at"), [row], key=("id",))
        await transaction.fetch("DELETE FROM server_processes WHERE seen_at < $1", now - KEPT)

    async def _end(self, transaction: Transaction) -> None:
        sql = "UPDATE server_processes SET seen_at = $2, ended_at = $2 WHERE id = $1"
        await transaction.fetch(sql, self._id, clock.now_us())
