"""Real workers and publishers, each a process of its own: Celery's signals are global, and tests share theirs."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from specs.harness import commands

ROOT = Path(__file__).parents[2]
_numbers = itertools.count(1)


# What a worker and a publisher import by themselves, each time.
_WARM = (
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.bin.worker",
    "celery.concurrency.prefork",
    "celery.concurrency.solo",
    "kombu.transport.filesystem",
    "kombu.transport.redis",
    "runwatch_client.celery.*",
)


def _fork(
    module: str,
    words: list[str],
    environment: Mapping[str, str],
    output: IO[Any],
    log: IO[Any],
    given: IO[Any] | None = None,
) -> commands.Forked:
    """As `python -W ignore -m`, in a session of its own; celery takes a second of CPU to import."""
    with Path(os.devnull).open() as nothing:
        return commands.zygote(*_WARM, options=("-W", "ignore")).fork(
            [module, *words],
            module=module,
            environment=environment,
            folder=ROOT,
            path=[str(ROOT)],
            stdin=(given or nothing).fileno(),
            stdout=output.fileno(),
            stderr=log.fileno(),
            new_session=True,
        )


class Worker:
    """`celery worker`, ready when entered."""

    def __init__(self, app: str, environment: Mapping[str, str], folder: Path, *options: str) -> None:
        self._app = app
        self._environment = {**os.environ, **environment}
        self._log = folder / f"worker-{next(_numbers)}.log"
        self._options = options
        self._process: commands.Forked | None = None

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text(errors="replace")

    def __enter__(self) -> Self:
        words = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "INFO", *self._options]
        with self._log.open("wb") as log:
            self._process = _fork("celery", ["-A", self._app, "worker", *words], self._environment, log, log)
        deadline = time.monotonic() + 90
        while " ready." not in self.log:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._kill()
                raise AssertionError(self.log)
            time.sleep(0.02)
        return self

    def send_signal(self, number: int) -> None:
        """To its main process."""
        assert self._process is not None
        self._process.send_signal(number)

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._kill()

    def _kill(self) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Publisher:
    """Publishes what it receives as Python, and returns the ids."""

    def __init__(self, app: str, environment: Mapping[str, str]) -> None:
        theirs, ours = os.pipe()
        self._asks = os.fdopen(ours, "w", 1)
        answers, their_answers = os.pipe()
        self._answers = os.fdopen(answers)
        with os.fdopen(theirs) as given, os.fdopen(their_answers, "w") as output:
            self._process = _fork(app, [], {**os.environ, **environment}, output, sys.stderr, given)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._asks.close()
        with self._answers:
            assert self._process.wait(15) == 0

    def __call__(self, expression: str) -> list[str]:
        """The ids of the result and its parents, the last first."""
        self._asks.write(f"{expression}\n")
        line = self._answers.readline().split()
        assert line, "the publisher has ended"
        return line
