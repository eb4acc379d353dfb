"""Imports of libraries that would import rich, or redis, for what we never use of them: a tenth of a second of CPU."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager


@contextmanager
def without(name: str) -> Iterator[None]:
    """Let imports of a package fail within the block, as if it were missing. Nothing happens once it is imported."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # documented: its import fails
    try:
        yield
    finally:
        del sys.modules[name]


def without_rich() -> AbstractContextManager[None]:
    """The same for rich."""
    return without("rich")
