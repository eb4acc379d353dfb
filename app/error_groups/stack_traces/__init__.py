"""Stack traces, read from their text: where an error was raised, and what caused it. Pure.

Fingerprints read the frames too (app/error_groups/stack_frames.py), and name them without what a build decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec.structs import replace

from app.error_groups.stack_traces.frame import Frame, Language, Raised
from app.error_groups.stack_traces.java import DOTNET, JAVA
from app.error_groups.stack_traces.javascript import JAVASCRIPT
from app.error_groups.stack_traces.others import GO, PHP, RUBY, RUST
from app.error_groups.stack_traces.python import PYTHON
from app.error_groups.stack_traces.scripts import ELIXIR, PERL, POWERSHELL, RICH
from app.paging.search import ESCAPES

# A recursion may have more; nobody reads them.
MAX_SHOWN = 500
# A frame is shorter. Anything longer is a line of minified source, or not text.
_MAX_OF_LINE = 1_000
# From either end, where the innermost frames are: 256 KiB of line breaks took 0.2 s.
_MAX_LINES = 1_000

_SHOWN = (PYTHON, RICH, GO, PHP, RUBY, RUST, ELIXIR, POWERSHELL, DOTNET, JAVA, JAVASCRIPT, PERL)
# Whose frames look like those of another language, where one line is all that is seen.
_LOOKS_LIKE = {RUST: JAVASCRIPT, DOTNET: JAVA}
_LOOK_ALIKES = {like: language for language, like in _LOOKS_LIKE.items()}
# How far below such a line one that is certain stands.
_NEAR = 30


def shown(stack_trace: str) -> list[Frame] | None:
    """The frames to show, at most MAX_SHOWN: those of the error that came out, then those of its causes.

    The innermost first. The first frame of a cause has its error's line. None for an unknown format.
    """
    lines = read_lines(stack_trace)
    for language in told(lines):
        if found := list(islice(_frames(language.shown(list(language.read(lines)))), MAX_SHOWN)):
            return found
    return None


def read_lines(stack_trace: str) -> list[str]:
    """The lines that are read, with what is read of each: no colours and links of a terminal."""
    if "\x1b" in stack_trace or "\x9b" in stack_trace:
        stack_trace = ESCAPES.sub("", stack_trace)
    every = stack_trace.splitlines()
    if len(every) > 2 * _MAX_LINES:
        every = every[:_MAX_LINES] + every[-_MAX_LINES:]
    return [line[:_MAX_OF_LINE] for line in every]


def first_told(lines: Sequence[str]) -> Language | None:
    """The first of `told`, for less: no line is looked at by more languages than needed."""
    text = "\n".join(lines)
    found: Language | None = None
    place = len(lines)
    for language in _SHOWN:
        # Lines that might be Perl's are in the messages of others.
        if (language is PERL and found) or not any(hint in text for hint in language.hints):
            continue
        for number in range(place):
            if language.tells(lines[number]):
                found, place = language, number
                break
        if place == 0:
            break
    certain = _LOOK_ALIKES.get(found) if found and ".java:" not in text else None
    if certain and any(map(certain.tells, lines[place : place + _NEAR])):
        return certain
    return found


def told(lines: Sequence[str]) -> list[Language]:
    """The languages that a line tells; first the one whose line comes first."""
    first: dict[Language, int] = {}
    text = "\n".join(lines)
    for language in _SHOWN:
        if not any(hint in text for hint in language.hints):
            continue
        place = next((place for place, line in enumerate(lines) if language.tells(line)), None)
        if place is not None:
            first[language] = place
    taken = {_LOOKS_LIKE.get(language) for language in first}
    return sorted(
        (language for language in first if language not in taken),
        key=lambda language: (language is PERL, first[language]),
    )


def _frames(errors: Sequence[Raised]) -> Iterator[Frame]:
    for number, raised in enumerate(errors):
        frames = raised.frames
        if number and raised.says:
            # An error may have no frames of its own: Java leaves out those that it shares, Python's may not be raised.
            frames[:1] = [replace(frames[0] if frames else Frame(""), cause=raised.says)]
        yield from frames


__all__ = [
    "DOTNET",
    "ELIXIR",
    "GO",
    "JAVA",
    "JAVASCRIPT",
    "MAX_SHOWN",
    "PERL",
    "PHP",
    "POWERSHELL",
    "PYTHON",
    "RICH",
    "RUBY",
    "RUST",
    "Frame",
    "Language",
    "Raised",
    "first_told",
    "read_lines",
    "shown",
    "told",
]
