"""Tracebacks of Python. The last one is that of the error that came out; its frames begin with the outermost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from app.error_groups.stack_traces.frame import Frame, Language, Raised, line_number

_START = "Traceback (most recent call last):"
_FRAME = re.compile(r'File "([^"]*+)", line (\d++)(?:, in (.++))?')
_NESTED = re.compile(r"\s{3,}+\|")  # the margin of an exception within a group; the group's own has two spaces
_CHAINED = re.compile(r"During handling of the above exception|The above exception was the direct cause of")
_MARKS = re.compile(r"[~^ ]*+")  # below the line's text: which part of it failed
_LIBRARY = re.compile(
    r"(?:site|dist)-packages[\\/]|[\\/]lib(?:64)?[\\/]python\d|[\\/]python[\d.-]*+[\\/]lib[\\/]|^<frozen ",
    re.IGNORECASE,
)


def _tells(line: str) -> bool:
    return _START in line or _FRAME.search(line) is not None


def _read(lines: Iterable[str]) -> Iterator[Raised]:
    """Leaves out the exceptions within a group."""
    current, margin = Raised(), ""
    before: Frame | None = None  # what the line before has
    for line in lines:
        if _NESTED.match(line):
            continue
        frame, before = before, None
        if _START in line:
            if current.items:  # what stands before the first one may be anything
                yield current
            current = Raised()
        elif _CHAINED.search(line):
            if not current.items:  # a cause that was never raised
                yield current
                current = Raised()
        elif match := _FRAME.search(line):
            function = match[3]  # a syntax error is in none
            library = _LIBRARY.search(match[1]) is not None
            before = Frame(match[1], line_number(match[2]), function and function.strip(), None, library)
            current.items.append(before)
            margin = line[: max(match.start() - 2, 0)]  # of a log, or of a group
        else:
            rest = line.removeprefix(margin)
            if frame and rest.startswith("    "):
                text = rest.strip()
                current.items[-1] = replace(frame, source=None if _MARKS.fullmatch(text) else text)
            elif rest.strip() and not rest[0].isspace() and not (current.items and current.says):
                current.says = rest.rstrip()
    if current.items:
        yield current


def _shown(raised: list[Raised]) -> list[Raised]:
    return [Raised(each.says, each.items[::-1]) for each in reversed(raised)]


PYTHON = Language("Python", _tells, _read, _shown, (_START, 'File "'))
