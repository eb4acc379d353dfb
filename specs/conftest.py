"""A running Runwatch for the specs, once on SQLite and once on Postgres; RUNWATCH_SPECS_URL names another one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from specs.harness.driver import Runwatch, Server
from specs.harness.servers import PostgresServer

EXTERNAL = os.environ.get("RUNWATCH_SPECS_URL")
DATABASE = f"specs_{os.getpid()}"


@pytest.fixture(scope="session")
def specs_postgres() -> Iterator[PostgresServer]:
    """A real Postgres, started on first use."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session", params=["external"] if EXTERNAL else ["sqlite", "postgres"])
def runwatch(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runwatch]:
    """A running server."""
    if EXTERNAL:
        runwatch = Runwatch(EXTERNAL, os.environ["RUNWATCH_SPECS_TOKEN"])
        yield runwatch
        runwatch.close()
        return
    folder = tmp_path_factory.mktemp("runwatch")
    url = f"sqlite:///{folder}/runwatch.db"
    postgres: PostgresServer | None = None
    if request.param == "postgres":
        postgres = request.getfixturevalue("specs_postgres")
        url = postgres.create_database(DATABASE)
    server = Server(folder, url)
    server.start()
    runwatch = Runwatch(server.url, "", server.environment)
    runwatch.admin = runwatch.token("admin")
    yield runwatch
    runwatch.close()
    code = server.stop()
    if postgres is not None:
        postgres.drop_database(DATABASE)
    assert code == 0, server.log
