"""A clock for tests that are about time, in position of one that the code reads."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T", bound=float)


class Clock(Generic[T]):
    """Stands still until somebody sets it."""

    def __init__(self, now: T) -> None:
        self.now = now

    def __call__(self) -> T:
        return self.now
