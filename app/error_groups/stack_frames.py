"""Where an error was raised, read from the text of a stack trace: Python's, JavaScript's and Java's. Pure.

A frame reads "orders.py:place", "json/decoder.py:decode" or "com.acme.Orders:place". It leaves out what differs between
two machines, two builds or two edits of a file: line numbers, folders, addresses, compilers' numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

# Enough to tell two callers of a helper apart, too few to reach the framework below, which changes with each upgrade.
MAX_FRAMES = 5
# A frame is shorter. Anything longer is a line of minified source, or not text.
_MAX_OF_LINE = 1_000

_QUERY = re.compile(r"\?.*|(?<=\.js)#.*")
_LIBRARIES = {"site-packages", "dist-packages", "node_modules"}
# What bundlers put into a file's name: .3f2a9c (webpack), -B4x9kQ2z (Vite). Words have no digit.
_BUILD_HASH = re.compile(
    r"[.-](?:(?=[a-f]*[0-9])[0-9a-f]{6,}|(?=[A-Za-z_]*[0-9])(?=[a-z0-9_]*[A-Z])[A-Za-z0-9_]{8})(?=\.)"
)
_TEMPORARY = re.compile(r"^tmp[a-z0-9_]{8}(?=\.|$)")  # Python's tempfile
_PACKAGE_VERSION = re.compile(r"(?<=.)@\d.*")

_PYTHON_START = "Traceback (most recent call last):"
_PYTHON_FRAME = re.compile(r'File "([^"]*+)", line \d++(?:, in (.++))?')
_PYTHON_NESTED = re.compile(r"\s{3,}+\|")  # the margin of an exception within a group; the group's own has two spaces

_V8_PLACE = re.compile(r"(.*?)(?::\d+){1,2}")
_V8_NO_PLACE = re.compile(r"<anonymous>|native|index \d+")
_V8_BARE = re.compile(r"[^\d\s].*:\d+:\d+")
_V8_ALIAS = re.compile(r" \[as [^\]]*+\]$")
_V8_INTERNAL = "node:internal/"  # differs with each release of Node
_GECKO_FRAME = re.compile(r"\s*+([^@\s]*+(?: code)?+)@(.*/.*|\[native code\])")
_ANONYMOUS = "<anonymous>"

_JAVA_HIDDEN = re.compile(r"/(?:0x[0-9a-fA-F]+|\d+)(?=\.)")  # where a hidden class is: Foo$$Lambda$14/0x0000000800c0
_JAVA_FRAME = re.compile(r"\s*+at (?:[^\s()/]*+/)*+([^\s()/]+)\.([^\s()./]+)\([^()]*+\)(?=\s|$)")
_JAVA_SECTION = re.compile(r"(\s*+)(Caused by|Suppressed): ")
_JAVA_SHARED = re.compile(r"\s*+\.\.\. (\d{1,6}) (?:more|common frames omitted)")
_JAVA_NUMBER = re.compile(r"\$+(?=[a-f]*[0-9])[0-9a-f]+(?=[$.]|$)|(?<=\$Proxy)\d+")
# From its 16th call by reflection on, a method is called through other classes of these.
_JAVA_REFLECTION = ("java.lang.reflect.", "jdk.internal.reflect.", "sun.reflect.", "java.lang.invoke.")


# From either end, where the innermost frames are: 256 KiB of line breaks took 0.2 s.
_MAX_LINES = 1_000


def frames(stack_trace: str) -> tuple[str, ...]:
    """The MAX_FRAMES frames nearest to where the error was raised, the nearest first; empty for an unknown format."""
    every = stack_trace.splitlines()
    if len(every) > 2 * _MAX_LINES:
        every = every[:_MAX_LINES] + every[-_MAX_LINES:]
    lines = (line[:_MAX_OF_LINE] for line in every)
    for line in lines:
        if read := _reader(line):
            return tuple(islice(read(chain((line,), lines)), MAX_FRAMES))
    return ()


def _reader(line: str) -> Callable[[Iterable[str]], Iterator[str]] | None:
    """The reader for a stack trace with this first line in a known format."""
    if _PYTHON_START in line or _PYTHON_FRAME.search(line):
        return _python
    if _java_frame(line):
        return _java
    return _javascript if _javascript_frame(line) else None


def _python(lines: Iterable[str]) -> Iterator[str]:
    """The frames of the last traceback, which is that of the error that came out; of a group, the group's own."""
    last: list[str] = []
    current: list[str] = []
    for line in lines:
        if _PYTHON_NESTED.match(line):
            continue
        if _PYTHON_START in line:
            last, current = current or last, []
        elif match := _PYTHON_FRAME.search(line):
            file, function = _short(match[1]), match[2]
            current.append(f"{file}:{function.strip()}" if function else file)  # a syntax error is in no function
    return _without_repeats(reversed(current or last))


