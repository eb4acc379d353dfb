"""Stack traces of Java and other languages of its machine, and those of .NET, whose frames look alike.

Java's begin with the error that came out. .NET's begin with the innermost one, but for the errors' lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from app.error_groups.stack_traces.frame import Frame, Language, Raised, line_number

_HIDDEN = re.compile(r"/(?:0x[0-9a-fA-F]+|\d+)(?=\.)")  # where a hidden class is: Foo$$Lambda$14/0x0000000800c0
_FRAME = re.compile(r"\s*+at ((?>(?:[^\s()/]*+/)*))([^\s()/]+\.[^\s()./]+)\(([^()]*+)\)(?=\s|$)")
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
    r"(?>(?:[^\s(),]++ [^\s(),]++(?>(?:, [^\s(),]++ [^\s(),]++)*))?)\)(?: in .*)?"
)
# Of Mono: at A.B (System.String c) [0x00001] in <3f2a9c1d>:0
_MONO = re.compile(r"\s*+at \S[^(]*+\([^()]*+(?>(?:\([^()]*+\)[^()]*+)*)\) \[0x[0-9a-f]++\] in .*")
# .NET speaks the language of its machine: bei A.B(String c) in C:\a.cs:Zeile 12.
_DOTNET_TRANSLATED = re.compile(
    r"\s{3}(?!at )([^\W\d]{1,4}) ((?=[^\s(]*\.)[\w<][^\s(]++\([^()]*+\)(?: \S{1,4} .*:\S{1,9} \d++\.?)?)\s*+"
)
_DOTNET_PLACE = re.compile(r"(.+):(?:\S{1,9} )?(\d++)\.?\s*+")
_DOTNET_IN = re.compile(r"\)(?: \[0x[0-9a-f]++\])? \S{1,4} (?=\S)")
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
    if match := _DOTNET_TRANSLATED.fullmatch(line):
        text = f"at {match[2]}"
    function, bracket, rest = text.removeprefix("at ").partition("(")
    if not bracket or not text.startswith("at "):
        return None
    place = _DOTNET_PLACE.fullmatch(_DOTNET_IN.split(rest, maxsplit=1)[-1])
    file, line_of = place.groups() if place else ("", None)  # without symbols
    if file.startswith("<"):  # which build it is of
        file, line_of = "", None
    library = _DOTNET_LIBRARY.match(function) is not None
    return Frame(file, line_number(line_of), function.rstrip(), None, library)


def _tells_dotnet(line: str) -> bool:
    return line.strip() == _DOTNET_END or any(
        form.fullmatch(line) for form in (_DOTNET_PARAMETERS, _MONO, _DOTNET_TRANSLATED)
    )


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


# Anything else that tells .NET looks like Java's at first. The words are those of its translations.
_DOTNET_HINTS = (
    *(") in ", ") dans ", ") [0x", _DOTNET_END),
    *("   bei ", "   à ", "   en ", "   em ", "   in ", "   w ", "   v ", "   в ", "   場所 ", "   在 "),
)
JAVA = Language("Java", _frame, _read, hints=("at ",))
DOTNET = Language(".NET", _tells_dotnet, _read_dotnet, lambda raised: raised[::-1], _DOTNET_HINTS)
