"""The numbers of all worker processes, in one unlinked file that they inherit: each writes its own, and reads all.

A scrape reaches one worker, and has to answer for all of them. A slot belongs to the number of a worker, not to a
process: whoever comes after a worker that died goes on from its counters, which never fall. (prometheus-client's own
way for several processes leaves a file of each that ever ran, and has no gauges that are asked.)
"""

from __future__ import annotations

import asyncio
import os
import struct
import tempfile
import zlib
from collections.abc import Mapping
from time import time

import orjson

from app.log import get_logger
from app.monitor.numbers import ALL, Counter, Gauge, Histogram, Labels, totals

log = get_logger(__name__)

# Of one worker; a few hundred numbers take 20 KB.
SLOT_BYTES = 256 * 1024
SECONDS = 1.0
# A process that has written nothing for so long has died, or hangs: its gauges say nothing any more.
STALE_SECONDS = 10.0
_HEAD = struct.Struct(">II")  # length and CRC-32 of what follows: whoever reads amid a write reads once more

Values = Mapping[str, list[tuple[Labels, list[float]]]]


def make_file(workers: int) -> int:
    """A file with room for so many workers, which has no name and goes with the last of its processes; a descriptor."""
    with tempfile.TemporaryFile() as file:
        file.truncate(workers * SLOT_BYTES)
        return os.dup(file.fileno())


class Slots:
    """The numbers of this process, and those of the other workers."""

    def __init__(self, descriptor: int | None = None, number: int = 0, count: int = 1) -> None:
        self._descriptor, self._number, self._count = descriptor, number, count
        self._last: dict[int, tuple[float, Values]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Go on from what the process before had, and share from here on."""
        if self._descriptor is not None:
            for name, values in self._read(self._number).items():
                number = ALL.get(name)
                if isinstance(number, Counter):
                    number.values.update({labels: value[0] for labels, value in values})
                elif isinstance(number, Histogram):
                    number.values.update(dict(values))
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Share the last numbers. The process is gone then: no gauge counts it any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._put(_without_gauges(totals(ALL.values())))

    def all(self) -> list[Values]:
        """The numbers of each process that has any: of this one as of now, of the others a second old."""
        own: list[Values] = [totals(ALL.values())]
        if self._descriptor is None:
            return own
        return own + [self._read(number) for number in range(self._count) if number != self._number]

    async def _run(self) -> None:
        while True:
            try:
                self._put(totals(ALL.values()))
            except OSError as error:  # a disk that is full
                log.warning("numbers_not_shared", reason=str(error))
            await asyncio.sleep(SECONDS)

    def _put(self, values: Values) -> None:
        assert self._descriptor is not None
        data = orjson.dumps([time(), values])
        if len(data) + _HEAD.size <= SLOT_BYTES:
            head = _HEAD.pack(len(data), zlib.crc32(data))
            os.pwrite(self._descriptor, head + data, self._number * SLOT_BYTES)

    def _read(self, number: int) -> Values:
        assert self._descriptor is not None
        for _ in range(3):
            size, checksum = _HEAD.unpack(os.pread(self._descriptor, _HEAD.size, number * SLOT_BYTES))
            data = os.pread(self._descriptor, min(size, SLOT_BYTES), number * SLOT_BYTES + _HEAD.size)
            if size and zlib.crc32(data) == checksum:
                at, found = orjson.loads(data)
                values = {name: [(tuple(labels), values) for labels, values in each] for name, each in found.items()}
                self._last[number] = at, values
                break
        at, found = self._last.get(number, (0.0, {}))
        return found if time() < at + STALE_SECONDS else _without_gauges(found)


def _without_gauges(values: Values) -> Values:
    return {name: each for name, each in values.items() if not isinstance(ALL.get(name), Gauge)}
