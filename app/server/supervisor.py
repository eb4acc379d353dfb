"""Several server processes on one socket, and the parent that keeps them: whatever dies is started anew.

A worker is this interpreter started afresh, with two inherited file descriptors: the listening socket, and its end of
a link, a pair of sockets. On the link it gets the settings, so that a worker that is started later has those of the
others, and says when it serves. When the link ends, the parent is gone, and so goes the worker (app/server/worker.py).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from contextlib import ExitStack, suppress
from pathlib import Path

from pydantic import SecretStr

from app import backoff
from app.db import Database, open_database
from app.db.postgres_pools import POOL_SIZE
from app.errors import AppError
from app.live.pubsub import PubSub
from app.log import get_logger
from app.monitor.slots import make_file
from app.server.descriptors import raise_limit
from app.server.keys import sealer_of
from app.server.startup import listen, prepare
from app.settings import Settings

READY = b"ready\n"
# A worker says that its event loop turns, so often. Much that is asked at once holds a loop up for a second or two.
BEAT, BEAT_SECONDS = b".", 1.0
# Beside the seconds of the setting. Both processes may have been stopped together, as with their machine.
GRACE_SECONDS = 1.0
# Has a worker write the stacks of its threads on the link.
STACKS = signal.SIGUSR1
MAX_STACKS = 64 * 1024

# A worker takes one or two seconds to start, on a busy machine several times that.
START_SECONDS = 60.0
# Requests have 5 s to end (serving.py), background work the rest; supervisors kill after 10 s or more.
STOP_SECONDS = 8.0
# Pause before a worker is replaced. It doubles while workers do not live long, so that a crash loop costs little.
FIRST_PAUSE, MAX_PAUSE = 0.5, 30.0
LONG_LIFE_SECONDS = 60.0

log = get_logger(__name__)


class WorkerNotStarted(AppError):
    """A worker did not start. Neither would the next one."""


async def serve(settings: Settings) -> None:
    """Serve with `settings.workers` processes until a signal.

    Checks settings, keys and database here, once. Raises WorkerNotStarted.
    """
    raise_limit(settings)  # which the workers inherit
    opened = listen(settings.host, settings.port)
    PubSub(settings.redis_url)
    if settings.jwt_algorithms:
        # Here and not above: it imports PyJWT and cryptography's keys.
        from app.auth.jwt import JwtCheck

        JwtCheck(settings)
    await prepare(settings)
    database = await open_database(settings.url_of_database, sqlite_synchronous=settings.sqlite_synchronous)
    try:
        await sealer_of(database, settings)
        await _check_connections(database, settings.workers)
    finally:
        await database.close()
    if settings.redis_url.startswith("memory:"):
        log.warning(
            "workers_without_redis", advice="set RUNWATCH_REDIS_URL: without it, live updates are up to a second late"
        )
    scraped = None if settings.metrics_address is None else listen(*settings.metrics_address)
    await Workers(settings, opened, scraped).run()


class Workers:
    """The worker processes on a listening socket, as many as the settings say."""

    def __init__(self, settings: Settings, opened: socket.socket, scraped: socket.socket | None = None) -> None:
        self._count = settings.workers
        self._settings = packed(settings)
        self._silence_seconds = settings.worker_silence_seconds
        self._opened = opened
        self._scraped = scraped
        self._numbers = make_file(self._count)
        self._processes: set[Process] = set()

    async def run(self) -> None:
        """Keep them until SIGINT or SIGTERM, then end them all; WorkerNotStarted if one does not start at first."""
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        keepers = [asyncio.create_task(self._keep(number)) for number in range(1, self._count + 1)]
        tasks = [*keepers, asyncio.create_task(stopped.wait())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        # Or new connections would wait here, where nobody accepts them.
        self._opened.close()
        if self._scraped is not None:
            self._scraped.close()
        failed = [keeper for keeper in keepers if keeper.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._end()
        os.close(self._numbers)
        if not stopped.is_set():
            failed[0].result()

    async def _keep(self, number: int) -> None:
        """Keep one worker running."""
        failures, is_first = 0, True
        while True:
            began = time.monotonic()
            came_up, reason = await self._run_one(number)
            if is_first and not came_up:
                raise WorkerNotStarted(f"Worker {number} {reason} at the start; its output is above")
            is_first = False
            lived = time.monotonic() - began
            failures = 0 if lived >= LONG_LIFE_SECONDS else failures + 1
            pause = backoff.doubled(failures, FIRST_PAUSE, MAX_PAUSE)
            log.error("worker_ended", worker=number, reason=reason, seconds=round(lived, 1), next_in_seconds=pause)
            await asyncio.sleep(pause)

    async def _run_one(self, number: int) -> tuple[bool, str]:
        """Start a worker and wait for its end; returns whether it started, and how it ended."""
        try:
            process, reader, writer = await self._start(number)
        except OSError as error:  # no memory, no more processes
            return False, f"was not started ({error})"
        try:
            async with asyncio.timeout(START_SECONDS):
                came_up = await _says_ready(reader)
                if not came_up:
                    await process.wait()
        except TimeoutError:
            await _kill(process)
            self._processes.discard(process)
            return False, f"did not serve within {START_SECONDS:g} s"
        else:
            if came_up:
                log.info("worker_serves", worker=number, pid=process.pid)
                if await _falls_silent(reader, silence := self._silence_seconds):
                    stacks = await _stacks_of(process, reader)
                    log.error("worker_hangs", worker=number, pid=process.pid, seconds=silence, stacks=stacks)
                    await _kill(process)
                    self._processes.discard(process)
                    return True, "hung"
            await process.wait()
            self._processes.discard(process)
            return came_up, f"ended with code {process.returncode}"
        finally:
            writer.close()

    async def _start(self, number: int) -> tuple[Process, asyncio.StreamReader, asyncio.StreamWriter]:
        ours, theirs = socket.socketpair()
        with theirs, ExitStack() as undo:
            undo.callback(ours.close)
            inherited = [self._opened.fileno(), theirs.fileno(), self._numbers]
            given = [*inherited, number - 1]
            if self._scraped is not None:
                inherited.append(self._scraped.fileno())
                given.append(inherited[-1])
            process = await asyncio.create_subprocess_exec(
                # -P: not a module that happens to be called app in the working folder.
                *(sys.executable, "-P", "-m", "app.cli", "worker", *map(str, given)),
                stdin=DEVNULL,
                pass_fds=tuple(inherited),
                env=_environment(),
                # Ctrl-C is for us: the workers end when we say so.
                start_new_session=True,
            )
            undo.pop_all()
        self._processes.add(process)
        reader, writer = await asyncio.open_connection(sock=ours)
        writer.write(self._settings)
        return process, reader, writer

    async def _end(self) -> None:
        """End every worker: gracefully, or after STOP_SECONDS at once."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                for process in self._processes:
                    await process.wait()
        for process in self._processes:
            if process.returncode is None:
                log.warning("worker_killed", pid=process.pid)
                await _kill(process)


