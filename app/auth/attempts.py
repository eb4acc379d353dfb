"""Failed sign-ins, by address: docs/limits.md.

Only failures count, and a good credential always works: behind one address there may be thirty people, a broken engine
and somebody who guesses. So an address that has failed too often is told to come back later, whatever was wrong; and
what it sends is looked at one at a time, unless it has signed in here before.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.errors import RateLimited, Unauthenticated
from app.rates import Buckets, Places

T = TypeVar("T")

# Credentials of each kind that are remembered, by 64 bits of a keyed hash. Of a set that is full the oldest goes.
MAX_CREDENTIALS = 10_000


class Attempts:
    """The attempts of one process to sign in. Without buckets, none is refused."""

    def __init__(self, buckets: Buckets | None = None) -> None:
        self._buckets = buckets
        self._places = Places(1, "", "")
        self._good = _Recent()
        self._bad = _Recent()

    async def check(self, credential: str, address: str, look: Callable[[], Awaitable[T]]) -> T:
        """What `look` finds for a credential from an address. Raises what it raises; RateLimited for Unauthenticated
        from somebody who has failed too often.
        """
        if self._buckets is None:
            return await look()
        key = hash(credential)
        is_known = self._good.has(key)
        queues = not is_known and self._must_queue(key, address, self._buckets)
        if queues:
            await self._enter(address, self._buckets)
        try:
            found = await look()
        except Unauthenticated:
            self._fail(key, address, self._buckets)
            raise
        finally:
            if queues:
                self._places.leave(address)
        if not is_known:
            self._good.add(key)
        return found

    def _must_queue(self, key: int, address: str, buckets: Buckets) -> bool:
        """RateLimited for what has failed before, and too often: nothing makes it good."""
        if self._bad.has(key):
            buckets.account(str(key)).take(0)
        account = buckets.known(address)
        return account is not None and account.is_spent

    async def _enter(self, address: str, buckets: Buckets) -> None:
        try:
            await self._places.enter(address)
        except RateLimited:
            raise buckets.refusal(1) from None

    def _fail(self, key: int, address: str, buckets: Buckets) -> None:
        """Count a failure. What fails again and again, such as an engine whose token was revoked, counts for itself:
        others of its address still hear what is wrong with theirs.
        """
        again = self._good.drop(key) or self._bad.has(key)
        account = buckets.account(str(key) if again else address)
        account.take(0)
        account.charge(1)
        self._bad.add(key)


class _Recent:
    """The keys that were added or asked for last."""

    def __init__(self) -> None:
        self._keys: OrderedDict[int, bool] = OrderedDict()

    def has(self, key: int) -> bool:
        if key not in self._keys:
            return False
        self._keys.move_to_end(key)
        return True

    def drop(self, key: int) -> bool:
        return self._keys.pop(key, False)

    def add(self, key: int) -> None:
        self._keys[key] = True
        if len(self._keys) > MAX_CREDENTIALS:
            self._keys.popitem(last=False)
