"""Pauses before what has failed is tried again. They double with each failure in a row."""

from __future__ import annotations

import random

# 2**30 times any first pause is longer than any longest one; without the bound the power would grow for ever.
MAX_DOUBLINGS = 30


def doubled(failures: int, first: float, longest: float) -> float:
    """The pause after so many failures in a row: `first`, then twice the last one, up to `longest`. 0 after none."""
    return min(first * 2 ** min(failures - 1, MAX_DOUBLINGS), longest) if failures > 0 else 0


def pause(failures: int, first: float, longest: float) -> float:
    """As `doubled`, but drawn from the upper half of it, so that what failed together does not return together."""
    return doubled(failures, first, longest) * random.uniform(0.5, 1)  # noqa: S311  # not for secrecy
