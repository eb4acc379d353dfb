"""A server whose database can be away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from specs.harness.driver import Runwatch, Server
from specs.harness.servers import PostgresServer
from specs.harness.servers.proxy import CuttingProxy


class Outage(NamedTuple):
    """The server, and the way to its database, which can be cut."""

    runwatch: Runwatch
    way: CuttingProxy


@contextmanager
def outage(postgres: PostgresServer, folder: Path) -> Iterator[Outage]:
    """A server on a database of Postgres, behind a proxy."""
    with postgres.database("outage") as url, CuttingProxy(urlsplit(url).port or 5432) as way:
        server = Server(folder, urlsplit(url)._replace(netloc=f"postgres@127.0.0.1:{way.port}").geturl())
        server.start()
        runwatch = Runwatch(server.url, "", server.environment)
        runwatch.admin = runwatch.token("admin")
        try:
            yield Outage(runwatch, way)
            runwatch.close()
            assert server.stop() == 0, server.log
        finally:
            server.kill()
