"""Where an error was raised, as fingerprints know it. Pure.

A frame reads "orders.py:place", "json/decoder.py:decode" or "com.acme.Orders:place". It leaves out what differs between
two machines, two builds or two edits of a file: line numbers, folders, addresses, compilers' numbers.

Where an error has causes, the frames are those of the deepest one; in Python those of the error that came out, which
are the same wherever it was caught, and of an exception group those of its leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from app.error_groups.file_names import file_name, is_bundle
from app.error_groups.frame_names import NAMES, without_repeats
from app.error_groups.python_groups import leaves
from app.error_groups.stack_traces import (
    JAVA,
    JAVASCRIPT,
    PYTHON,
    RICH,
    Frame,
    Language,
    Raised,
    first_told,
    read_lines,
    told,
)
from app.error_groups.stack_traces.javascript import INTERNAL, NO_PLACE

# Enough to tell two callers of a helper apart, too few to reach the framework below, which changes with each upgrade.
MAX_FRAMES = 5

_ANONYMOUS = "<anonymous>"

_JAVA_NUMBER = re.compile(r"(?<!\$)\$++(?=[a-f]*[0-9])[0-9a-f]++(?=[$.]|$)|(?<=\$Proxy)\d+")
# From its 16th call by reflection on, a method is called through other classes of these.
_JAVA_REFLECTION = ("java.lang.reflect.", "jdk.internal.reflect.", "sun.reflect.", "java.lang.invoke.")


def frames(stack_trace: str, most: int = MAX_FRAMES) -> tuple[str, ...]:
    """The `most` frames nearest to where the error was raised, the nearest first; empty for an unknown format."""
    lines = read_lines(stack_trace)
    language = first_told(lines)
    if language is None:
        return ()
    if found := _frames_of(language, lines, most):
        return found
    others = (other for other in told(lines) if other is not language)
    return next(filter(None, (_frames_of(other, lines, most) for other in others)), ())


def _frames_of(language: Language, lines: Sequence[str], most: int) -> tuple[str, ...]:
    if language is PYTHON and (found := leaves(lines)):
        return tuple(islice(_python_leaves(found), most))
    return tuple(islice(_NAMES[language](language.read(lines)), most))


def _python(raised: Iterable[Raised]) -> Iterator[str]:
    """The frames of the last traceback, which is that of the error that came out."""
    last: Sequence[Frame] = ()
    for each in raised:
        last = each.frames or last
    return without_repeats(map(_python_name, last[::-1]))


def _python_leaves(found: Sequence[tuple[str, list[Raised]]]) -> Iterator[str]:
    """The types and frames of the leaves: of one all frames, of several the nearest. How many fail alike is chance."""
    if len({type_ for type_, _ in found}) == 1 and len({tuple(_python(raised)) for _, raised in found}) == 1:
        type_, raised = found[0]
        yield type_
        yield from _python(raised)
    else:
        yield from sorted({" in ".join((type_, *islice(_python(raised), 2))) for type_, raised in found})


def _python_name(frame: Frame) -> str:
    file = file_name(frame.file)
    return file if frame.function is None else f"{file}:{frame.function}"


def _javascript(raised: Iterable[Raised]) -> Iterator[str]:
    """The last block of frames: that of the deepest cause, where the text has causes.

    Leaves out the callers of a recursion: V8 keeps 10 frames, so they are there for some depths and not for others.
    """
    deepest: Sequence[Frame] = ()
    for each in raised:
        if not deepest or (each.caused and each.frames):
            deepest = each.frames or deepest
    own = [frame for frame in deepest if not frame.file.startswith(INTERNAL)] or deepest
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
    function = frame.function or ""
    if is_bundle(frame.file):  # names of one or two letters are the minifier's, and new with each build
        function = ".".join(part for part in function.split(".") if len(part) > 2)
    return f"{file_name(frame.file)}:{function or _ANONYMOUS}"


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
    return without_repeats([name for name in found if not name.startswith(_JAVA_REFLECTION)] or found)


def _java_name(frame: Frame) -> str:
    class_, _, method = (frame.function or "").rpartition(".")
    return ":".join(_JAVA_NUMBER.sub("", name) for name in (class_, method))


_NAMES = {PYTHON: _python, RICH: _python, JAVA: _java, JAVASCRIPT: _javascript, **NAMES}