async def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def _says_ready(reader: asyncio.StreamReader) -> bool:
    """False: the worker ended instead."""
    try:
        return await reader.readline() == READY
    except ConnectionError:  # it had not read its settings
        return False


async def _falls_silent(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Wait until a worker has not said for so long that its loop turns; False if it ends instead."""
    patience = seconds
    while True:
        try:
            async with asyncio.timeout(patience):
                if not await reader.read(1024):
                    return False
        except ConnectionError:
            return False
        except TimeoutError:
            if patience == GRACE_SECONDS:
                return True
            patience = GRACE_SECONDS
        else:
            patience = seconds


async def _stacks_of(process: Process, reader: asyncio.StreamReader) -> str:
    """Where a worker's threads are, as it writes within a second: nothing if it is stopped."""
    said = bytearray()
    with suppress(ProcessLookupError, ConnectionError, TimeoutError):
        process.send_signal(STACKS)
        async with asyncio.timeout(GRACE_SECONDS):
            while len(said) < MAX_STACKS and (more := await reader.read(4096)):
                said += more
    return said.decode(errors="replace").strip(BEAT.decode())


def _environment() -> dict[str, str]:
    """Our environment, with a path on which modules are where we found our own."""
    path = os.pathsep.join(str(Path(part).absolute()) for part in sys.path)
    return {**os.environ, "PYTHONPATH": path}


def packed(settings: Settings) -> bytes:
    """The settings, with their secrets, as one line."""

    def plain(value: object) -> str:
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    return json.dumps(settings.model_dump(), default=plain).encode() + b"\n"


def unpacked(line: bytes) -> Settings:
    """The settings in `packed`, whatever the environment says by now."""
    return Settings.model_validate(json.loads(line))


async def _check_connections(database: Database, workers: int) -> None:
    """Warn if the workers may want more connections than Postgres gives."""
    there = await database.max_connections()
    wanted = workers * 2 * POOL_SIZE
    if there is not None and wanted > there:
        log.warning("more_connections_than_postgres_has", wanted=wanted, there=there)
