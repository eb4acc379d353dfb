"""Where strings occur in a text: what one character after the other finds, in a number of finds that is bounded."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.secrets import places
from app.secrets.places import Places, Strings, join, period


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


def covered(strings: list[str], text: str) -> Places:
    return Strings(strings).covered(text)


@pytest.mark.parametrize("way", ["finds", "one pass instead", "one pass"])
@given(strings_of("ab") | strings_of("abc", 2), st.text("ab", max_size=60) | st.text("abc", max_size=60))
@example(["aaaa", "aaa"], "aaaaaaabaaa")
@example(["abab", "ba"], "xababababx")
@example(["bcd", "abc", "def"], "abcdef")
def test_places_are_those_of_the_simple_definition(way: str, strings: list[str], text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "CHARACTERS_OF_A_FIND", 0.1 if way == "finds" else 10**9)
        patch.setattr(places, "SAFE", 3)
        patch.setattr(places, "LONG", 40)
        patch.setattr(places, "MAX_KEPT", 1)
        if way == "one pass":
            assert places._passed(places._first_state(strings), text) == simply(strings, text)
            patch.setattr(places, "SHORT", 0)
            patch.setattr(places, "PASS_SECONDS", -1e9)
        looked_for = Strings(strings)
        for _ in range(2):
            assert looked_for.covered(text) == simply(strings, text)


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
    assert found == places._passed(places._first_state(strings), text)
    assert all(before < start for (_, before), (start, _) in pairwise(found)) or found[0] == (0, 10)
    assert len(found) <= len(text) / 6


@pytest.mark.parametrize(("seconds", "asked"), [(1e-7, 52), (1.0, 2)])
def test_strings_that_take_long_to_find_are_looked_for_in_one_pass(
    seconds: float, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first four of 200: looking at the clock is counted, which comes after each four."""
    looks = 0

    def clock() -> float:
        nonlocal looks
        looks += 1
        return looks * seconds

    monkeypatch.setattr(places, "thread_time", clock)
    strings = ["a" * 60 + f"{number:03}" for number in range(200)]
    looked_for = Strings(strings)
    text = "a" * 40_000 + strings[7]
    assert looked_for.covered(text) == [(40_000, 40_063)]
    assert looks in (asked - 1, asked)
    first = looked_for._first
    assert (first is not None) is (asked == 2)
    assert looked_for.covered(text + "!") == [(40_000, 40_063)]
    assert looked_for._first is first, "it is made once"


def test_what_a_pass_remembers_is_bounded() -> None:
    """Each state by itself, however many texts there are."""
    strings = ["a" * number + "b" for number in range(60)]
    first = places._first_state(strings)
    for number in range(3_000):
        places._passed(first, "a" * (number % 60) + chr(0x4E00 + number))
    waiting, seen = [first], set[int]()
    while waiting:
        state = waiting.pop()
        if id(state) not in seen:
            seen.add(id(state))
            assert len(state) <= (places.MAX_KEPT_OF_FIRST if state is first else places.MAX_KEPT) + 2
            waiting += state.values()


def test_long_string_that_ends_otherwise_is_no_recursion() -> None:
    """A thousand shorter beginnings end where it might have gone on."""
    string = "a" * 5_000
    assert places._passed(places._first_state([string, "ab"]), f"{string}b{string[1:]}c") == [(0, 5_001)]


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
