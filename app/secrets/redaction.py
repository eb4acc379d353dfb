"""Finds the secrets in a JSON text: values below keys with telling names, at any depth. Pure.

The text stays text: everything else keeps its digits, its spaces and the order of its keys, and putting the secrets
back gives what the engine sent, to the byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

MASK = "•••"
DEFAULT_SEALED_KEYS = (
    "password,passwd,secret,token,apikey,accesskey,privatekey,authorization,cookie,credential,connectionstring"
)

_QUOTED_MASK = f'"{MASK}"'
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# Always take a string whole, key or not: otherwise each of its quotes would start a search for a key.
_KEYS = re.compile(rf"({_STRING})(\s*:)?", re.DOTALL)
# An expression keeps all other threads waiting, the event loop's too: it looks at so many strings at a time, in 2 ms.
# All those of 8 MiB took 400; one string of 8 MiB takes 60.
_SOME = re.compile(rf"(?>(?:[^\"]*+{_STRING}(?:\s*:)?){{1,4000}})", re.DOTALL)
LONG = 64 * 1024
_TOKENS = re.compile(rf"(?P<string>{_STRING})(?P<colon>\s*:\s*)?|[\[\]{{}},]", re.DOTALL)
_SURROGATES = re.compile("[\ud800-\udfff]")

# bytes.translate: lower case, and only letters and digits; 256 KiB take 0.2 ms.
_LOWER = bytes(range(256)).lower()
_NO_LETTER_OR_DIGIT = bytes(byte for byte in range(256) if not (byte < 128 and chr(byte).isalnum()))


# How many paths to keep, and their characters in all: a long key above many secrets would be repeated for each.
MAX_PATHS = 1_000
MAX_PATH_CHARACTERS = 64 * 1024


class Redacted(msgspec.Struct, frozen=True, gc=False):
    """A JSON text without its secrets."""

    text: str  # with MASK, as a string, in place of each secret value
    parts: tuple[tuple[int, str], ...]  # where in `text` a mask stands, and the JSON that it stands for; ascending
    paths: tuple[str, ...]  # JSON Pointers (RFC 6901) to the masked values, in the order of the text; the first ones
    values: frozenset[str]  # every string within the secret values


class SealedKeys:
    """The rule: a key whose name, in lower case and reduced to letters and digits, ends in one of these."""

    def __init__(self, endings: Iterable[str]) -> None:
        self._endings = tuple(dict.fromkeys(filter(None, map(_squeezed, endings))))
        self._anywhere = re.compile("|".join(map(re.escape, self._endings)).encode() or rb"(?!)")
        # Squeezed bytes can only be searched for ASCII endings.
        self._quick = all(map(str.isascii, self._endings))

    def seals(self, key: str) -> bool:
        """Whether the values below a key with this name are secrets."""
        return _squeezed(key).endswith(self._endings) if self._endings else False

    def redact(self, text: str) -> Redacted | None:
        """The valid JSON text `text` without its secrets; None if it has none."""
        if self._cannot_have(text):
            return None
        if not any(self.seals(_decoded(key)) for key in _keys_in(text)):
            return None
        pieces: list[str] = []
        parts: list[tuple[int, str]] = []
        paths: list[str] = []
        values: set[str] = set()
        written = copied = 0
        for start, end, path in self._spans(text):
            pieces += (text[copied:start], _QUOTED_MASK)
            written += start - copied
            parts.append((written, text[start:end]))
            if path and len(paths) < MAX_PATHS:
                paths.append(path)
            values.update(strings_of(text[start:end]))
            written += len(_QUOTED_MASK)
            copied = end
        pieces.append(text[copied:])
        return Redacted("".join(pieces), tuple(parts), tuple(dict.fromkeys(paths)), frozenset(values))

    def _cannot_have(self, text: str) -> bool:
        """A quick no for most texts, 1 µs for 100 bytes: no ending occurs, not even across the gaps between words.

        Not where characters may be spelt as escapes or have an ASCII letter as their lower case (the Kelvin sign).
        """
        if not self._quick or "\\" in text or not text.isascii():
            return False
        squeezed = text.encode().translate(_LOWER, _NO_LETTER_OR_DIGIT)
        return self._anywhere.search(squeezed) is None

    def _spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and JSON Pointer ("" if there is no room for it) of each outermost secret value."""
        path: list[str | int] = []  # a key or an index for each open object or array
        sealed_from: tuple[int, int, str] | None = None  # start, depth, path of the value that is being passed over
        room = MAX_PATH_CHARACTERS
        for match in _TOKENS.finditer(text):
            if match["string"] is not None:
                if sealed_from is None and match["colon"] is not None:
                    name = _decoded(match["string"])
                    path[-1] = name
                    if self.seals(name):
                        room -= sum(len(str(part)) + 1 for part in path)
                        sealed_from = (match.end(), len(path), _pointer(path) if room >= 0 else "")
                continue
            mark = match[0]
            if mark in "{[":
                path.append(0 if mark == "[" else "")
            elif mark in "}],":
                if sealed_from is not None and len(path) == sealed_from[1]:
                    start = sealed_from[0]
                    yield start, start + len(text[start : match.start()].rstrip()), sealed_from[2]
                    sealed_from = None
                if mark != ",":
                    path.pop()
                elif isinstance(path[-1], int):
                    path[-1] += 1


def _keys_in(text: str) -> set[str]:
    """The keys of a JSON text, as they are spelt there."""
    if len(text) <= LONG:
        return {key for key, colon in _KEYS.findall(text) if colon}
    found, at = set[str](), 0
    while (some := _SOME.match(text, at)) is not None:
        found.update(key for key, colon in _KEYS.findall(text, at, some.end()) if colon)
        at = some.end()
    return found


def restored(text: str, parts: Sequence[tuple[int, str]]) -> str:
    """The original JSON text of `Redacted(text, parts)`."""
    pieces: list[str] = []
    copied = 0
    for start, original in parts:
        pieces += (text[copied:start], original)
        copied = start + len(_QUOTED_MASK)
    pieces.append(text[copied:])
    return "".join(pieces)


def strings_of(text: str) -> Iterator[str]:
    """The strings among the values of a JSON text, as stored texts would have them: no NUL, no half surrogate pair."""
    for match in _TOKENS.finditer(text):
        if match["string"] is not None and match["colon"] is None:
            yield _SURROGATES.sub("\ufffd", _decoded(match["string"])).replace("\0", "\ufffd")


def _pointer(path: Sequence[str | int]) -> str:
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return _SURROGATES.sub("\ufffd", "".join(f"/{part}" for part in parts))


def _decoded(quoted: str) -> str:
    if "\\" not in quoted:
        return quoted[1:-1]
    # Not a faster decoder: this one accepts half surrogate pairs, which trigger data may have.
    decoded: str = json.loads(quoted, strict=False)
    return decoded


def _squeezed(name: str) -> str:
    lower = name.lower()
    return lower if lower.isalnum() else "".join(filter(str.isalnum, lower))
