"""Starts the engine of the specs, and reports what it received."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from specs.harness.driver import Runwatch, unique
from specs.harness.servers import free_port

PROGRAM = Path(__file__).with_name("webhook_engine.py")

# A command that runs until the test releases it: see WebhookEngine.let_go().
HELD = "until [ -e go ]; do sleep 0.05; done"


class WebhookEngine:
    """A process, registered with a Runwatch; its commands run in `folder`."""

    def __init__(self, runwatch: Runwatch, folder: Path) -> None:
        self.name = unique("engine")
        self.folder = folder / self.name
        self.folder.mkdir()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        secret = runwatch.cli("engine", "add", self.name, "--webhook", f"{self.url}/webhook")
        self._environment = {**os.environ, "TOKEN": runwatch.token("runner", self.name), "SECRET": secret}
        self._words = [sys.executable, str(PROGRAM), runwatch.url, self.name, str(self.port), str(self.folder)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with (self.folder / "log").open("wb") as log:
            # A group of its own, with the commands that it runs.
            self._process = subprocess.Popen(
                self._words, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._wait()
        except BaseException:
            self._kill()
            raise
        return self

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(self.url, timeout=5)
                return
            except httpx.TransportError:
                assert self._process.poll() is None, self.log
                assert time.monotonic() < deadline, self.log
                time.sleep(0.02)

    def _kill(self) -> None:
        """All of it: a command that is held would wait for ever in a folder that is gone, for a twentieth of a core."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kill()
        if error is None:
            assert "Traceback" not in self.log, self.log

    @property
    def log(self) -> str:
        """What it has printed."""
        return (self.folder / "log").read_text()

    def run(self, workflow: str, trigger_data: str) -> str:
        """Begin a run on its own account; its external id."""
        answer = httpx.post(f"{self.url}/start/{workflow}", content=trigger_data.encode(), timeout=30)
        return answer.raise_for_status().text

    def deliveries(self) -> list[dict[str, Any]]:
        """The webhooks that came, in their order: headers, body, and the status that was answered."""
        file = self.folder / "deliveries"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def refuse(self, status: int | None) -> None:
        """Answer webhooks with this status from now on; None: take them."""
        if status is None:
            (self.folder / "answer").unlink()
        else:
            (self.folder / "answer").write_text(str(status))

    def let_go(self) -> None:
        """Let held commands end."""
        (self.folder / "go").touch()
