"""Where in a text any of some strings occurs, as places that do not touch: in time linear in the text. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache

# Python looks for a string of less than 100 characters in a text of less than 30,000, and for any in one of less than
# 2,500, by comparing up to all of it at each character: for 4,096 a microsecond each. Of so few it does not matter, and
# in a long text it has a better way.
SAFE = 16
LONG = 30_000
_PADDING = "\0" * LONG  # which makes a text long
# After one find for so many characters of the text, all strings are looked for in one pass instead. It takes as long as
# so many finds.
CHARACTERS_OF_A_FIND = 8

Places = list[tuple[int, int]]  # start and end, ascending


def beginnings_of(strings: Iterable[str]) -> list[str]:
    """As much of each as may be looked for in a short text. Where that is, `covered` sees whether the rest is too."""
    return [each[:SAFE] for each in strings]


def covered(strings: Sequence[str], text: str) -> Places:
    """All that they cover, the longest first of them: what overlaps or touches by overlapping is one place."""
    places: Places = []
    left = len(text) // CHARACTERS_OF_A_FIND + len(strings) + 1
    for each in strings:
        left = _add(places, each, text, left)
        if left <= 0:
            return _in_one_pass(strings, text)
    return places


def join(places: Places, start: int, end: int) -> None:
    """Add a place that ends behind all of the others."""
    while places and start < places[-1][1]:
        start = min(start, places.pop()[0])
    places.append((start, end))


def _add(places: Places, string: str, text: str, left: int) -> int:
    """Add where a string occurs, with at most so many finds; how many are left. Nothing if they do not suffice."""
    found: Places = []
    size, at = len(string), 0
    while left > 0 and (at := _find(text, string, at)) >= 0:
        left -= 1
        known = bisect_right(places, (at, len(text)))
        if known and places[known - 1][1] >= at + size:
            at = max(places[known - 1][1] - size, at) + 1  # here it would reach beyond what is covered
            continue
        end, step = at + size, period(string)
        if step < size:
            # It overlaps itself, and its next occurrences follow one another for as long as the text repeats itself.
            repeated = _repeats(text, end, step)
            end += (repeated - end) // step * step
        join(found, at, end)
        at = end - size + step
    if left > 0 and found:
        given = sorted([*places, *found])
        places.clear()
        for start, end in given:
            if places and start < places[-1][1]:
                places[-1] = (places[-1][0], max(end, places[-1][1]))
            else:
                places.append((start, end))
    return left


def _find(text: str, string: str, start: int) -> int:
    """As str.find, in time that does not grow with the product of the two lengths."""
    if len(string) <= SAFE or len(text) - start >= LONG:
        return text.find(string, start)
    at = text.find(string[:SAFE], start)
    if at < 0 or text.startswith(string, at):
        return at
    at = (text + _PADDING).find(string, at + 1)
    return at if at + len(string) <= len(text) else -1


def _repeats(text: str, start: int, step: int) -> int:
    """How far a text, from `start` on, has what it has `step` characters before."""
    size = step
    while size:
        if text[start : start + size] == text[start - step : start - step + size] and start + size <= len(text):
            start += size
            size *= 2
        else:
            size //= 2
    return start


class _State(dict[str, "_State"]):
    """How the text before a character ends: in the longest beginning of a string. By the next character, what then."""

    __slots__ = ("fallback", "size")

    def __init__(self) -> None:
        super().__init__()
        self.fallback: _State | None = None  # the next shorter beginning in which it ends
        self.size = 0  # of the longest string in which it ends

    def __missing__(self, character: str) -> _State:
        following = self if self.fallback is None else self.fallback[character]
        self[character] = following
        return following


def _in_one_pass(strings: Iterable[str], text: str) -> Places:
    """The automaton of Aho and Corasick."""
    root = _State()
    for each in strings:
        state = root
        for character in each:
            state = state.setdefault(character, _State())
        state.size = len(each)
    waiting = deque((root, character, following) for character, following in root.items())
    while waiting:
        before, character, state = waiting.popleft()
        state.fallback = root if before.fallback is None else before.fallback[character]
        state.size = state.size or state.fallback.size
        waiting.extend([(state, *each) for each in state.items()])
    places: Places = []
    state = root
    for end, character in enumerate(text, 1):
        state = state[character]
        if state.size:
            join(places, end - state.size, end)
    return places


@lru_cache(maxsize=1024)
def period(text: str) -> int:
    """How far on the text may occur again at the soonest: its length, less where it may overlap with itself.

    Moving on by one character instead took 9 s for a line of 262,144 dashes and a secret of 32,000 of them.
    """
    borders = [0] * len(text)
    length = 0
    for place in range(1, len(text)):
        while length and text[place] != text[length]:
            length = borders[length - 1]
        length += text[place] == text[length]
        borders[place] = length
    return len(text) - borders[-1]
