"""Real workers and publishers, each a process of its own: Celery's signals are global, and tests share theirs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]


class Worker:
    """`celery worker`, ready when entered."""

    def __init__(self, app: str, environment: Mapping[str, str], folder: Path, *options: str) -> None:
        self._app = app
        self._environment = {**os.environ, **environment}
        self._log = folder / f"worker-{'-'.join(options).strip('-') or 'default'}.log"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text(errors="replace")

    def __enter__(self) -> Self:
        words = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "INFO", *self._options]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "celery", "-A", self._app, "worker", *words],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 90
        while " ready." not in self.log:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._kill()
                raise AssertionError(self.log)
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
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
    """Publishes what it is told in Python, and says which ids came of it."""

    def __init__(self, app: str, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", app],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(15) == 0

    def __call__(self, expression: str) -> list[str]:
        """The ids of the result and its parents, the last first."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(expression + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline().split()
        assert line, "the publisher has ended"
        return line
