"""httpx, imported by the first who posts something: 40 ms of CPU at every start, and most servers post nothing."""

from __future__ import annotations

from types import ModuleType

from app.without import without_rich


def http_library() -> ModuleType:
    """The module."""
    with without_rich():
        import httpx
    return httpx
