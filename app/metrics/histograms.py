"""Histograms of durations: sparse buckets at most 2 % wide that add up, subtract, and give percentiles. Pure.

The bounds of the buckets are whole microseconds, computed by whole-number arithmetic alone: every process puts a
duration into the same bucket, so that one can subtract what another added. (Logarithms of floats differ at the bounds.)
docs/adr/0019 compares them with ddsketch.
"""

from __future__ import annotations

import heapq
import math
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from operator import itemgetter, neg

_GREATEST = 2**63 - 1
# From this share on, look for a quantile from the top: a third of the time of adding everything up.
HIGH = 0.9
# Remember a quantile of so few stored histograms: hours of the past do not change, and a dashboard asks for the same
# 720 again every few seconds, p50 and p95 of each. 0.001 ms each instead of 0.01 to 0.03, for some 3 MB.
FEW = 3
MAX_REMEMBERED = 4_096


def _bounds() -> list[int]:
    bounds = [1]
    while bounds[-1] <= _GREATEST:
        bounds.append(max(bounds[-1] + 1, bounds[-1] * 51 // 50))
    return bounds


# Bucket n has the durations from BOUNDS[n - 1] to below BOUNDS[n]. Bucket 0 has 0, and the negative durations of clocks
# that disagree.
BOUNDS = _bounds()

# The gaps between buckets, and their counts, take as many bytes each as the greatest needs. Only counts of eight bytes
# may be negative.
_GAPS = {1: "B", 2: "H"}
_COUNTS = {1: "B", 2: "H", 4: "I", 8: "q"}
_HEAD = struct.Struct("<BH")
EMPTY = b""

_bucket = itemgetter(0)


def bucket_of(duration: int) -> int:
    """The bucket of a duration in µs."""
    return bisect_right(BOUNDS, duration)


def value_of(bucket: int) -> int:
    """The middle of a bucket, in µs: at most 1 % from anything in it."""
    return (BOUNDS[bucket - 1] + BOUNDS[bucket] - 1) // 2 if bucket else 0


def encode(counts: Mapping[int, int]) -> bytes:
    """The stored form: the two sizes, the first used bucket, the gaps to the others, and all counts.

    About two bytes a bucket. Counts may be negative. Leaves out buckets with 0.
    """
    used = sorted(bucket for bucket, count in counts.items() if count)
    if not used:
        return EMPTY
    gaps = [high - low for low, high in pairwise(used)]
    values = [counts[bucket] for bucket in used]
    gap_size = 1 if max(gaps, default=0) < 1 << 8 else 2
    limit = max(values)
    count_size = 8 if min(values) < 0 else next(size for size in _COUNTS if size == 8 or limit < 1 << 8 * size)
    form = f"<{len(gaps)}{_GAPS[gap_size]}{len(used)}{_COUNTS[count_size]}"
    return _HEAD.pack(gap_size << 4 | count_size, used[0]) + struct.pack(form, *gaps, *values)


def _decode(encoded: bytes) -> tuple[int, Sequence[int], Sequence[int]]:
    """The first bucket, the gaps to the others, and the counts, of a histogram that is not empty."""
    sizes, first = _HEAD.unpack_from(encoded)
    gap_size, count_size = sizes >> 4, sizes & 15
    length = (len(encoded) - _HEAD.size + gap_size) // (gap_size + count_size)
    if sizes == 0x11:  # nearly always; bytes are whole numbers already
        counts_at = _HEAD.size + length - 1
        return first, encoded[_HEAD.size : counts_at], encoded[counts_at:]
    values = struct.unpack_from(f"<{length - 1}{_GAPS[gap_size]}{length}{_COUNTS[count_size]}", encoded, _HEAD.size)
    return first, values[: length - 1], values[length - 1 :]


def decode(encoded: bytes) -> dict[int, int]:
    """The counts by bucket that `encode` was given."""
    if not encoded:
        return {}
    first, gaps, counts = _decode(encoded)
    return dict(zip(accumulate(gaps, initial=first), counts, strict=True))


def add(counts: dict[int, int], more: Mapping[int, int], times: int = 1) -> None:
    """Add the counts of `more` to `counts`; with `times` -1, subtract them."""
    known = counts.get
    for bucket, count in more.items():
        counts[bucket] = known(bucket, 0) + times * count


class Histogram:
    """How often durations of each bucket occurred. Adds its parts up when it is first asked.

    `encoded` are stored histograms, `samples` buckets of single durations, each with its number of occurrences.
    """

    __slots__ = ("_counts", "_encoded", "_samples")

    def __init__(self, encoded: Sequence[bytes] = (), samples: Sequence[tuple[int, int]] = ()) -> None:
        self._encoded = encoded
        self._samples = samples
        self._counts: dict[int, int] | None = None

    @classmethod
    def of(cls, durations: Iterable[int]) -> Histogram:
        """Of single durations in µs."""
        return cls((), [(bucket_of(duration), 1) for duration in durations])

    @classmethod
    def merged(cls, parts: Iterable[Histogram]) -> Histogram:
        """Several together; costs nothing until it is asked."""
        given = list(parts)
        return cls(
            [each for part in given for each in part._encoded], [each for part in given for each in part._samples]
        )

    @property
    def counts(self) -> Mapping[int, int]:
        """How often, by bucket. Leaves out buckets with 0."""
        if self._counts is None:
            counts: dict[int, int] = {}
            for encoded in self._encoded:
                add(counts, decode(encoded))
            for bucket, times in self._samples:
                counts[bucket] = counts.get(bucket, 0) + times
            self._counts = {bucket: count for bucket, count in counts.items() if count}
        return self._counts

    @property
    def count(self) -> int:
        """How many durations there are."""
        return sum(self.counts.values())

    def encode(self) -> bytes:
        """The stored form."""
        return encode(self.counts)

    def minus(self, other: Histogram) -> Histogram:
        """What is left without the durations of `other`, all of which are in this one."""
        counts = dict(self.counts)
        add(counts, other.counts, -1)
        return Histogram([encode(counts)])

    def quantile(self, share: float) -> int | None:
        """The duration, in µs, that this share of all does not exceed, within 1 %. None if empty.

        Of n sorted durations it is number ceil(share · n), and the first for a share of 0.
        """
        # Add up samples that subtract: otherwise a removed one could be found on the way down.
        if self._counts is None and all(times > 0 for _, times in self._samples):
            sampled = Histogram((), self._samples).encode() if self._samples else EMPTY
            encoded = tuple(each for each in (*self._encoded, sampled) if each)
            if len(encoded) <= FEW:
                return _remembered(encoded, share)
            if share >= HIGH:
                return _from_the_top(encoded, share)
        buckets = sorted(self.counts)
        running = list(accumulate(self.counts[bucket] for bucket in buckets))
        if not running or running[-1] <= 0:
            return None
        return value_of(buckets[bisect_left(running, _rank(share, running[-1]))])

    def greatest(self) -> int | None:
        """The longest duration in µs, within 1 %; None if empty."""
        return self.quantile(1.0)


def _rank(share: float, count: int) -> int:
    """Where a share of so many sorted values ends, from 1."""
    return min(max(math.ceil(share * count), 1), count)


def _from_the_top(encoded: tuple[bytes, ...], share: float) -> int | None:
    """A quantile of histograms that are not empty, without adding up what is below it."""
    decoded = [_decode(each) for each in encoded]
    count = sum(sum(counts) for _, _, counts in decoded)
    if not count:
        return None
    left = count - _rank(share, count)
    walks = [
        zip(accumulate(map(neg, reversed(gaps)), initial=first + sum(gaps)), reversed(counts), strict=True)
        for first, gaps, counts in decoded
    ]
    for bucket, times in heapq.merge(*walks, key=_bucket, reverse=True):
        left -= times
        if left < 0:
            return value_of(bucket)
    raise AssertionError("the counts are fewer than their sum")


_remembered = lru_cache(MAX_REMEMBERED)(_from_the_top)
