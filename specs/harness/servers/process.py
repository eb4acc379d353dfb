"""What every server here is: a folder, a child process that never outlives us, and a way to wait for it."""

import importlib.util
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from specs.harness.servers import guard
from specs.harness.servers.ports import free_port

# Postgres refuses to run as root; this uid ("nobody") exists on every Linux and owns nothing.
UNPRIVILEGED_UID = 65534


class ServerError(RuntimeError):
    """A server that did not start, or that is not ours to stop."""


class Server:
    """A throw-away server. Use it as a context manager, or call start() and stop().

    When `external` is a URL, that server is used as it stands: start() and stop() do nothing, and whatever would
    take it away from others raises ServerError.
    """

    name = "server"
    ending = signal.SIGKILL
    uid: int | None = None

    def __init__(self, external: str | None, *, parents: Sequence[Path] = ()) -> None:
        self.external = external
        # Not only $TMPDIR: the user that the server runs as must be able to walk to it.
        self._parents = parents or (Path(tempfile.gettempdir()), Path("/tmp"))
        self.port = 0
        self.folder: Path | None = None  # while it exists
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when it answers. After kill(): start again on the same port and data."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        return bool(self.external) or (self._child is not None and self._child.poll() is None)

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """End it without ceremony, since its data go with it."""
        if self._child is not None:
            self._end(self.ending)
        if self.folder is not None:
            guard.remove(self.folder)
            guard.forget(self.folder)
            self.folder = None

    def kill(self) -> None:
        """End it as a power cut would; the data stay for the next start()."""
        self._end(signal.SIGKILL)

    def _make_folder(self) -> Path:
        if self.folder is None:
            place = next((place for place in self._parents if may_read(place, self.uid)), self._parents[0])
            self.folder = Path(tempfile.mkdtemp(prefix=f"runwatch-{self.name}-", dir=place)).resolve()
            guard.watch(self.folder)
            if self.uid is not None:
                os.chown(self.folder, self.uid, self.uid)
        return self.folder

    def _launch(self, command: Callable[[int], Sequence[str | Path]], ready: Callable[[], bool]) -> None:
        """Start `command` of a port and wait until it is ready; on the same port when this was a restart."""
        port = self.port
        for attempts_left in (4, 3, 2, 1, 0):
            self.port = port or free_port()
            try:
                return self._launch_once(command(self.port), ready)
            except ServerError as error:
                # Somebody took the port in between, or the children of a killed Postgres hold its memory yet.
                if not attempts_left or "in use" not in str(error):
                    raise
                time.sleep(0.1)

    def _launch_once(self, argv: Sequence[str | Path], ready: Callable[[], bool], seconds: float = 60) -> None:
        # A Ctrl-C or a time-out raises in the main thread: here it would leave a child that nobody has heard of.
        with ThreadPoolExecutor(1) as apart:
            child = apart.submit(self._spawn, argv).result()
        deadline = time.monotonic() + seconds
        while not ready():
            late = time.monotonic() > deadline
            if late or child.poll() is not None:
                self._end(self.ending)
                what = f"was not ready after {seconds:g} s" if late else "ended at once"
                raise ServerError(f"{self.name} {what}; it said:\n{self.log_tail()}")
            time.sleep(0.01)

    def _spawn(self, argv: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        folder = self._make_folder()
        with self.log.open("wb") as log:
            # A session of its own, so that Ctrl-C ends the tests first and they end the server.
            self._child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self._as_user()
            )
        guard.watch(folder, self._child.pid, self.ending)
        return self._child

    def _run(self, argv: Sequence[str | Path]) -> None:
        """Run a tool of the server's to its end."""
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **self._as_user()
        )
        if done.returncode:
            raise ServerError(f"{Path(argv[0]).name} failed:\n{done.stdout.decode(errors='replace')}")

    def _end(self, number: signal.Signals) -> None:
        child, self._child = self._process, None
        child.send_signal(number)
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if self.folder is not None:
            guard.watch(self.folder)  # its pid may become another's

    @property
    def log(self) -> Path:
        return self._make_folder() / "log"

    def log_tail(self, lines: int = 20) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        if self.external:
            raise ServerError(f"this {self.name} is not ours: it was named by the environment")
        if self._child is None:
            raise ServerError(f"this {self.name} is not running")
        return self._child

    def _as_user(self) -> dict[str, Any]:
        # Nothing of the caller's PG* or LC_* reaches the server: it is the same wherever it is started.
        env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        options: dict[str, Any] = {"cwd": self.folder, "env": env}
        return options if self.uid is None else options | {"user": self.uid, "group": self.uid, "extra_groups": []}


def package_folder(package: str) -> Path:
    """Where a wheel was unpacked, without importing it: importing may have effects that we do not want."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerError(f"{package} is not installed: ./dev sets it up")
    return Path(spec.origin).parent


def may_read(path: Path, uid: int | None) -> bool:
    """Whether `uid`, which owns nothing (None: we ourselves), can walk to `path` and read it."""
    if uid is None:
        return os.access(path, os.R_OK | os.X_OK)
    path = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents)) and bool(path.stat().st_mode & 0o004)
