"""Where strings occur in a text: what one character after the other finds, in a number of finds that is bounded."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.secrets import places
from app.secrets.places import SAFE, beginnings_of, covered, join, period


def simply(strings: Iterable[str], text: str) -> list[tuple[int, int]]:
    """Each at each character, and then what overlaps is one."""
    found: list[tuple[int, int]] = []
    at = [(at, at + len(each)) for each in strings for at in range(len(text)) if text.startswith(each, at)]
    for start, end in sorted(at):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def strings_of(alphabet: str, least: int = 1) -> st.SearchStrategy[list[str]]:
    """The longest first, as Masker has them."""
    few = st.lists(st.text(alphabet, min_size=least, max_size=least + 6), min_size=1, max_size=6, unique=True)
    return few.map(lambda given: sorted(given, key=lambda each: (-len(each), each)))


@pytest.mark.parametrize("one_pass", [False, True])
@given(strings_of("ab") | strings_of("abc", 2), st.text("ab", max_size=60) | st.text("abc", max_size=60))
@example(["aaaa", "aaa"], "aaaaaaabaaa")
@example(["abab", "ba"], "xababababx")
@example(["bcd", "abc", "def"], "abcdef")
def test_places_are_those_of_the_simple_definition(one_pass: bool, strings: list[str], text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "CHARACTERS_OF_A_FIND", 10**9 if one_pass else 0.1)
        patch.setattr(places, "SAFE", 3)
        patch.setattr(places, "LONG", 40)
        if one_pass:
            assert places._in_one_pass(strings, text) == simply(strings, text)
        assert covered(strings, text) == simply(strings, text)


@given(strings_of("ab"), st.text("ab", max_size=60))
def test_beginning_occurs_wherever_the_whole_does(strings: list[str], text: str) -> None:
    for each, beginning in zip(strings, beginnings_of(strings), strict=True):
        assert beginning in text or each not in text
        assert len(beginning) <= SAFE


@pytest.mark.parametrize(
    ("strings", "text"),
    [
        (["a" * (206 - each) for each in range(200)], "a" * 20_000),
        (["a" * (5_000 - each) for each in range(60)], "a" * 20_000),
        ([("abcdefg" * 30)[: 206 - each] for each in range(200)], "abcdefg" * 3_000),
        ([("abcdefgh" * 9)[each : each + 9] for each in range(8)], "abcdefgh" * 3_000),
        (["a" * (99 - each) + "b" + "a" * each for each in range(90)], "a" * 20_000),
        ([("ab" * 60)[: 100 - each] + "c" for each in range(90)], "ab" * 10_000),
        ([f"secret-{each:03}" for each in range(200)], "secret-007 " * 2_000),
    ],
)
def test_number_of_finds_is_bounded_whatever_the_strings_look_like(
    strings: list[str], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    finds, find = 0, places._find

    def counted(*given: object) -> int:
        nonlocal finds
        finds += 1
        return find(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(places, "_find", counted)
    found = covered(strings, text)
    assert finds <= len(text) / places.CHARACTERS_OF_A_FIND + 2 * len(strings) + 2
    assert all(before < start for (_, before), (start, _) in pairwise(found)) or found[0] == (0, 10)
    assert len(found) <= len(text) / 6


@pytest.mark.parametrize("size", [20, 29_000, 40_000])
def test_long_string_is_found_in_texts_of_any_length(size: int) -> None:
    string = "a" * 15 + "b" + "a" * 20
    text = "a" * size + string + "x" + string[:-1]
    assert covered([string], text) == [(size, size + len(string))]
    assert covered([string], text[: size + 30]) == []


def test_what_is_joined_is_one_place_if_it_overlaps() -> None:
    found = [(0, 2), (4, 6)]
    join(found, 6, 8)
    assert found == [(0, 2), (4, 6), (6, 8)]
    join(found, 5, 9)
    assert found == [(0, 2), (4, 9)]
    join(found, 1, 10)
    assert found == [(0, 10)]


@pytest.mark.slow
@given(st.text("ab", min_size=1, max_size=12))
def test_period_is_the_least_shift_after_which_a_text_may_occur_again(text: str) -> None:
    """A shorter one is looked for in vain, a longer one misses what overlaps."""
    assert period(text) == next(shift for shift in range(1, len(text) + 1) if text[shift:] == text[: len(text) - shift])
