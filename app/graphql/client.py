"""Who pays for an operation, and how much before it begins: docs/limits.md."""

from __future__ import annotations

from typing import Protocol

# What any operation costs, besides its fields: signing in, reading the request, finding its document.
BASE_COST = 100
# A document that nobody has sent before is parsed and validated: of a character, and of as many as it may have tokens.
CHARACTER_COST, MAX_CHARACTERS = 3, 20_000
# An answer that is compressed: 6 µs for a KiB, and a plan does a field within one.
GZIP_COST = 6


class Client(Protocol):
    """What an operation's client may still do; app/rates has it."""

    key: str  # by whom places are counted, and turns taken
    operation: str | None
    spent: int

    @property
    def is_spent(self) -> bool:
        """Whether it is in debt, and its bucket is empty."""
        ...

    def take(self, cost: int) -> None:
        """Spend this before it is done; raises RateLimited."""
        ...

    def charge(self, cost: int) -> None:
        """Spend this for what has been done."""
        ...

    async def solvent(self) -> None:
        """Wait until debts are paid."""
        ...

    async def enter(self) -> None:
        """Wait for a place; raises RateLimited."""
        ...

    def leave(self) -> None:
        """Give it back."""
        ...


def price_of(new_characters: int, values: int) -> int:
    """What a request costs, with so many characters of a document that nobody has sent before, and values."""
    return BASE_COST + CHARACTER_COST * min(new_characters, MAX_CHARACTERS) + values


def price_of_gzip(size: int) -> int:
    """What it costs to compress so many bytes of an answer."""
    return GZIP_COST * size // 1024
