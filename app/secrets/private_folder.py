"""Files of the data folder that contain secrets: for their owner alone, never half written, one process at a time."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_MAX_BYTES = 1024
_DRAFT = re.compile(r"[a-z-]+\.[0-9a-f]{16}")


class PrivateFolder:
    """A folder, created if missing, that nobody else has at the same time. OSError if it cannot be written."""

    def __init__(self, path: Path) -> None:
        """Wait until nobody else has it, which blocks."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._folder, fcntl.LOCK_EX)
        self._forget_drafts()

    def __enter__(self) -> PrivateFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._folder)  # which unlocks it

    def read(self, name: str) -> tuple[str, bool]:
        """The contents of a file ("" if missing) and whether only we can read it. Does not follow links."""
        try:
            # O_NONBLOCK: opening a pipe that somebody put there must not hang the start.
            file = os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return "", False
        try:
            about = os.fstat(file)
            if not stat.S_ISREG(about.st_mode):
                return "", False
            is_private = about.st_uid == os.geteuid() and not about.st_mode & 0o077
            return os.read(file, _MAX_BYTES).decode("ascii", errors="replace").strip(), is_private
        finally:
            os.close(file)

    def write(self, name: str, secret: str) -> None:
        """Replace a file: never half written, at no moment readable by others."""
        draft = self._path / f"{name}.{secrets.token_hex(8)}"
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            os.write(file, f"{secret}\n".encode("ascii"))
            os.fsync(file)  # what it seals is on disk soon, and worth nothing without it
        finally:
            os.close(file)
        draft.replace(self._path / name)
        os.fsync(self._folder)

    def _forget_drafts(self) -> None:
        """Of processes that were killed as they wrote: nobody else writes now, and each contains a secret."""
        for path in self._path.iterdir():
            if _DRAFT.fullmatch(path.name):
                with suppress(OSError):
                    path.unlink()
