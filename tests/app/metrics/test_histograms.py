"""Histograms of durations add up, subtract, survive being stored, and give percentiles within 2 %."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.metrics import histograms
from app.metrics.histograms import BOUNDS, Histogram

MOST = 2**63 - 1
# Beside each other and far apart; clocks that disagree give negative ones.
durations = st.one_of(st.integers(-10, 200), st.integers(0, MOST), st.sampled_from(BOUNDS[:-1])).map(
    lambda value: min(value, MOST)
)
lists = st.lists(durations, max_size=60)
shares = st.floats(0, 1)


def exact(values: list[int], share: float) -> int:
    """The value whose place in the order is the least that has the share up to it."""
    place = min(max(math.ceil(share * len(values)), 1), len(values))
    return max(sorted(values)[place - 1], 0)


def test_buckets_are_at_most_two_percent_wide() -> None:
    assert BOUNDS[0] == 1
    for low, high in pairwise(BOUNDS):
        assert low < high
        # Whole microseconds below 50 have a bucket each.
        assert high - low == 1 or (high - low) * 50 <= low
    assert BOUNDS[-1] > MOST
    assert len(BOUNDS) < 2**16


@given(durations)
def test_a_duration_is_within_its_bucket(duration: int) -> None:
    bucket = histograms.bucket_of(duration)
    if duration <= 0:
        assert bucket == 0
        assert histograms.value_of(bucket) == 0
    else:
        assert BOUNDS[bucket - 1] <= duration < BOUNDS[bucket]
        assert BOUNDS[bucket - 1] <= histograms.value_of(bucket) < BOUNDS[bucket]


@given(lists, shares)
def test_quantiles_are_within_two_percent(values: list[int], share: float) -> None:
    for histogram in (Histogram.of(values), Histogram([Histogram.of(values).encode()])):
        found = histogram.quantile(share)
        if not values:
            assert found is None
            assert histogram.greatest() is None
            continue
        assert found is not None
        true = exact(values, share)
        assert abs(found - true) * 50 <= true
        assert histogram.greatest() == histogram.quantile(1)
        assert histogram.count == len(values)


@given(st.lists(lists, max_size=6), shares)
def test_quantiles_of_many_are_those_of_all(parts: list[list[int]], share: float) -> None:
    together = Histogram([Histogram.of(values).encode() for values in parts])
    assert together.quantile(share) == Histogram.of([each for values in parts for each in values]).quantile(share)


@given(lists, lists)
def test_merging_and_taking_away_are_exact(one: list[int], other: list[int]) -> None:
    merged = Histogram.merged([Histogram.of(one), Histogram([Histogram.of(other).encode()])])
    assert merged.counts == Histogram.of(one + other).counts
    assert merged.minus(Histogram.of(other)).counts == Histogram.of(one).counts
    assert merged.minus(merged).encode() == histograms.EMPTY


@given(lists, st.lists(st.tuples(durations.map(histograms.bucket_of), st.sampled_from([1, -1])), max_size=60))
def test_samples_take_away_what_is_stored(stored: list[int], samples: list[tuple[int, int]]) -> None:
    histogram = Histogram([Histogram.of(stored).encode()], samples)
    expected: dict[int, int] = {}
    for bucket, times in [(histograms.bucket_of(each), 1) for each in stored] + samples:
        expected[bucket] = expected.get(bucket, 0) + times
    assert histogram.counts == {bucket: count for bucket, count in expected.items() if count}


@given(st.lists(lists, max_size=6), lists, lists, shares)
def test_quantiles_with_samples_are_those_of_all(
    parts: list[list[int]], sampled: list[int], gone: list[int], share: float
) -> None:
    """Also of samples that subtract stored ones, or each other."""
    stored = [Histogram.of(values).encode() for values in (*parts, gone)]
    expected = Histogram.of([each for values in (*parts, sampled) for each in values])
    added, taken = (
        [(histograms.bucket_of(each), times) for each in values] for values, times in ((sampled, 1), (gone, -1))
    )
    assert Histogram(stored, [*taken, *added]).quantile(share) == expected.quantile(share)
    assert Histogram(stored[:-1], added).quantile(share) == expected.quantile(share)


@given(st.dictionaries(st.integers(0, len(BOUNDS) - 1), st.integers(-(2**62), 2**62), max_size=40))
def test_encoded_counts_decode_to_the_same(counts: dict[int, int]) -> None:
    encoded = histograms.encode(counts)
    assert histograms.decode(encoded) == {bucket: count for bucket, count in counts.items() if count}


@given(st.sampled_from([-129, -128, -1, 1, 127, 128, -32_769, 32_767, 32_768, -(2**31) - 1, 2**31 - 1, 2**31]))
def test_counts_of_every_size_are_stored(count: int) -> None:
    assert histograms.decode(histograms.encode({3: 1, 2_000: count})) == {3: 1, 2_000: count}


def test_a_bucket_takes_two_bytes() -> None:
    values = [round(1.03**place) for place in range(500, 800)]
    assert len(Histogram.of(values).encode()) == 2 + 2 * len(Histogram.of(values).counts)
