"""Events that a process could not send before it ended: kept in files of the owner alone, for the next process."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

SUFFIX = ".ndjson"


class Spool:
    """A folder, with a folder in it for each server and engine. Holds at most `max_bytes`, and drops the oldest first.

    The events are as they are sent, secrets included: folders have the mode 0700, files 0600.
    """

    def __init__(self, folder: str | os.PathLike[str], url: str, source: str, max_bytes: int) -> None:
        name = hashlib.sha256(f"{url}\n{source}".encode(errors="replace")).hexdigest()[:16]
        self.folder = Path(folder).expanduser() / name
        self._max_bytes = max_bytes

    def keep(self, events: Sequence[bytes]) -> int:
        """Write events, in one file; returns how many there was room for. Raises OSError."""
        lines: list[bytes] = []
        size = 0
        for event in events:  # the first are what matters most: ends and starts before log lines
            if size + len(event) + 1 <= self._max_bytes:
                lines.append(event + b"\n")
                size += len(event) + 1
        if not lines:
            return 0
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._make_room(size)
        name = f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}"
        half = self.folder / f"{name}.half"
        with os.fdopen(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.writelines(lines)
        half.rename(self.folder / f"{name}{SUFFIX}")
        return len(lines)

    def files(self) -> Iterator[tuple[Path, list[bytes]]]:
        """What is kept, oldest first. Delete a file once its events are sent; sending them twice does no harm."""
        for path in self._paths():
            with suppress(OSError):  # another process was faster
                yield path, path.read_bytes().splitlines()

    def _make_room(self, size: int) -> None:
        paths = self._paths()
        sizes = {path: _size(path) for path in paths}
        total = sum(sizes.values())
        for path in paths:
            if total + size <= self._max_bytes:
                return
            path.unlink(missing_ok=True)
            total -= sizes[path]

    def _paths(self) -> list[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if path.suffix == SUFFIX)
        except OSError:
            return []


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
