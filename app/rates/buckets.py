"""Token buckets: so much a minute for each key, of which what is left may be used at once. docs/adr/0028.

A process takes portions out of a bucket, and its operations spend what it has taken: most of them look at one number
here. What an operation turns out to have cost is settled with that number too, which may fall below zero: a debt, paid
out of the bucket before anything else begins.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from app.errors import RateLimited
from app.without import without

with without("redis"):  # where it is not used already
    from throttled.rate_limiter import RateLimiterRegistry, per_min
    from throttled.store import MemoryStore

# Keys with a balance here; the one that was silent for longest is forgotten first, and begins anew.
MAX_KEYS = 10_000
# A portion is this part of a bucket: what processes have taken and not spent is little.
PORTIONS = 100
# An empty bucket is asked again after this time: events of subscriptions would ask it thousands of times a second.
ASKED_AGAIN_SECONDS = 0.02
# How long whoever is in debt sleeps at least and at most before it looks again.
SLEEP_SECONDS = 0.02, 1.0


@dataclass(frozen=True, slots=True)
class Rate:
    """So much a minute for each key, and so much at once. `what` says it in messages, `setting` where it comes from."""

    setting: str
    value: int
    what: str
    a_minute: int
    at_once: int


class Shared(Protocol):
    """The buckets of all processes; app/rates/shared.py."""

    @property
    def is_away(self) -> bool: ...

    async def draw(self, rate: Rate, key: str, asked: int) -> int | None: ...


class Account:
    """What this process has taken out of the bucket of one key, and not spent."""

    __slots__ = ("_asked", "_asking", "_buckets", "_is_empty", "_key", "balance")

    def __init__(self, buckets: Buckets, key: str) -> None:
        self._buckets = buckets
        self._key = key
        self._is_empty = False  # the bucket was, when it was last asked
        self._asked = 0.0
        self._asking: asyncio.Task[None] | None = None
        self.balance = 0

    @property
    def is_spent(self) -> bool:
        """Whether nothing should be done for this key until it has paid its debts."""
        return self.balance < 0 and self._is_empty

    def take(self, cost: int) -> None:
        """Spend this before it is done; RateLimited if the bucket does not have it.

        What costs more than a full bucket holds passes when the bucket is full.
        """
        if self.balance < cost:
            needed = min(cost, self._buckets.rate.at_once)
            self._fill(needed)
            if self.balance < needed and self._is_empty:
                raise self._buckets.refusal(needed - self.balance)
        self.balance -= cost

    def charge(self, cost: int) -> None:
        """Spend this for what has been done; less than 0 gives back."""
        self.balance -= cost
        if self.balance < 0:
            self._fill(0)

    async def solvent(self) -> None:
        """Wait until debts are paid."""
        while self.is_spent:
            least, most = SLEEP_SECONDS
            await asyncio.sleep(min(max(-self.balance / self._buckets.rate.a_minute * 60, least), most))
            self._fill(0)

    def _fill(self, wanted: int) -> None:
        """Take a portion, or as much as it needs to have what is wanted: at once, or soon from where processes share.

        Until those have answered the key lives on credit, unless their bucket was empty before.
        """
        now = time.monotonic()
        if self._is_empty and now - self._asked < ASKED_AGAIN_SECONDS:
            return
        buckets, self._asked = self._buckets, now
        asked = max(wanted - self.balance, buckets.portion)
        if buckets.shared is None or buckets.shared.is_away:
            self._filled(asked, buckets.draw(self._key, asked))
        elif self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._fill_from(buckets.shared, asked))

    async def _fill_from(self, shared: Shared, asked: int) -> None:
        try:
            drawn = await shared.draw(self._buckets.rate, self._key, asked)
            self._filled(asked, self._buckets.draw(self._key, asked) if drawn is None else drawn)
        finally:
            self._asking = None

    def _filled(self, asked: int, drawn: int) -> None:
        self.balance += drawn
        self._is_empty = drawn < asked


class Buckets:
    """The buckets of one rate, with their accounts in this process; `shared` has those of all processes."""

    def __init__(self, rate: Rate, shared: Shared | None = None) -> None:
        self.rate = rate
        self.shared = shared
        self.portion = max(1, rate.at_once // PORTIONS)
        quota = per_min(rate.a_minute, burst=rate.at_once)
        self._limiter = RateLimiterRegistry.get("gcra")(quota, MemoryStore(options={"MAX_SIZE": MAX_KEYS}))
        self._accounts: OrderedDict[str, Account] = OrderedDict()

    def account(self, key: str) -> Account:
        """The account of a key."""
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = Account(self, key)
            if len(self._accounts) > MAX_KEYS:
                self._accounts.popitem(last=False)
        else:
            self._accounts.move_to_end(key)
        return account

    def known(self, key: str) -> Account | None:
        """The account of a key that has one."""
        return self._accounts.get(key)

    def draw(self, key: str, asked: int) -> int:
        """Take so much out of a bucket of this process, or what it has; returns how much."""
        found = self._limiter.limit(key, asked)
        if not found.limited:
            return asked
        rest = found.state.remaining
        return rest if 0 < rest < asked and not self._limiter.limit(key, rest).limited else 0

    def refusal(self, missing: int) -> RateLimited:
        """What a request hears for which so much is missing."""
        rate = self.rate
        return RateLimited(rate.what, limit=rate.setting, value=rate.value, seconds=missing / rate.a_minute * 60)
