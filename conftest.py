"""Options of the whole suite: how much of it a run takes, and how that is said."""

from __future__ import annotations

import os
import tempfile
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import hypothesis
import pytest

from specs.harness import counts
from specs.harness.servers import PostgresServer
from specs.harness.servers.postgres import MEMORY, memory_is_plenty
from specs.harness.steady import SteadyLoop

if TYPE_CHECKING:  # it takes 0.2 s to import Playwright
    from playwright.sync_api import Browser

    from specs.harness.browser import SharedBrowser

# Of one test, instead of the time-out in pyproject.toml.
SOAK_TIMEOUT_SECONDS = 3600
EXAMPLES, SOAK_EXAMPLES, QUICK_EXAMPLES = 40, 1_000, 10
# What --quick leaves out whole, beside tests with a mark or with Postgres.
NOT_QUICK = ("specs/", "tests/deploy/", "tests/examples/")

# Whom tests trust over TLS they name. Reading the machine's certificates takes 24 ms of each client of httpx, in tests
# and in the servers that they start.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = os.devnull
# A Postgres of ours has no TLS. To ask for it takes a round trip and 1 ms of CPU of each connection.
if "RUNWATCH_TEST_DATABASE_URL" not in os.environ:
    os.environ["PGSSLMODE"] = "disable"

# A commit of SQLite waits 4 ms for a disk, and 0.04 ms for memory; Chromium's profiles need no disk either.
if "TMPDIR" not in os.environ and memory_is_plenty():
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # which was read

# Hypothesis replays with a fixed seed in the ordinary run, so that a red build is red for everybody; --soak explores.
hypothesis.settings.register_profile("reduced", max_examples=EXAMPLES, deadline=None, derandomize=True)
hypothesis.settings.register_profile("soak", max_examples=SOAK_EXAMPLES, deadline=None)
hypothesis.settings.register_profile("quick", max_examples=QUICK_EXAMPLES, deadline=None, derandomize=True)

pytest_plugins = ["devtools.forks"]

_left_out = pytest.StashKey[dict[str, int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak` and `--quick`."""
    parser.addoption("--soak", action="store_true", help="full counts in property and fault tests (slow)")
    parser.addoption("--quick", action="store_true", help="neither specs nor Postgres nor what takes long")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the counts before any test module is imported."""
    counts.soaking = config.getoption("--soak")
    quick = config.getoption("--quick")
    hypothesis.settings.load_profile("soak" if counts.soaking else "quick" if quick else "reduced")
    if counts.soaking and config.getoption("timeout") is None:
        config.option.timeout = SOAK_TIMEOUT_SECONDS
    config.stash[_left_out] = {}


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """Run each test on a clock that a busy machine does not turn forward."""
    return {"steady": SteadyLoop}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not quick."""
    if not config.getoption("--quick"):
        return
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        why = _why_not_quick(item)
        (left if why else kept).append(item)
        if why:
            config.stash[_left_out][why] = config.stash[_left_out].get(why, 0) + 1
    items[:] = kept
    config.hook.pytest_deselected(items=left)


def _why_not_quick(item: pytest.Item) -> str:
    folder = next((folder for folder in NOT_QUICK if item.nodeid.startswith(folder)), "")
    if folder:
        return f"in {folder}"
    parameters = item.callspec.id.split("-") if hasattr(item, "callspec") else []
    if "postgres" in parameters or "postgres_server" in getattr(item, "fixturenames", ()):
        return "with Postgres"
    return "that are slow" if item.get_closest_marker("slow") else ""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what this run was less than another would be."""
    left_out, reduced = config.stash[_left_out], dict(counts.reduced)
    if left_out:
        which = ", ".join(f"{number} {why}" for why, number in sorted(left_out.items()))
        terminalreporter.write_line(f"quick: left out {sum(left_out.values())} tests: {which}")
    if not counts.soaking:
        reduced["examples of a property"] = hypothesis.settings().max_examples, SOAK_EXAMPLES
        which = "; ".join(f"{what} {number} of {full}" for what, (number, full) in sorted(reduced.items()))
        terminalreporter.write_line(f"reduced: {which} (all with --soak)")


def pytest_report_header(config: pytest.Config) -> str:
    """Say which counts this run uses."""
    return "counts: full" if counts.soaking else "counts: reduced (--soak for the full ones)"


@pytest.fixture(scope="session")
def shared_browser() -> Iterator[SharedBrowser]:
    """Chromium, started on first use: one a process of the run."""
    from specs.harness.browser import SharedBrowser, chromium

    with chromium() as browser:
        shared = SharedBrowser(browser)
        yield shared
        shared.take_back()


@pytest.fixture
def browser(shared_browser: SharedBrowser) -> Iterator[Browser]:
    """Chromium."""
    with shared_browser.lent() as browser:
        yield browser


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real Postgres, started on first use: one a process of the run."""
    with PostgresServer() as server:
        yield server
