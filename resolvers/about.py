"""What the server says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata

from app.retention.rules import Rules


@dataclass(frozen=True, slots=True)
class About:
    """What the server says of itself. `build` gives the hash of the page as it is now, empty without one."""

    retention: Rules
    retains: bool  # by itself; otherwise `runwatch prune` does
    build: Callable[[], str]
    # Of the installed distribution. Read once: it takes a millisecond, and files.
    version: str = field(default_factory=lambda: metadata.version("runwatch"))
