"""Runs `runwatch` without its start: a fork of a process that has imported everything, instead of 1.5 s of CPU each.

Process ids, signals, exit codes and output are real. What a fork does not show is the start itself: those specs run
RUNWATCH, the command as it is installed.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import IO, Any

RUNWATCH = str(Path(sys.executable).parent / "runwatch")

_PROGRAM = Path(__file__).with_name("zygote_process.py")
# Of ours all modules, since a command imports some of them only when it needs them.
_WARM = ("app.*", "resolvers.*", "schema.*")
# Read at import, when nobody can say otherwise.
_UNSET = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")


class Forked:
    """A running command: what tests use of subprocess.Popen."""

    def __init__(self, words: Sequence[str], told: socket.socket) -> None:
        self.args = list(words)
        self.returncode: int | None = None
        self._told = told
        self._buffer = b""
        self.pid = self._next(None)

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended; a signal's number, negative, when that ended it."""
        if self.returncode is None:
            self.returncode = self._next(timeout)
            self._told.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _next(self, timeout: float | None) -> int:
        self._told.settimeout(timeout)
        while b"\n" not in self._buffer:
            try:
                got = self._told.recv(64)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            if not got:
                raise RuntimeError(f"{_PROGRAM.name} has ended: {self.args}")
            self._buffer += got
        number, _, self._buffer = self._buffer.partition(b"\n")
        return int(number)


Command = Forked | subprocess.Popen[bytes]


class Zygote:
    """A process that has imported `warm`, to fork from."""

    def __init__(self, *warm: str, options: Sequence[str] = ()) -> None:
        self._asks, theirs = socket.socketpair()
        self._lock = threading.Lock()
        environment = {name: value for name, value in os.environ.items() if name not in _UNSET}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *options, "-P", _PROGRAM, str(theirs.fileno()), *warm],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C ends the tests first, and they end what they started
            )
        atexit.register(self.close)
        if not self._asks.recv(1):
            raise RuntimeError(f"{_PROGRAM.name} did not start")

    def close(self) -> None:
        """End it, and every fork of it that still runs."""
        self._asks.close()
        self._process.wait()

    def fork(
        self,
        words: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        stdin: int,
        stdout: int,
        stderr: int,
        new_session: bool = False,
        path: Sequence[str] = (),
        **program: str,
    ) -> Forked:
        """Start `entry` (a module and its function) or `module` with `words` as its arguments.

        The workers of a server are forks as well.
        """
        asked: dict[str, Any] = {
            "words": list(words),
            "environment": dict(environment),
            "folder": str(folder),
            "new_session": new_session,
            "path": list(path),
            "inherited": [],
            **program,
        }
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            message = json.dumps(asked).encode() + b"\n"
            sent = socket.send_fds(self._asks, [message], [stdin, stdout, stderr, theirs.fileno()])
            self._asks.sendall(message[sent:])
            return Forked(words, ours)  # which waits until it was taken: requests never run into each other


_zygotes: dict[tuple[Sequence[str], ...], Zygote] = {}
_lock = threading.Lock()


def zygote(*warm: str, options: tuple[str, ...] = ()) -> Zygote:
    """The one of this process that has imported these modules, started on first use; `options` are Python's."""
    with _lock:
        if (options, warm) not in _zygotes:
            _zygotes[options, warm] = Zygote(*warm, options=options)
        return _zygotes[options, warm]


def start(
    words: Sequence[str], *, environment: Mapping[str, str], folder: Path, stdout: IO[Any], stderr: IO[Any]
) -> Forked:
    """Start `runwatch` with these arguments."""
    (entry,) = metadata.entry_points(group="console_scripts", name="runwatch")
    with Path(os.devnull).open() as nothing:
        return zygote(entry.module, *_WARM).fork(
            [RUNWATCH, *words],
            entry=entry.value,
            environment=environment,
            folder=folder,
            stdin=nothing.fileno(),
            stdout=stdout.fileno(),
            stderr=stderr.fileno(),
        )


def start_installed(
    words: Sequence[str], *, environment: Mapping[str, str], folder: Path, stdout: IO[Any], stderr: IO[Any]
) -> subprocess.Popen[bytes]:
    """Start the real command, as it is installed."""
    return subprocess.Popen(
        [RUNWATCH, *words],
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
    )


def run(
    words: Sequence[str], *, environment: Mapping[str, str], folder: Path, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run `runwatch` with these arguments to its end."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as log:
        process = start(words, environment=environment, folder=folder, stdout=output, stderr=log)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        output.seek(0)
        log.seek(0)
        return subprocess.CompletedProcess(process.args, code, output.read(), log.read())
