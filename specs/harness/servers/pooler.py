"""pgbouncer in transaction mode, where the machine has one: no wheel brings it."""

import asyncio
import os
import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from specs.harness.servers.process import UNPRIVILEGED_UID, Server

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
with_pgbouncer = pytest.mark.skipif(
    PGBOUNCER is None, reason="there is no pgbouncer on PATH (Debian: apt install pgbouncer)"
)

# As docs/operating.md has them, but for the number of connections, which is less than a server would like to have.
SETTINGS = {
    "pool_mode": "transaction",
    "default_pool_size": "4",
    "query_wait_timeout": "3",
    "server_login_retry": "1",
    "server_connect_timeout": "3",
    "listen_addr": "127.0.0.1",
    "unix_socket_dir": "",
    "auth_type": "any",
    "admin_users": "postgres",
}


class Pooler(Server):
    """A pgbouncer of our own before the Postgres of a URL."""

    name = "pgbouncer"

    def __init__(self, behind: str) -> None:
        super().__init__(None)
        self._behind = urlsplit(behind)
        self.uid = UNPRIVILEGED_UID if os.geteuid() == 0 else None  # it refuses to be root

    @property
    def url(self) -> str:
        """That of the same database, by way of it."""
        return self._url(self._behind.path)

    def start(self) -> None:
        """See Server."""
        self._launch(self._command, self._listens)

    def reconnect(self) -> None:
        """Have it let go of its connections to Postgres, as who takes care of failovers does."""

        async def run() -> None:
            console = await asyncpg.connect(self._url("/pgbouncer"))
            await console.execute("RECONNECT")
            console.terminate()

        asyncio.run(run())

    def _command(self, port: int) -> list[str | Path]:
        assert PGBOUNCER is not None
        file = self._make_folder() / "pgbouncer.ini"
        settings = "\n".join(f"{name} = {value}" for name, value in {**SETTINGS, "listen_port": port}.items())
        there = f"host=127.0.0.1 port={self._behind.port} user=postgres"
        file.write_text(f"[databases]\n* = {there}\n[pgbouncer]\n{settings}\n")
        return [PGBOUNCER, file]

    def _url(self, path: str) -> str:
        return self._behind._replace(netloc=f"postgres@127.0.0.1:{self.port}", path=path).geturl()

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
        except OSError:
            return False
        return True
