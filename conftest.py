"""Options of the whole suite: how many examples and rounds a run takes."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

from specs.harness.servers import PostgresServer

# Hypothesis replays with a fixed seed in the ordinary run, so that a red build is red for everybody; --soak explores.
hypothesis.settings.register_profile("reduced", max_examples=40, deadline=None, derandomize=True)
hypothesis.settings.register_profile("soak", max_examples=1_000, deadline=None)

# Of one test, instead of the time-out in pyproject.toml.
SOAK_TIMEOUT_SECONDS = 3600


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak` runs the full counts of property and fault tests."""
    parser.addoption("--soak", action="store_true", help="full counts in property and fault tests (slow)")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the counts before any test module is imported."""
    soak = config.getoption("--soak")
    hypothesis.settings.load_profile("soak" if soak else "reduced")
    if soak and config.getoption("timeout") is None:
        config.option.timeout = SOAK_TIMEOUT_SECONDS


def pytest_report_header(config: pytest.Config) -> str:
    """Say which counts this run uses."""
    profile = hypothesis.settings.get_current_profile_name()
    examples = hypothesis.settings.default.max_examples if hypothesis.settings.default else 0
    return f"counts: {profile} ({examples} examples a property; --soak for the full counts)"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real Postgres, started on first use: one a process of the run."""
    with PostgresServer() as server:
        yield server
