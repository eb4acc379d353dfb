"""Imports of libraries that would import rich for something that we never use, a tenth of a second of CPU."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_rich() -> Iterator[None]:
    """Let imports of rich fail within the block, as if it were not installed; nothing happens if it is imported."""
    if "rich" in sys.modules:
        yield
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # documented: its import fails
    try:
        yield
    finally:
        del sys.modules["rich"]
