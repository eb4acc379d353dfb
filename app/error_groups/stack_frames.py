"""Where an error was raised, as fingerprints know it: of Python's, JavaScript's and Java's stack traces. Pure.

A frame reads "orders.py:place", "json/decoder.py:decode" or "com.acme.Orders:place". It leaves out what differs between
two machines, two builds or two edits of a file: line numbers, folders, addresses, compilers' numbers.

Other languages have none: frames that are read anew would take failures out of their error groups.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from app.error_groups.stack_traces import JAVA, JAVASCRIPT, PYTHON, Frame, Raised, read_lines
from app.error_groups.stack_traces.javascript import INTERNAL, NO_PLACE

# Enough to tell two callers of a helper apart, too few to reach the framework below, which changes with each upgrade.
MAX_FRAMES = 5

_QUERY = re.compile(r"\?.*|(?<=\.js)#.*")
_LIBRARIES = {"site-packages", "dist-packages", "node_modules"}
# What bundlers put into a file's name: .3f2a9c (webpack), -B4x9kQ2z (Vite). Words have no digit.
_BUILD_HASH = re.compile(
    r"[.-](?:(?=[a-f]*[0-9])[0-9a-f]{6,}|(?=[A-Za-z_]*[0-9])(?=[a-z0-9_]*[A-Z])[A-Za-z0-9_]{8})(?=\.)"
)
_TEMPORARY = re.compile(r"^tmp[a-z0-9_]{8}(?=\.|$)")  # Python's tempfile
_PACKAGE_VERSION = re.compile(r"(?<=.)@\d.*")
_ANONYMOUS = "<anonymous>"

_JAVA_NUMBER = re.compile(r"\$+(?=[a-f]*[0-9])[0-9a-f]+(?=[$.]|$)|(?<=\$Proxy)\d+")
# From its 16th call by reflection on, a method is called through other classes of these.
_JAVA_REFLECTION = ("java.lang.reflect.", "jdk.internal.reflect.", "sun.reflect.", "java.lang.invoke.")


def frames(stack_trace: str) -> tuple[str, ...]:
    """The MAX_FRAMES frames nearest to where the error was raised, the nearest first; empty for an unknown format."""
    lines = read_lines(stack_trace)
    for place, line in enumerate(lines):
        for language, names in _NAMES.items():
            if language.tells(line):
                return tuple(islice(names(language.read(lines[place:])), MAX_FRAMES))
    return ()


def _python(raised: Iterable[Raised]) -> Iterator[str]:
    """The frames of the last traceback, which is that of the error that came out; of a group, the group's own."""
    last: Sequence[Frame] = ()
    for each in raised:
        last = each.frames or last
    return _without_repeats(map(_python_name, last[::-1]))


def _python_name(frame: Frame) -> str:
    file = _short(frame.file)
    return file if frame.function is None else f"{file}:{frame.function}"


def _javascript(raised: Iterable[Raised]) -> Iterator[str]:
    """The first block of frames. Those of a cause come after it.

    Leaves out the callers of a recursion: V8 keeps 10 frames, so they are there for some depths and not for others.
    """
    first = next(iter(raised), Raised()).frames
    own = [frame for frame in first if not frame.file.startswith(INTERNAL)] or first
    before = None
    for name in map(_javascript_name, own):
        if name != before:
            yield name
        elif not name.endswith(_ANONYMOUS):  # functions without a name within each other look like a recursion
            return
        before = name


def _javascript_name(frame: Frame) -> str:
    if frame.function and NO_PLACE.fullmatch(frame.file):
        return frame.function
    return f"{_short(frame.file)}:{frame.function or _ANONYMOUS}"


def _java(raised: Iterable[Raised]) -> Iterator[str]:
    """The frames of the root cause, the deepest "Caused by".

    "... n more" stands for the last n frames of the error that it caused. We put them in again, so that the frames are
    the same wherever that error was caught.
    """
    enclosing: list[str] = []
    current: list[str] = []
    for each in raised:
        enclosing, current = current or enclosing, []
        for item in each.items:
            if isinstance(item, Frame):
                current.append(_java_name(item))
            else:
                current += enclosing[max(0, len(enclosing) - item) :]
    found = current or enclosing
    return _without_repeats([name for name in found if not name.startswith(_JAVA_REFLECTION)] or found)


def _java_name(frame: Frame) -> str:
    class_, _, method = (frame.function or "").rpartition(".")
    return ":".join(_JAVA_NUMBER.sub("", name) for name in (class_, method))


# In the order in which they are tried on a line. Frames of .NET that look like Java's have always been read as these.
_NAMES = {PYTHON: _python, JAVA: _java, JAVASCRIPT: _javascript}


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
