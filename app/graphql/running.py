"""Counts the operations on the sockets of this process, in total and by credential."""

from __future__ import annotations

from collections import Counter

from app.errors import LimitExceeded


class Running:
    """Counts operations, within bounds."""

    def __init__(self, limit: int, most_of_one: int) -> None:
        self._limit = limit
        self._most_of_one = most_of_one
        self._by_credential: Counter[str] = Counter()
        self.total = 0

    def begin(self, credential: str) -> None:
        """Count one more for a credential; LimitExceeded beyond a bound."""
        if self._by_credential.get(credential, 0) >= self._most_of_one:
            raise LimitExceeded(f"At most {self._most_of_one} operations on WebSockets for one token")
        if self.total >= self._limit:
            raise LimitExceeded(f"At most {self._limit} operations on all WebSockets of the server")
        self._by_credential[credential] += 1
        self.total += 1

    def end(self, credential: str) -> None:
        """Count one less for a credential."""
        self.total -= 1
        self._by_credential[credential] -= 1
        if not self._by_credential[credential]:
            del self._by_credential[credential]
