"""What a stack trace has, whatever its language: errors, and the frames of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec


class Frame(msgspec.Struct, frozen=True):
    """One frame, as the text has it."""

    file: str  # "": the trace names none
    line: int | None = None
    function: str | None = None
    source: str | None = None  # the line's text
    library: bool = False  # of a library or the language
    cause: str | None = None  # of the first frame of a cause: the error's line


@dataclass(slots=True)
class Raised:
    """One error: its line, and its frames in the order of the text. A number stands for so many of the error above."""

    says: str | None = None
    items: list[Frame | int] = field(default_factory=list)
    caused: bool = False  # the error before it, as the text says

    @property
    def frames(self) -> list[Frame]:
        """The frames that the text has."""
        return [item for item in self.items if isinstance(item, Frame)]


@dataclass(frozen=True, slots=True)
class Language:
    """How the traces of a language are read: which lines tell it, and its errors from the lines in their order.

    `shown` puts the errors in order, the one that came out first, each with its innermost frame first. A text without
    any of `hints` has no line that tells the language: looking for these is cheap.
    """

    name: str
    tells: Callable[[str], object]
    read: Callable[[Iterable[str]], Iterator[Raised]]
    shown: Callable[[list[Raised]], list[Raised]] = list
    hints: tuple[str, ...] = ("",)


def line_number(digits: str | None) -> int | None:
    """The number of a line; None for one that no file has."""
    return int(digits) if digits and len(digits) < 10 else None
