"""The processes of the demo: started in order, stopped in reverse order, without a trace."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

PATIENCE = 30.0  # seconds that anything may take
GONE_SECONDS = 2.0  # that children which were killed have until nothing of them is left


class Failed(Exception):
    """A message for the person who started the demo."""


class Processes:
    """A folder and the processes in it, with their logs."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        with uninterrupted():
            self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="runwatch-demo-")))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # One Ctrl-C is enough: stopping takes a few seconds at most.
        with uninterrupted():
            self._stack.close()

    def start(
        self, name: str, words: list[str], environment: Mapping[str, str], ready: Callable[[str], bool], place: Path
    ) -> None:
        """Start a process in `place`, and wait until it is ready, which its log may show."""
        path = self.folder / f"{name}.log"
        with path.open("wb") as log, uninterrupted():
            # A session of its own: Ctrl-C is for us, and all of its children end with it.
            process = subprocess.Popen(
                words,
                cwd=place,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            self._stack.callback(_end, process)

        def is_ready() -> bool:
            said = path.read_text(errors="replace")
            if process.poll() is not None:
                raise Failed(f"The {name} ended at once:\n{said[-2000:]}")
            return ready(said)

        wait(is_ready, f"the {name}")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let a signal that would raise an exception wait: within Popen it would leave a process that nobody ends.

    By handlers, which end with the parent's program: children would keep a mask, and what is ignored.
    """
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    raising = {number: handler for number, handler in handlers.items() if callable(handler)}
    try:
        for number in raising:
            signal.signal(number, lambda got, _: came.append(got))
        yield
    finally:
        for number, handler in raising.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # its children, and itself if it does not listen
    process.wait()
    deadline = time.monotonic() + GONE_SECONDS
    with suppress(ProcessLookupError):  # nothing is left that could still write into the folder
        while time.monotonic() < deadline:
            os.killpg(process.pid, 0)
            time.sleep(0.01)


def wait(met: Callable[[], bool], what: str) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not met():
        if time.monotonic() > deadline:
            raise Failed(f"Waited {PATIENCE:.0f} s in vain for {what}")
        time.sleep(0.05)


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether somebody listens on the port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def environment() -> dict[str, str]:
    """Our environment, without settings for another Runwatch, and without proxies: everything is on this machine."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RUNWATCH_", "CELERY_")) and not name.lower().endswith("_proxy")
    }


def output_of(words: list[str], environment: Mapping[str, str], place: Path) -> str:
    """The output of a program that ends by itself."""
    with uninterrupted():
        done = subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        raise Failed(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()
