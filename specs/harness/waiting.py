"""Waits for conditions that have no event to wait for.

A time-out here guards against hanging and measures nothing: the condition holds within milliseconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")

# How long a test waits for what must come; only a test that fails takes it.
PATIENCE_SECONDS = 30.0


async def until(
    met: Callable[[], bool | Awaitable[bool]], what: str = "end of the wait", *, seconds: float = PATIENCE_SECONDS
) -> None:
    """Wait until a condition holds, in a test with an event loop."""
    now = asyncio.get_running_loop().time
    deadline = now() + seconds
    while True:
        found = met()
        if found if isinstance(found, bool) else await found:
            return
        assert now() < deadline, f"no {what} within {seconds:g} s"
        await asyncio.sleep(0.005)


def soon(look: Callable[[], Found], seconds: float = 60, *, why: Callable[[], object] = lambda: None) -> Found:
    """The first result of `look` that is not empty; `why` describes what there is instead if none comes."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, why()
        time.sleep(0.02)
    return found
