"""What one client may do within a time, and at a time: docs/limits.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.rates.buckets import Account, Buckets, Rate
from app.rates.places import Places

if TYPE_CHECKING:
    from app.rates.shared import SharedBuckets

__all__ = ["FREE", "Account", "Buckets", "Client", "Places", "Rate", "Rates", "RatesAllowed"]


@dataclass(frozen=True, slots=True)
class RatesAllowed:
    """What the settings say. 0: any."""

    cost_per_minute: int = 0
    event_bytes_per_minute: int = 0
    concurrent_operations: int = 0
    concurrent_event_bodies: int = 0
    failed_sign_ins_per_minute: int = 0
    redis_url: str = "memory://"


class Client:
    """One client's account and places, either of which it may be without: made for one operation, or one body.

    Places are counted by `key`. `operation` is the operation's name and `spent` what it has cost so far, for the log.
    """

    __slots__ = ("_account", "_places", "key", "operation", "spent")

    def __init__(self, account: Account | None = None, places: Places | None = None, key: str = "") -> None:
        self._account = account
        self._places = places
        self.key = key
        self.operation: str | None = None
        self.spent = 0

    @property
    def is_spent(self) -> bool:
        """See Account."""
        return self._account is not None and self._account.is_spent

    def take(self, cost: int) -> None:
        """See Account."""
        if self._account is not None:
            self._account.take(cost)
        self.spent += cost

    def charge(self, cost: int) -> None:
        """See Account."""
        self.spent += cost
        if self._account is not None:
            self._account.charge(cost)

    async def solvent(self) -> None:
        """See Account."""
        if self._account is not None:
            await self._account.solvent()

    async def enter(self) -> None:
        """See Places."""
        if self._places is not None:
            await self._places.enter(self.key)

    def leave(self) -> None:
        """See Places."""
        if self._places is not None:
            self._places.leave(self.key)


FREE = Client()


class Rates:
    """The buckets and places of one process."""

    def __init__(self, allowed: RatesAllowed) -> None:
        self._shared = _shared(allowed.redis_url)
        self._operations = self._buckets(
            "RUNWATCH_MAX_COST_PER_MINUTE", allowed.cost_per_minute, "This token's operations cost too much at once"
        )
        self._events = self._buckets(
            "RUNWATCH_MAX_EVENT_BYTES_PER_MINUTE", allowed.event_bytes_per_minute, "This token sends too many events"
        )
        # By address, or by what fails again and again.
        self.failed_sign_ins = self._buckets(
            "RUNWATCH_MAX_FAILED_SIGN_INS_PER_MINUTE",
            allowed.failed_sign_ins_per_minute,
            "Too many failed sign-ins from this address, or with this credential",
        )
        self._running = _places(
            "RUNWATCH_MAX_CONCURRENT_OPERATIONS", allowed.concurrent_operations, "Too many operations at a time"
        )
        self._bodies = _places(
            "RUNWATCH_MAX_CONCURRENT_EVENT_BODIES", allowed.concurrent_event_bodies, "Too many bodies at a time"
        )

    def of_operations(self, credential: str, session: str | None) -> Client:
        """The client of an operation: people who share a token have places of their own."""
        account = None if self._operations is None else self._operations.account(credential)
        return Client(account, self._running, credential if session is None else session)

    def of_events(self, credential: str) -> Client:
        """The client of the events door."""
        return Client(None if self._events is None else self._events.account(credential), self._bodies, credential)

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._shared is not None:
            await self._shared.close()

    def _buckets(self, setting: str, a_minute: int, what: str) -> Buckets | None:
        if not a_minute:
            return None
        return Buckets(
            Rate(setting, a_minute, f"{what}: at most {a_minute} a minute", a_minute, a_minute), self._shared
        )


def _shared(url: str) -> SharedBuckets | None:
    if url.startswith("memory:"):
        return None
    # Here and not above: most processes have no Redis, and redis takes a tenth of a second of CPU to import.
    from app.rates.shared import SharedBuckets

    return SharedBuckets(url)


def _places(setting: str, most: int, what: str) -> Places | None:
    return Places(most, setting, f"{what}: at most {most} run") if most else None
