"""Stack traces of Java and other languages of its machine, and those of .NET, whose frames look alike.

Java's begin with the error that came out. .NET's begin with the innermost one, but for the errors' lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from app.error_groups.stack_traces.frame import Frame, Language, Raised, line_number

_HIDDEN = re.compile(r"/(?:0x[0-9a-fA-F]+|\d+)(?=\.)")  # where a hidden class is: Foo$$Lambda$14/0x0000000800c0
_FRAME = re.compile(r"\s*+at ((?:[^\s()/]*+/)*+)([^\s()/]+\.[^\s()./]+)\(([^()]*+)\)(?=\s|$)")
_SECTION = re.compile(r"(\s*+)(Caused by|Suppressed): (.*+)")
_SHARED = re.compile(r"\s*+\.\.\. (\d{1,6}) (?:more|common frames omitted)")
_PLACE = re.compile(r"([^:]*+):(\d++)")
_LIBRARY = re.compile(
    r"(?:java|javax|jdk|sun|com\.sun|jakarta|kotlin|kotlinx|scala|groovy|clojure|org\.(?:apache|springframework|hibernate"
    r"|codehaus|eclipse|jboss|junit|postgresql|slf4j)|io\.(?:netty|micronaut|quarkus|vertx)|reactor|akka|com\.(?:fasterxml"
    r"|mysql|zaxxer)|com\.google\.common)\."
)

# Java has a file in the parentheses, .NET the parameters, and nothing between these and the name.
_DOTNET_PARAMETERS = re.compile(
    r"\s*+at \S[^(]*[^\s(]\((?!Native Method|Unknown Source)"
    r"(?:[^\s(),]++ [^\s(),]++(?:, [^\s(),]++ [^\s(),]++)*+)?+\)(?: in .*)?"
)
_DOTNET_PLACE = re.compile(r"(.+):line (\d++)")
_DOTNET_CAUSE = re.compile(r"\s*+---> (?:\(Inner Exception #\d+\) )?(.++)")
_DOTNET_END = "--- End of inner exception stack trace ---"
_DOTNET_LIBRARY = re.compile(r"(?:System|Microsoft|MS\.Internal|Windows)\.|lambda_method")


def _frame(line: str) -> Frame | None:
    """A frame of Java, or one of .NET that looks like it."""
    match = _FRAME.match(_HIDDEN.sub("", line))
    if match is None:
        return None
    module, function, place = match.groups()
    position = _PLACE.fullmatch(place)
    file, line_of = (position[1], position[2]) if position else (place, None)
    library = module.startswith(("java.", "jdk.")) or _LIBRARY.match(function) is not None
    return Frame(file, line_number(line_of), function, None, library)


def _read(lines: Iterable[str]) -> Iterator[Raised]:
    """The error, then its causes. Leaves out suppressed ones."""
    current = Raised()
    suppressed: int | None = None  # depth at which the skipped suppressed error begins
    for line in lines:
        if section := _SECTION.match(line):
            indent, causes = len(section[1]), section[2] == "Caused by"
            if causes and (suppressed is None or indent < suppressed):
                suppressed = None
                yield current
                current = Raised(section[3].rstrip())
            elif suppressed is None:
                suppressed = indent
        elif suppressed is None:
            if frame := _frame(line):
                current.items.append(frame)
            elif shared := _SHARED.match(line):
                current.items.append(int(shared[1]))
    yield current


def _dotnet_frame(line: str) -> Frame | None:
    text = line.strip()
    function, bracket, rest = text.removeprefix("at ").partition("(")
    if not bracket or not text.startswith("at "):
        return None
    place = _DOTNET_PLACE.fullmatch(rest.rpartition(") in ")[2])
    file, line_of = place.groups() if place else ("", None)  # without symbols
    library = _DOTNET_LIBRARY.match(function) is not None
    return Frame(file, line_number(line_of), function, None, library)


def _tells_dotnet(line: str) -> bool:
    return line.strip() == _DOTNET_END or _DOTNET_PARAMETERS.fullmatch(line) is not None


def _read_dotnet(lines: Iterable[str]) -> Iterator[Raised]:
    """The innermost error first, each with the line that the head of the text has for it."""
    causes: list[str] = []
    found = [Raised()]
    for line in lines:
        if match := _DOTNET_CAUSE.match(line):
            causes.append(match[1].rstrip())
        elif line.strip() == _DOTNET_END:
            found.append(Raised())
        elif frame := _dotnet_frame(line):
            found[-1].items.append(frame)
    for raised, says in zip(found, reversed(causes), strict=False):
        raised.says = says
    yield from found


JAVA = Language("Java", _frame, _read)
DOTNET = Language(".NET", _tells_dotnet, _read_dotnet, lambda raised: raised[::-1])
