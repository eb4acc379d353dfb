"""Stacks of JavaScript: V8's, which Node and Chromium have, and those of Firefox and Safari. Innermost frame first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from app.error_groups.stack_traces.frame import Frame, Language, Raised, line_number

# Where a function of the engine itself is.
NO_PLACE = re.compile(r"<anonymous>|native|index \d+|\[native code\]")
INTERNAL = "node:internal/"  # differs with each release of Node

_PLACE = re.compile(r"(.*?):(\d+)(?::\d+)?")
_BARE = re.compile(r"[^\d\s].*:\d+:\d+")
_ALIAS = re.compile(r" \[as [^\]]*+\]$")
_GECKO = re.compile(r"\s*+([^@\s]*+(?>(?: code)?))@(.*/.*|\[native code\])")
_LIBRARY = re.compile(r"(?:^|[\\/])node_modules[\\/]|^node:|^internal/|[\\/]webpack/(?:bootstrap|runtime)")
_CAUSE = re.compile(r"\s*+(?:\[cause\]|Caused by): ?(.++)")


def _frame(line: str) -> Frame | None:
    text = line.strip().rstrip("{, ")  # how Node shows an error with more properties
    if text.startswith("at "):
        text = text[3:].removeprefix("async ")
        function, _, place = text.partition(" (")
        if not place.endswith(")"):
            function, place = "", text
        place = place.removesuffix(")")
        if place.startswith("eval at "):
            place = place.rpartition(", ")[2]
        if not (_PLACE if function else _BARE).fullmatch(place) and not (function and NO_PLACE.fullmatch(place)):
            return None  # a line of the message that begins with "at"
        function = _ALIAS.sub("", function).removeprefix("Object.").removeprefix("Function.")
    elif (match := _GECKO.fullmatch(text)) and (match[2][0] == "[" or _BARE.fullmatch(match[2])):
        function, place = match[1].removeprefix("async*"), match[2]
    else:
        return None
    position = _PLACE.fullmatch(place)
    file, line_of = (position[1], position[2]) if position else (place, None)
    library = _LIBRARY.search(file) is not None or NO_PLACE.fullmatch(file) is not None
    return Frame(file, line_number(line_of), function or None, None, library)


def _read(lines: Iterable[str]) -> Iterator[Raised]:
    """Each block of frames, the causes after the first."""
    current, says, is_cause = Raised(), "", False
    for line in lines:
        if frame := _frame(line):
            if not current.items:
                current.says, current.caused = says, is_cause
            current.items.append(frame)
        elif current.items:
            if line.lstrip().startswith(("at ", "...")):
                continue
            yield current
            current, says, is_cause = Raised(), "", False
        if frame is None and not is_cause:
            if match := _CAUSE.match(line):
                says, is_cause = match[1].rstrip(), True
            else:
                says = line.strip(" \t[]{},") or says
    if current.items:
        yield current


JAVASCRIPT = Language("JavaScript", _frame, _read, hints=("at ", "@"))
