"""Texts that nobody can see, and those that would not stay in their line."""

from __future__ import annotations

import pytest

from app.texts import has_controls, is_blank

BLANK = [
    "",
    " ",
    "\n",
    "\0",
    "\xa0",
    "\u3000",
    "\u200b",
    "\u2060\u200d",
    "\ufeff",
    "\ufe0f",
    "\U000e0100",
    "\u202e\u202c",
]
BLANK += ["\u00ad", "\u034f", "\u061c", "\u115f", "\u180e", "\u2800", "\u3164", "\uffa0", "\U000e0001", " \u200b "]


@pytest.mark.parametrize("text", BLANK, ids=ascii)
def test_blank(text: str) -> None:
    assert is_blank(text)
    assert not is_blank(f"{text}a{text}")


@pytest.mark.parametrize(
    "text", ["-", ".", "0", "ä", "引擎", "👩‍🔧", "\u0301", "\u06dd", "\ue000", "✈️", "한"], ids=ascii
)
def test_visible(text: str) -> None:
    assert not is_blank(text)
    assert not has_controls(text)


@pytest.mark.parametrize("text", ["a\nb", "\t", "\0", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"], ids=ascii)
def test_controls(text: str) -> None:
    assert has_controls(text)
