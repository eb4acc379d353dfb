"""The example engine beside a development server: a child process that reports runs, and ends with the server."""

from __future__ import annotations

import asyncio
import fcntl
import importlib.util
import logging
import os
import shlex
import socket
import sys
from pathlib import Path

import app.log
from app.db import Database
from app.engines.connections import connect_webhook
from app.secrets.sealing import Sealer
from app.server.dev_token import engine_token
from app.settings import Settings
from app.sweep import end_tasks

NAME = "example"
PROGRAM = Path(__file__).parents[2] / "examples" / "engine"
PACKAGE = "runwatch_client"  # which the program needs; the server does not

# The engine takes up to 5 s to report its last events, or to find that nobody takes them.
STOP_SECONDS = 6.0

RETRY = (
    'mutation { retryExecutions(input: {filter: {workflowName: [\\"import orders\\"], unresolved: true},'
    " dryRun: false, limit: 1}) { matched retried { execution { id attempt state } } skipped { reasons } } }"
)


class DevEngine:
    """The example engine, started by start()."""

    def __init__(self, settings: Settings, database: Database, sealer: Sealer) -> None:
        self._settings = settings
        self._database = database
        self._sealer = sealer
        self._folder = (settings.data_dir / "engine").absolute()
        self.log = (settings.data_dir / "engine.log").absolute()  # its output
        self._lock = -1
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def fix(self) -> str:
        """The command that repairs the failing input."""
        return shlex.join([sys.executable, str(PROGRAM), "--fix", "--folder", str(self._folder)])

    async def start(self, url: str) -> bool:
        """Start it, reporting to `url`. Returns False if it cannot start, and says why in one line."""
        problem = await self._start(url)
        if problem:
            from app.server.console import console  # rich takes 0.1 s of CPU to import

            console.print(f"The example engine did not start: {problem}", markup=False)
            return False
        # It reports every second or so: the printed commands, made to be copied, would soon scroll out of sight.
        logging.getLogger("app.asgi.request_log").addFilter(lambda record: not _is_report(record.msg))
        if (write := app.log.request_line) is not None:  # where lines are not coloured
            app.log.request_line = lambda line: None if _is_report(line) else write(line)
        return True

    async def close(self) -> None:
        """End it, while the server still takes its last events."""
        process, self._process = self._process, None
        if process is None:
            return
        await end_tasks(self._watch)
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        finally:
            os.close(self._lock)

    async def _start(self, url: str) -> str | None:
        if importlib.util.find_spec(PACKAGE) is None:
            return f"it needs the package {PACKAGE.replace('_', '-')} (pip install ./client)"
        if not PROGRAM.exists():
            return f"{PROGRAM} is missing"
        try:
            self._lock = os.open(self._settings.data_dir / "engine.lock", os.O_WRONLY | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            return "another server on this data folder runs one already"
        except OSError as error:
            return str(error)
        try:
            await self._spawn(url)
        except OSError as error:
            os.close(self._lock)
            return str(error)
        return None

    async def _spawn(self, url: str) -> None:
        port = _free_port()
        webhook = f"http://127.0.0.1:{port}/retries"
        # A new secret at each start: whoever knew the last one, and has the old port now, learns nothing.
        secret = await connect_webhook(self._database, self._sealer, NAME, webhook, replace=True)
        token = await engine_token(self._database, self._settings.data_dir, NAME)
        words = ["--url", url, "--name", NAME, "--port", str(port), "--folder", str(self._folder), "--attached"]
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(PROGRAM), *words),
                # We hold the other end: it closes however we end, and then the engine ends too.
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**_environment(), "RUNWATCH_TOKEN": token, "RUNWATCH_WEBHOOK_SECRET": secret},
                # Ctrl-C is for us: the engine ends when we say so.
                start_new_session=True,
            )
        finally:
            os.close(log)
        self._watch = asyncio.create_task(self._tell_of_its_end(self._process))

    async def _tell_of_its_end(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        from app.server.console import console  # rich takes 0.1 s of CPU to import

        console.print(f"The example engine ended with code {code}; see {self.log}", markup=False)


def _is_report(said: object) -> bool:
    return isinstance(said, dict) and (said.get("path"), said.get("status")) == ("/api/events", 202)


def _environment() -> dict[str, str]:
    """Ours without our own settings, which contain secrets, and without proxies: it talks only to this machine."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("RUNWATCH_") and not name.lower().endswith("_proxy")
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