def _javascript(lines: Iterable[str]) -> Iterator[str]:
    """The first block of frames. Those of a cause come after it.

    Leaves out the callers of a recursion: V8 keeps 10 frames, so they are there for some depths and not for others.
    """
    found: list[tuple[str, bool]] = []
    for line in lines:
        if frame := _javascript_frame(line):
            found.append(frame)
        elif found and not line.lstrip().startswith(("at ", "...")):
            break
    own = [name for name, internal in found if not internal] or [name for name, _ in found]
    for before, name in zip([None, *own], own, strict=False):
        if name != before:
            yield name
        elif not name.endswith(_ANONYMOUS):  # functions without a name within each other look like a recursion
            return


def _javascript_frame(line: str) -> tuple[str, bool] | None:
    """A frame, and whether it is Node's own; None if the line is not a frame."""
    text = line.strip().rstrip("{, ")  # how Node shows an error with more properties
    if text.startswith("at "):
        text = text[3:].removeprefix("async ")
        function, _, place = text.partition(" (")
        if not place.endswith(")"):
            function, place = "", text
        place = place.removesuffix(")")
        if place.startswith("eval at "):
            place = place.rpartition(", ")[2]
        if not (_V8_PLACE if function else _V8_BARE).fullmatch(place) and not (
            function and _V8_NO_PLACE.fullmatch(place)
        ):
            return None  # a line of the message that begins with "at"
        function = _V8_ALIAS.sub("", function).removeprefix("Object.").removeprefix("Function.")
    elif (match := _GECKO_FRAME.fullmatch(text)) and (match[2][0] == "[" or _V8_BARE.fullmatch(match[2])):
        function, place = match[1].removeprefix("async*"), match[2]
    else:
        return None
    file = position[1] if (position := _V8_PLACE.fullmatch(place)) else place
    if function and (_V8_NO_PLACE.fullmatch(file) or file == "[native code]"):
        return function, False
    return f"{_short(file)}:{function or _ANONYMOUS}", file.startswith(_V8_INTERNAL)


def _java(lines: Iterable[str]) -> Iterator[str]:
    """The frames of the root cause, the deepest "Caused by".

    "... n more" stands for the last n frames of the error that it caused. We put them in again, so that the frames are
    the same wherever that error was caught.
    """
    enclosing: list[str] = []
    current: list[str] = []
    suppressed: int | None = None  # depth at which the skipped suppressed error begins
    for line in lines:
        if section := _JAVA_SECTION.match(line):
            indent, causes = len(section[1]), section[2] == "Caused by"
            if causes and (suppressed is None or indent < suppressed):
                suppressed = None
                enclosing, current = current or enclosing, []
            elif suppressed is None:
                suppressed = indent
        elif suppressed is None:
            if frame := _java_frame(line):
                current.append(frame)
            elif shared := _JAVA_SHARED.match(line):
                current += enclosing[max(0, len(enclosing) - int(shared[1])) :]
    found = current or enclosing
    return _without_repeats([frame for frame in found if not frame.startswith(_JAVA_REFLECTION)] or found)


def _java_frame(line: str) -> str | None:
    match = _JAVA_FRAME.match(_JAVA_HIDDEN.sub("", line))
    return None if match is None else ":".join(_JAVA_NUMBER.sub("", name) for name in match.groups())


def _short(path: str) -> str:
    """A path without what differs between machines: the file, and for a library's file the folder too."""
    if path.startswith("node:"):
        return path
    path = _QUERY.sub("", path).replace("\\", "/")
    parts = [part for part in path.split("/") if part] or [path]
    library = max((at for at, part in enumerate(parts) if part in _LIBRARIES), default=None)
    kept = parts[-1:] if library is None else parts[library + 1 :][-2:]
    if parts[-1] == "__init__.py":
        kept = parts[-2:]
    kept = [_PACKAGE_VERSION.sub("", part) for part in kept]
    return _TEMPORARY.sub("tmp", _BUILD_HASH.sub("", "/".join(kept)))


def _without_repeats(names: Iterable[str]) -> Iterator[str]:
    """The names, without repetitions in a row: how deep a recursion was does not matter."""
    before = None
    for name in names:
        if name != before:
            yield name
        before = name
