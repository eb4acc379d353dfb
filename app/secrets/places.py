"""Where in a text any of some strings occurs, as places that do not touch: in time linear in the text. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from time import thread_time

# Python looks for a string of less than 100 characters in a text of less than 30,000, and for any in one of less than
# 2,500, by comparing up to all of it at each character: for 4,096 a microsecond each. Of so few it does not matter, and
# in a long text it has a better way.
SAFE = 16
LONG = 30_000
_PADDING = "\0" * LONG  # which makes a text long
# After one find for so many characters of the text, all strings are looked for in one pass instead. To put what was
# found of a string among the places of others takes as long as a find for so many of those.
CHARACTERS_OF_A_FIND, PLACES_OF_A_FIND = 64, 64
# What nearly occurs everywhere takes Python thirty times as long to find as what does not: 0.9 ms in 256 KiB. So in a
# text that is not short, every few strings are timed; when those that are left would take longer than one pass, it is
# one pass. Its seconds for each character of the text, and of the strings, from which it is made:
SHORT, TIMED_TOGETHER = 2_500, 4
PASS_SECONDS, MAKING_SECONDS = 80e-9, 1_000e-9
# Characters of strings that are looked for in one pass: 0.3 KiB each.
MAX_STATES = 128 * 1024
# Characters by which a state remembers what follows, beside those of the strings; the first state more of them.
MAX_KEPT, MAX_KEPT_OF_FIRST = 16, 4_096

Places = list[tuple[int, int]]  # start and end, ascending


class Strings:
    """Strings to look for, the longest first."""

    def __init__(self, strings: Sequence[str]) -> None:
        self._strings = strings
        # As much of each as may be looked for in a short text. Where that is, `_add` sees whether the rest is too.
        self._beginnings = [each[:SAFE] for each in strings]
        self._size = sum(map(len, strings))
        self._first: _State | None = None

    def covered(self, text: str) -> Places:
        """All that they cover: what overlaps or touches by overlapping is one place."""
        found = self._found(text)
        if found is None:
            return self._in_one_pass(self._strings, text)
        places: Places = []
        left = len(text) // CHARACTERS_OF_A_FIND + len(found) + 1
        for each in found:
            left = _add(places, each, text, left)
            if left <= 0:
                return self._in_one_pass(found, text)
        return places

    def _found(self, text: str) -> list[str] | None:
        """Those that occur, in a short text perhaps; None: it would take too long to look for each."""
        strings, parts = self._strings, self._strings if len(text) >= LONG else self._beginnings
        if len(text) < SHORT or self._size > MAX_STATES:
            return [each for each, part in zip(strings, parts, strict=True) if part in text]
        making = 0.0 if self._first is not None else self._size * MAKING_SECONDS
        a_pass, began, found = len(text) * PASS_SECONDS + making, thread_time(), list[str]()
        for start in range(0, len(strings), TIMED_TOGETHER):
            end = start + TIMED_TOGETHER
            found += [each for each, part in zip(strings[start:end], parts[start:end], strict=True) if part in text]
            if (thread_time() - began) / end * (len(strings) - end) > a_pass:
                return None
        return found

    def _in_one_pass(self, strings: Sequence[str], text: str) -> Places:
        if self._size > MAX_STATES:
            return _passed(_first_state(strings), text)
        if self._first is None:
            self._first = _first_state(self._strings)
        return _passed(self._first, text)


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
        left -= len(places) // PLACES_OF_A_FIND
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

    __slots__ = ("fallback", "room", "size")

    def __init__(self) -> None:
        super().__init__()
        self.fallback: _State | None = None  # the next shorter beginning in which it ends
        self.room = MAX_KEPT
        self.size = 0  # of the longest string in which it ends

    def __missing__(self, character: str) -> _State:
        shorter = self
        while shorter.fallback is not None and character not in shorter:
            shorter = shorter.fallback
        following = shorter.get(character, shorter)  # of the first state: itself
        if self.room:
            self.room -= 1
            self[character] = following
        return following


def _first_state(strings: Iterable[str]) -> _State:
    """The automaton of Aho and Corasick."""
    first = _State()
    first.room = MAX_KEPT_OF_FIRST
    for each in strings:
        state = first
        for character in each:
            following = state.get(character)
            if following is None:
                following = state[character] = _State()
            state = following
        state.size = len(each)
    waiting = deque((first, character, following) for character, following in first.items())
    while waiting:
        before, character, state = waiting.popleft()
        below = [*state.items()]  # before it remembers others
        state.fallback = first if before.fallback is None else before.fallback[character]
        state.size = state.size or state.fallback.size
        waiting.extend([(state, *each) for each in below])
    return first


def _passed(state: _State, text: str) -> Places:
    places: Places = []
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
