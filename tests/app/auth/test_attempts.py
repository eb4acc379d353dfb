"""Whose failures count for whom. specs/test_attempts.py has the doors."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.auth import attempts as module
from app.auth.attempts import Attempts
from app.errors import RateLimited, Unauthenticated, Unavailable
from app.rates import Buckets, Rate
from tests.clocks import Clock

MOST = 3


class Door:
    """Looks credentials up, and counts that."""

    def __init__(self, *good: str) -> None:
        self.good = set(good)
        self.looked_at: list[str] = []
        self.attempts = Attempts(Buckets(Rate("SETTING", MOST, f"Too many: at most {MOST} a minute", MOST, MOST)))
        self.refusal: RateLimited | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def try_(self, credential: str, address: str = "a") -> str:
        async def look() -> str:
            self.looked_at.append(credential)
            await self.open.wait()
            if credential == "away":
                raise Unavailable
            if credential not in self.good:
                raise Unauthenticated("Unknown")
            return credential

        try:
            return await self.attempts.check(credential, address, look)
        except Unauthenticated:
            return "401"
        except RateLimited as error:
            self.refusal = error
            return "429"

    async def fail(self, number: int, address: str = "a") -> list[str]:
        return [await self.try_(f"guess {each} from {address}", address) for each in range(number)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock[float]:
    clock = Clock(1_000.0)
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


async def test_failures_of_an_address_are_forgotten_in_time(clock: Clock[float]) -> None:
    door = Door()
    # A first failure beyond the bucket is a debt.
    assert await door.fail(6) == ["401"] * 4 + ["429"] * 2
    assert door.refusal is not None
    assert door.refusal.extensions == {"code": "RATE_LIMITED", "limit": "SETTING", "value": MOST, "retryAfter": 20}
    assert await door.fail(1, "b") == ["401"]
    clock.now += 20.1
    assert [await door.try_(each) for each in ("x", "y")] == ["401", "429"]


async def test_good_credentials_work_from_an_address_in_debt(clock: Clock[float]) -> None:
    door = Door("known", "new")
    await door.try_("known", "elsewhere")
    await door.fail(6)
    assert [await door.try_(each) for each in ("new", "known", "x")] == ["new", "known", "429"]


async def test_failure_that_repeats_counts_for_itself(clock: Clock[float]) -> None:
    """An engine whose token was revoked does not bring its address into debt, and is not even looked at any more."""
    door = Door("engine")
    assert await door.try_("engine") == "engine"
    door.good.clear()
    assert [await door.try_("engine") for _ in range(20)] == ["401"] * 4 + ["429"] * 16
    assert door.looked_at == ["engine"] * 5
    assert [await door.try_("typo") for _ in range(20)] == ["401"] * 5 + ["429"] * 15
    assert await door.fail(4) == ["401"] * 3 + ["429"]


async def test_attempts_of_an_address_in_debt_are_looked_at_one_at_a_time(clock: Clock[float]) -> None:
    door = Door("good", "known")
    await door.try_("known")
    await door.fail(6)
    door.looked_at.clear()
    door.open.clear()
    waiting = [asyncio.create_task(door.try_(each)) for each in ("x", "good", "y", *map(str, range(200)))]
    known = asyncio.create_task(door.try_("known"))
    # Beyond one and those that may wait, they are refused at once.
    done, _ = await asyncio.wait(waiting[-50:], return_when=asyncio.ALL_COMPLETED)
    assert {task.result() for task in done} == {"429"}
    assert door.looked_at == ["x", "known"]
    door.open.set()
    assert await known == "known"
    assert await asyncio.gather(*waiting[:3]) == ["429", "good", "429"]


async def test_a_database_that_is_away_is_nobodys_failure(clock: Clock[float]) -> None:
    door = Door()
    for _ in range(10):
        with pytest.raises(Unavailable):
            await door.try_("away")
    assert await door.fail(1) == ["401"]


async def test_memory_is_bounded(clock: Clock[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CREDENTIALS", 2)
    door = Door("1", "2", "3")
    for each in ("1", "2", "1", "3"):
        await door.try_(each)
    assert {name for name in "123" if door.attempts._good.has(hash(name))} == {"1", "3"}


async def test_nothing_is_refused_without_a_rate() -> None:
    async def look() -> str:
        raise Unauthenticated("Unknown")

    for _ in range(20):
        with pytest.raises(Unauthenticated):
            await Attempts().check("x", "a", look)
