"""A window splits into days, hours and the cut-off rest, without a gap or an overlap."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import clock
from app.errors import BadInput
from app.metrics.rollups import Grain
from app.metrics.windows import MAX_BUCKETS, MAX_FITTING, Bucket, take_apart

DAY = 20_000 * clock.DAY  # midnight
edges = st.integers(0, 5 * 24 * 4).map(lambda quarters: DAY + quarters * 15 * clock.MINUTE)
near = st.sampled_from([0, 0, 1, -1])


@given(edges, edges, near, near, st.sampled_from([None, *Bucket]))
def test_the_parts_are_the_window(one: int, other: int, early: int, late: int, bucket: Bucket | None) -> None:
    start, end = min(one, other) + early, max(one, other) + late + 3
    parts = take_apart(start, end, bucket)
    spans = sorted([*parts.days, *parts.hours, *parts.cut])
    assert all(span[0] < span[1] for span in spans)
    assert (spans[0][0], spans[-1][1]) == (start, end)
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    for grain, span in parts.rolled:
        assert span[0] % grain.width == span[1] % grain.width == 0
    if bucket is not None and bucket.value < clock.HOUR:
        assert not parts.rolled
        return
    # No more is read from the executions, or by the hour, than has to be.
    assert all(span[1] - span[0] < clock.HOUR or start // clock.HOUR + 1 >= end // clock.HOUR for span in parts.cut)
    if bucket is not None and bucket.value % clock.DAY:
        assert not parts.days
    else:
        hours = sum(span[1] - span[0] for span in parts.hours)
        assert hours < 2 * clock.DAY


def test_a_month_is_read_by_the_day() -> None:
    start, end = DAY - 90 * clock.MINUTE, DAY + 30 * clock.DAY + 61 * clock.MINUTE
    parts = take_apart(start, end)
    assert parts.days == ((DAY, DAY + 30 * clock.DAY),)
    assert parts.hours == (
        (DAY - clock.HOUR, DAY),
        (DAY + 30 * clock.DAY, DAY + 30 * clock.DAY + clock.HOUR),
    )
    assert [grain for grain, _ in parts.rolled] == [Grain.DAY, Grain.HOUR, Grain.HOUR]
    assert parts.cut == ((start, DAY - clock.HOUR), (end - clock.MINUTE, end))
    assert parts.whole == (DAY - clock.HOUR, end - clock.MINUTE)


def test_buckets_begin_at_whole_hours_of_utc() -> None:
    starts = Bucket.HOUR.starts(DAY + 1, DAY + 2 * clock.HOUR + 1)
    assert list(starts) == [DAY, DAY + clock.HOUR, DAY + 2 * clock.HOUR]


def test_too_many_buckets_are_refused() -> None:
    assert len(Bucket.HOUR.starts(DAY, DAY + MAX_BUCKETS * clock.HOUR)) == MAX_BUCKETS
    with pytest.raises(BadInput, match="1500 buckets in a window, not 1501"):
        Bucket.HOUR.starts(DAY, DAY + MAX_BUCKETS * clock.HOUR + 1)
    with pytest.raises(BadInput, match="6 hours"):
        Bucket.MINUTE.starts(DAY, DAY + 6 * clock.HOUR + 1)


@pytest.mark.parametrize(
    ("hours", "bucket"),
    [
        (1, Bucket.MINUTE),
        (2, Bucket.MINUTE),
        (3, Bucket.FIVE_MINUTES),
        (7, Bucket.HOUR),
        (24, Bucket.HOUR),
        (24 * 14, Bucket.THREE_HOURS),
        (24 * 30, Bucket.SIX_HOURS),
        (24 * 90, Bucket.DAY),
        (24 * 400, Bucket.FOUR_DAYS),
    ],
)
def test_a_bucket_that_fits(hours: int, bucket: Bucket) -> None:
    end = DAY + hours * clock.HOUR
    assert Bucket.fitting(DAY, end) is bucket


@given(st.integers(0, 10 * clock.DAY), st.integers(1, 400 * clock.DAY))
def test_a_bucket_fits_every_window(offset: int, length: int) -> None:
    start = DAY + offset
    bucket = Bucket.fitting(start, start + length)
    assert 1 <= len(bucket.starts(start, start + length)) <= MAX_FITTING
