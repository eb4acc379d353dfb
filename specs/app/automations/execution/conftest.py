"""A server, and somebody who looks at it, for the specs of the page.

One database is enough: that both answer alike, others promise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, StorageState

from specs.conftest import EXTERNAL
from specs.harness.browser import Visitor, session
from specs.harness.driver import Runwatch, Server


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runwatch]:
    """A server of all specs of the page, each with workflows of its own."""
    if EXTERNAL:
        yield request.getfixturevalue("runwatch")
        return
    server = Server(tmp_path_factory.mktemp("page"), "")
    server.start()
    runwatch = Runwatch(server.url, "", server.environment)
    runwatch.admin = runwatch.token("admin")
    yield runwatch
    runwatch.close()
    assert server.stop() == 0, server.log


@pytest.fixture(scope="session")
def signed_in(shared: Runwatch) -> StorageState:
    """A session of that server's administrator."""
    return session(shared.url, shared.admin)


@pytest.fixture
def visitor(browser: Browser, shared: Runwatch, signed_in: StorageState) -> Iterator[Visitor]:
    """Who looks at it."""
    visitor = Visitor(browser, shared.url, signed_in)
    yield visitor
    visitor.close()


@pytest.fixture
def alone(browser: Browser, tmp_path: Path) -> Iterator[Callable[[], tuple[Server, Runwatch, Visitor]]]:
    """Starts a server that a spec has for itself, with somebody who looks at it."""
    started: list[tuple[Server, Runwatch, Visitor]] = []

    def start() -> tuple[Server, Runwatch, Visitor]:
        server = Server(tmp_path / "alone", "")
        server.start()
        runwatch = Runwatch(server.url, "", server.environment)
        runwatch.admin = runwatch.token("admin")
        started.append((server, runwatch, Visitor(browser, server.url, session(server.url, runwatch.admin))))
        return started[-1]

    yield start
    for server, runwatch, visitor in started:
        visitor.close()
        runwatch.close()
        server.kill()
