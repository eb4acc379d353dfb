"""Options of the whole suite: how many examples and rounds a run takes."""

from __future__ import annotations

import hypothesis
import pytest

# Hypothesis replays with a fixed seed in the ordinary run, so that a red build is red for everybody; --soak explores.
hypothesis.settings.register_profile("reduced", max_examples=40, deadline=None, derandomize=True)
hypothesis.settings.register_profile("soak", max_examples=1_000, deadline=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak` runs the full counts of property and fault tests."""
    parser.addoption("--soak", action="store_true", help="full counts in property and fault tests (slow)")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the counts before any test module is imported."""
    hypothesis.settings.load_profile("soak" if config.getoption("--soak") else "reduced")


def pytest_report_header(config: pytest.Config) -> str:
    """Say which counts this run uses."""
    profile = hypothesis.settings.get_current_profile_name()
    examples = hypothesis.settings.default.max_examples if hypothesis.settings.default else 0
    return f"counts: {profile} ({examples} examples a property; --soak for the full counts)"
