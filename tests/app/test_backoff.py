"""Pauses double, end at the longest one, and are spread over their upper half."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app import backoff
from app.delivery import outbox
from app.live import pubsub_redis
from app.server import supervisor

failures = st.integers(1, 10**9)
firsts = st.floats(1e-3, 1e7)
# Of any longest pause that can be reached: from the first one on.
factors = st.floats(1, 2**30)


@given(failures, firsts, factors)
def test_each_is_twice_the_last_until_the_longest(failures: int, first: float, factor: float) -> None:
    longest = first * factor
    before, after = (backoff.doubled(number, first, longest) for number in (failures, failures + 1))
    assert first <= before <= after <= longest
    assert after in (2 * before, longest)


@given(firsts, factors)
@example(1.0, 2.0**30)
def test_the_first_and_the_longest_are_reached(first: float, factor: float) -> None:
    assert backoff.doubled(1, first, first * factor) == first
    assert backoff.doubled(31, first, first * factor) == first * factor
    assert backoff.doubled(10**9, first, first * factor) == first * factor


@given(failures, firsts, factors)
def test_one_is_drawn_from_the_upper_half(failures: int, first: float, factor: float) -> None:
    most = backoff.doubled(failures, first, first * factor)
    assert most / 2 <= backoff.pause(failures, first, first * factor) <= most


@pytest.mark.parametrize("failures", [1, 2, 7, 100])
def test_who_failed_together_does_not_return_together(failures: int) -> None:
    most = backoff.doubled(failures, 0.25, 30)
    drawn = sorted(backoff.pause(failures, 0.25, 30) for _ in range(1_000))
    assert drawn[-1] - drawn[0] > most * 0.45
    # Everywhere within it, not at its ends: a quarter of them in each quarter, nearly.
    assert all(150 < sum(low <= each / most * 8 < low + 1 for each in drawn) < 350 for low in (4, 5, 6, 7))


def test_nothing_failed_and_nothing_waits() -> None:
    assert backoff.doubled(0, 0.5, 30) == backoff.pause(0, 0.5, 30) == 0


@pytest.mark.parametrize(
    ("first", "longest"),
    [
        (outbox.FIRST_PAUSE, outbox.MAX_PAUSE),
        (supervisor.FIRST_PAUSE, supervisor.MAX_PAUSE),
        pubsub_redis.BACKOFF_SECONDS,
    ],
)
def test_every_longest_pause_is_reached(first: float, longest: float) -> None:
    assert first < longest <= first * 2**backoff.MAX_DOUBLINGS
