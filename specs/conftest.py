"""A running Runwatch for the specs, once on SQLite and once on Postgres; RUNWATCH_SPECS_URL names another one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from specs.clients import Node
from specs.harness.driver import Runwatch, Server
from specs.harness.narrow import serving
from specs.harness.servers import PostgresServer

EXTERNAL = os.environ.get("RUNWATCH_SPECS_URL")
# For what is refused before any statement: it is the same whatever the database.
before_any_statement = pytest.mark.parametrize(
    "runwatch", ["external" if EXTERNAL else "sqlite"], indirect=True, scope="session"
)


@contextmanager
def database_of(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The URL of an empty database of the kind that the fixture's parameter names."""
    if request.param == "sqlite":
        yield f"sqlite:///{folder}/runwatch.db"
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    with postgres.database("specs") as url:
        yield url


@pytest.fixture(scope="session", params=["external"] if EXTERNAL else ["sqlite", "postgres"])
def runwatch(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runwatch]:
    """A running server."""
    if EXTERNAL:
        runwatch = Runwatch(EXTERNAL, os.environ["RUNWATCH_SPECS_TOKEN"])
        yield runwatch
        runwatch.close()
        return
    folder = tmp_path_factory.mktemp("runwatch")
    with database_of(request, folder) as url:
        server = Server(folder, url)
        server.start()
        runwatch = Runwatch(server.url, "", server.environment)
        runwatch.admin = runwatch.token("admin")
        yield runwatch
        runwatch.close()
        code = server.stop()
    assert code == 0, server.log


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """Node with the stock clients."""
    return Node(tmp_path_factory.mktemp("node"))


@pytest.fixture(scope="session")
def narrow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the narrow server writes its log."""
    return tmp_path_factory.mktemp("narrow")


@pytest.fixture(scope="session")
def narrow(narrow_folder: Path) -> Iterator[Runwatch]:
    """A server on which a token may do little."""
    yield from serving(narrow_folder)
