"""What people write: whether it can be seen, be shown in one line, and in which order they look for it."""

from __future__ import annotations

import re
import unicodedata

# White space, controls, and what Unicode has displays ignore (Default_Ignorable_Code_Point: widths of zero, directions,
# variation selectors, tags, fillers of Hangul); annotations' ends, the blank pattern of Braille and the null notehead.
_BLANK = re.compile(
    r"[\s\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]*"
)
# Controls, lone surrogates (no database stores them), line and paragraph separators.
_UNFIT = ("Cc", "Cs", "Zl", "Zp")
_NUMBER = re.compile("([0-9]+)")

# Texts and numbers by turns, a number by its length and digits.
NaturalKey = tuple[str | tuple[int, str], ...]


def is_blank(text: str) -> bool:
    """Whether a text has no character that can be seen; an empty one has none."""
    return _BLANK.fullmatch(text) is not None


def has_controls(text: str) -> bool:
    """Whether a text has characters that are none: controls, line breaks, half surrogate pairs."""
    return any(unicodedata.category(character) in _UNFIT for character in text)


def natural_key(text: str) -> NaturalKey:
    """What sorts names as people do: "run 2" before "run 10", whatever their case and accents."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    parts = _NUMBER.split("".join(letter for letter in letters if not unicodedata.combining(letter)))
    return tuple(_by_value(part) if place % 2 else part for place, part in enumerate(parts))


def _by_value(number: str) -> tuple[int, str]:
    digits = number.lstrip("0")
    return len(digits), digits
