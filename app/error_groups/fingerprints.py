"""What makes two failures the same: the type of the error, its message without variable parts, and its origin.

A stack trace in an unknown format is mostly what a tool wrote to stderr, and its end is chance. So it counts only where
there is no message: the files that it names and its last line, or else its last lines. Where there is neither, the
failures of one step of one workflow are the same. Pure.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import Enum, IntFlag
from itertools import islice

from app.error_groups.file_names import file_name
from app.error_groups.messages import MAX_MESSAGE_CHARACTERS, folded, normalised
from app.error_groups.stack_frames import MAX_FRAMES, frames
from app.error_groups.stack_traces import read_lines

# Raise it with each change that gives failures other fingerprints: they are regrouped (app/ingestion/regrouping.py).
VERSION = 2

# Stack traces whose frames are kept, and their characters: longer ones take long to hash.
_MAX_KNOWN, _MAX_KEPT = 1_000, 64 * 1024
# Of a group that was split by them: whatever is below the innermost ones may tell two causes apart.
_MAX_FINER_FRAMES = 100
_known_frames: dict[bytes, tuple[str, ...]] = {}


# orders.R:12, orders.sh: line 3, orders.m(12), "orders.jl", line 4
_PLACE_IN_FILE = re.compile(
    r"(?<![\w@+.-])([\w@+-]++(?:\.[\w-]++)*?\.[A-Za-z][A-Za-z0-9]{0,4})(?::|\(|[\"']?[:,]? (?:on )?line )\d"
)
# Texts that the system gives in the language of its machine, behind a number that is the same everywhere. The name of
# the error that Java adds is not translated, so that its messages have none.
_SYSTEM_ERROR = re.compile(r"\[(Errno|WinError) (\d{1,6})\] [^:'\"\n]*+")
# Ruby 3.4 says these in other words than the versions before.
_RUBY_WORDING = re.compile(r"(?<= for )nil:NilClass\b|(?<= for )#<([A-Z]\w*+(?>(?:::[A-Z]\w*+)*))[^>]*+>")


class Distinction(IntFlag):
    """What tells failures with one fingerprint apart, where somebody has split their group."""

    MESSAGE = 1
    FRAMES = 2
    WORKFLOW = 4
    STEP = 8


class Basis(Enum):
    """What the failures of a group were found to share, beside the type of their error."""

    FRAMES = "frames"
    MESSAGE = "message"
    FILES = "files"
    LINES = "lines"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What failures of one error group have in common."""

    key: str  # 32 hex digits
    type: str | None
    message: str  # normalised, for people; never empty
    basis: Basis


def fingerprint(
    type_: str | None, message: str | None, stack_trace: str | None, *, workflow: str, failed_step: str | None
) -> Fingerprint:
    """The fingerprint of a failure. Workflow and step count only if neither a message nor a stack trace is known."""
    kind = _or_none(type_)
    text = normalised(message or "")
    where = _frames(stack_trace) if stack_trace else ()
    if text:
        key = _key("message", kind, _untranslated(message or "", text), *where)
        return Fingerprint(key, kind, text, Basis.FRAMES if where else Basis.MESSAGE)
    if where:
        shown = f"No message: {where[0]}"[:MAX_MESSAGE_CHARACTERS]
        return Fingerprint(_key("frames", kind, *where), kind, shown, Basis.FRAMES)
    if lines := _last_lines(stack_trace or ""):
        if files := _files(stack_trace or ""):
            return Fingerprint(_key("files", kind, *files, lines[-1]), kind, lines[-1], Basis.FILES)
        return Fingerprint(_key("lines", kind, *lines), kind, lines[-1], Basis.LINES)
    step = _or_none(failed_step)
    place = f"No message: {workflow}" if step is None else f"No message: {step} of {workflow}"
    return Fingerprint(_key("place", kind, workflow, step), kind, place[:MAX_MESSAGE_CHARACTERS], Basis.PLACE)


def finer(
    key: str,
    kinds: Distinction,
    message: str | None,
    stack_trace: str | None,
    *,
    workflow: str,
    failed_step: str | None,
) -> str:
    """A fingerprint that tells failures with the fingerprint `key` apart by what is named."""
    parts = [key, str(int(kinds))]
    if Distinction.MESSAGE in kinds:
        parts.append(folded(message or ""))
    if Distinction.FRAMES in kinds:
        trace = stack_trace or ""
        parts.append(_key(*(frames(trace, _MAX_FINER_FRAMES) or _last_lines(trace))))
    if Distinction.WORKFLOW in kinds:
        parts.append(workflow)
    if Distinction.STEP in kinds:
        parts.append(_key(_or_none(failed_step)))
    return _key("part", *parts)


def _untranslated(message: str, text: str) -> str:
    """The normalised message without what differs between two languages or releases of a runtime."""
    if "rror " in message and _SYSTEM_ERROR.search(message):
        # Numbers of errors say what went wrong, unlike most. In letters, because numbers get a placeholder.
        return normalised(_SYSTEM_ERROR.sub(lambda found: f"{found[1]}-{_letters(found[2])}", message))
    if "sub-exception" in text:
        return text.replace("sub-exceptions", "sub-exception")
    if " for #<" in message or " for nil:" in message:
        return normalised(_RUBY_WORDING.sub(lambda found: f"an instance of {found[1]}" if found[1] else "nil", message))
    return text


def _letters(digits: str) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in digits)


def _frames(stack_trace: str) -> tuple[str, ...]:
    """The frames of a stack trace. What fails once fails again: those of traces read lately are known."""
    if len(stack_trace) > _MAX_KEPT:
        return frames(stack_trace)
    # By hash: traces may have secrets that are masked later.
    digest = hashlib.blake2b(stack_trace.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    found = _known_frames.get(digest)
    if found is None:
        if len(_known_frames) >= _MAX_KNOWN:
            _known_frames.clear()
        found = _known_frames[digest] = frames(stack_trace)
    return found


def _files(text: str) -> tuple[str, ...]:
    """The files that lines near the end name with a number of a line, in order, each once."""
    found: dict[str, None] = {}
    for line in reversed(read_lines(text)):
        for match in _PLACE_IN_FILE.finditer(line):
            found[file_name(match[1])] = None
        if len(found) >= MAX_FRAMES:
            break
    return tuple(islice(found, MAX_FRAMES))


def _last_lines(text: str) -> tuple[str, ...]:
    """The last lines that are not empty, normalised, in order."""
    lines = (normalised(line) for line in reversed(text.splitlines()) if line.strip())
    return tuple(islice(filter(None, lines), MAX_FRAMES))[::-1]


def _or_none(text: str | None) -> str | None:
    return (text or "").strip() or None


def _key(*parts: str | None) -> str:
    """A hash that depends on where each part ends and whether it is there."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        # Half a surrogate pair cannot get here through the door, and must not make us lose a failure.
        data = b"" if part is None else part.encode("utf-8", "surrogatepass")
        digest.update(b"-" if part is None else b"%d:%b" % (len(data), data))
    return digest.hexdigest()
