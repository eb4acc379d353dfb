"""How often a test does something: seldom in the ordinary run, often in a soak, and the run says what it reduced."""

from __future__ import annotations

# Set by the root conftest.py before tests are imported.
soaking = False
reduced: dict[str, tuple[int, int]] = {}


def count(what: str, ordinary: int, full: int) -> int:
    """So many of something; the full number with --soak."""
    if soaking:
        return full
    reduced[what] = ordinary, full
    return ordinary
