"""Counts the operations on the sockets of this process, and the characters of their documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import TypeVar

from app.errors import LimitExceeded
from app.graphql.socket import Limits

Key = TypeVar("Key", bound=Hashable)


class Running:
    """Counts within bounds, for each credential and for all.

    A document is in memory for as long as its operation, with some 130 bytes for each character: of 5,000 subscriptions
    with documents of 12 KB, 8 GB. What a credential's operations have in common counts once.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._operations: Counter[str] = Counter()  # by credential
        self._characters: Counter[str] = Counter()
        self._texts: Counter[tuple[str, str]] = Counter()  # by credential and text
        self.total = 0
        self.characters = 0

    def begin(self, credential: str, text: str) -> None:
        """Count one more for a credential; LimitExceeded beyond a bound."""
        limits, more = self._limits, 0 if (credential, text) in self._texts else len(text)
        if self._operations[credential] >= limits.operations_of_viewer:
            raise LimitExceeded(f"At most {limits.operations_of_viewer} operations on WebSockets for one token")
        if self.total >= limits.operations_of_all:
            raise LimitExceeded(f"At most {limits.operations_of_all} operations on all WebSockets of the server")
        if more and self._characters[credential] + more > limits.characters_of_viewer:
            raise LimitExceeded(
                f"At most {limits.characters_of_viewer} characters of different documents on WebSockets for one token;"
                " use variables, or complete some"
            )
        if more and self.characters + more > limits.characters_of_all:
            raise LimitExceeded(
                f"At most {limits.characters_of_all} characters of documents on all WebSockets of the server"
            )
        self._count(credential, text, 1, more)

    def end(self, credential: str, text: str) -> None:
        """Count one less for a credential."""
        self._count(credential, text, -1, -len(text) if self._texts[credential, text] == 1 else 0)

    def _count(self, credential: str, text: str, operations: int, characters: int) -> None:
        self.total += operations
        self.characters += characters
        _add(self._operations, credential, operations)
        _add(self._characters, credential, characters)
        _add(self._texts, (credential, text), operations)


def _add(counter: Counter[Key], key: Key, more: int) -> None:
    counter[key] += more
    if not counter[key]:
        del counter[key]
