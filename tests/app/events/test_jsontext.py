"""JSON as text: repaired where it has to be, never decoded."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.events import jsontext
from app.events.jsontext import depth_exceeds, repair, split_array

PARTS = (b"NaN", b"-Infinity", b'"', b"\\", rb"\ud800", rb"\udc00", b"  ", b":", b",", b",1", b'"a":', b"xxxxxxx")


@pytest.mark.parametrize("body", [b'{"a": "NaN, -Infinity"}', rb'"\\ud800"', rb'"\ud83d\ude00"', b"[1.10]", b""])
def test_valid_json_stays_as_it_is(body: bytes) -> None:
    repaired, markers = repair(body)
    assert repaired == body
    if markers is not None:
        assert markers.plain(repaired) == body
        assert markers.original(repaired) == (body, False)


@pytest.mark.parametrize(
    ("body", "plain", "original", "changed"),
    [
        (b'{"a":NaN}', b'{"a":null}', b'{"a":null}', True),
        (b'[Infinity, -Infinity, "NaN"]', b'[null, null, "NaN"]', b'[null, null, "NaN"]', True),
        (rb'["x\uD800y"]', rb'["x\ufffdy"]', rb'["x\uD800y"]', False),
        (rb'["\udc00\ud800"]', rb'["\ufffd\ufffd"]', rb'["\udc00\ud800"]', False),
        (rb'["\ud800\ud83d\ude00"]', rb'["\ufffd\ud83d\ude00"]', rb'["\ud800\ud83d\ude00"]', False),
    ],
)
def test_repairs(body: bytes, plain: bytes, original: bytes, changed: bool) -> None:
    repaired, markers = repair(body)
    json.loads(repaired).__str__().encode()  # decodes, and holds no half pair
    assert markers is not None
    assert markers.plain(repaired) == plain
    assert markers.original(repaired) == (original, changed)


@given(st.lists(st.sampled_from(PARTS), max_size=12), st.integers(9, 40))
def test_windows_make_no_difference(parts: list[bytes], window: int) -> None:
    """Wherever one ends: within a string, an escape, a word, or before a colon."""
    body = b"".join(parts)
    whole, markers = repair(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsontext, "WINDOW", window)
        found, others = repair(body)
    assert (markers is None) == (others is None)
    if markers is not None and others is not None:
        assert others.plain(found) == markers.plain(whole)
        assert others.original(found) == markers.original(whole)


def test_nan_is_not_a_name() -> None:
    repaired, _ = repair(b'{NaN : 1, "a": NaN}')
    with pytest.raises(ValueError, match="property name"):
        json.loads(repaired)


@pytest.mark.parametrize("body", [b'NaN"' + b'\\"' * 500_000, b'NaN"' * 500_001, b'NaN"' + b"\\" * 1_000_001])
def test_a_string_that_never_ends_takes_no_time(body: bytes) -> None:
    before = time.process_time()
    repair(body)
    assert time.process_time() - before < 5


@pytest.mark.parametrize(("depth", "exceeds"), [(0, False), (64, False), (65, True), (100_000, True)])
def test_depth(depth: int, exceeds: bool) -> None:
    assert depth_exceeds(b"[" * depth + b"]" * depth) is exceeds
    assert depth_exceeds(b'{"a":' * depth + b"1" + b"}" * depth) is exceeds


def test_depth_counts_no_text_and_no_neighbours() -> None:
    assert not depth_exceeds(json.dumps(["[" * 100, '"{' * 100]).encode())
    assert not depth_exceeds(json.dumps([[]] * 100).encode())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.slow
@given(st.lists(_JSON))
def test_elements_of_an_array(values: list[object]) -> None:
    parts = split_array(b" " + json.dumps(values).encode() + b"\n")
    assert parts is not None
    assert [json.loads(part) for part in parts] == values


@pytest.mark.parametrize(
    ("body", "parts"), [(b"[1] 2]", [b"1", b" 2]"]), (b"[[]", [b"[]"]), (b"{}", None), (b"1]", None)]
)
def test_other_values_are_not_an_array(body: bytes, parts: list[bytes] | None) -> None:
    found = split_array(body)
    assert (None if found is None else list(found)) == parts
