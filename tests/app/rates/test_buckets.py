"""What a key may spend, now and over time, in a process of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import RateLimited
from app.rates import buckets
from app.rates.buckets import Account, Buckets, Rate
from tests.clocks import Clock

Seconds = Clock[float]

MOST = 60_000  # a minute: one in a millisecond


def rate(at_once: int = MOST) -> Rate:
    return Rate("RUNWATCH_SOMETHING", MOST, f"Too much: at most {MOST} a minute", MOST, at_once)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    clock = Clock(1_000.0)
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def refused(spend: Callable[[], object]) -> RateLimited:
    with pytest.raises(RateLimited) as raised:
        spend()
    return raised.value


def test_a_full_bucket_is_spent_and_fills_again(clock: Seconds) -> None:
    account = Buckets(rate()).account("a")
    for _ in range(10):
        account.take(MOST // 10)
    error = refused(lambda: account.take(3_000))
    assert error.extensions == {
        "code": "RATE_LIMITED", "limit": "RUNWATCH_SOMETHING", "value": MOST, "retryAfter": 3
    }  # fmt: skip
    assert error.message == "Too much: at most 60000 a minute; come back in 3 s"
    clock.now += 2.9
    assert refused(lambda: account.take(3_000)).seconds == 1
    account.take(2_000)  # what is cheaper need not wait for it
    clock.now += 2.2
    account.take(3_000)


def test_keys_do_not_share(clock: Seconds) -> None:
    all_ = Buckets(rate())
    all_.account("a").take(MOST)
    refused(lambda: all_.account("a").take(1))
    all_.account("b").take(MOST)
    assert all_.account("a") is all_.account("a")


def test_what_costs_more_than_a_full_bucket_passes_when_it_is_full(clock: Seconds) -> None:
    account = Buckets(rate()).account("a")
    account.take(2 * MOST)
    assert account.balance == -MOST
    clock.now += 60
    assert refused(lambda: account.take(1)).seconds == 1
    clock.now += 1
    account.take(1)


def test_a_debt_is_paid_first(clock: Seconds) -> None:
    account = Buckets(rate()).account("a")
    account.take(MOST)
    account.charge(5_000)
    assert account.is_spent
    assert refused(lambda: account.take(1)).seconds == 6
    clock.now += 5.1
    account.take(1)
    assert not account.is_spent


def test_what_was_not_spent_comes_back(clock: Seconds) -> None:
    account = Buckets(rate()).account("a")
    account.take(MOST)
    account.charge(-10_000)
    account.take(10_000)
    refused(lambda: account.take(1_000))


async def test_a_debtor_waits_until_its_debt_is_paid() -> None:
    account = Buckets(rate()).account("a")
    account.take(MOST)
    account.charge(200)
    assert account.is_spent
    async with asyncio.timeout(30):
        await account.solvent()
    assert account.balance >= 0


def test_the_longest_silent_key_is_forgotten_first(clock: Seconds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "MAX_KEYS", 2)
    all_ = Buckets(rate())
    known = {key: all_.account(key) for key in ("a", "b")}
    assert all_.account("a") is known["a"]
    all_.account("c")
    assert all_.account("a") is known["a"]
    assert all_.account("b") is not known["b"]


spends = st.integers(0, MOST // 2)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("take"), spends),
        st.tuples(st.just("charge"), st.integers(-2_000, 20_000)),
        st.tuples(st.just("pass"), st.integers(0, 20_000)),  # ms
    ),
    max_size=60,
)


@given(steps=steps, at_once=st.integers(MOST // 2, 2 * MOST))
def test_nobody_spends_more_than_a_full_bucket_and_what_flows_in(steps: list[tuple[str, int]], at_once: int) -> None:
    """What is refused says when it would pass; then it does."""
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(1_000.0)
        patch.setattr(time, "monotonic", clock)
        began, spent = clock.now, 0
        account = Buckets(rate(at_once)).account("a")
        for step, number in steps:
            if step == "pass":
                clock.now += number / 1_000
            elif step == "charge":
                account.charge(number)
                spent += number
            else:
                spent += taken(account, number, clock)
            drawn = spent + account.balance
            # Each draw rounds down to what is there.
            assert -1e-6 <= drawn <= at_once + (clock.now - began) * MOST / 60 + 1


def taken(account: Account, cost: int, clock: Seconds) -> int:
    before = account.balance
    try:
        account.take(cost)
    except RateLimited as error:
        assert account.balance >= before
        clock.now += error.seconds + 0.001
        account.take(cost)
    return cost
