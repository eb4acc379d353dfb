"""JSON as text: answers questions about a document that is stored as it was sent, without losing its digits.

Engines send what their JSON library writes, and some write what JSON does not allow: NaN, infinities, escapes of half a
surrogate pair. Such a body is *repaired*: each of these becomes a marker that decoders accept, and whoever finds a
marker decides what becomes of it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator

MAX_DEPTH = 64
# An expression looks through so many bytes in one go: 2 ms. Meanwhile no other thread runs, and the event loop is one.
WINDOW = 128 * 1024

# Possessive quantifiers: a string of eight megabytes must not cost a backtracking stack. The closing quote may be
# missing: looking for it again from every quote of a string that never ends took 11 s for 80 KB.
_STRING = rb'"(?:[^"\\]++|\\.)*+"?'
_STRUCTURE = re.compile(_STRING + rb"|[\[\]{},]", re.DOTALL)
_TOKEN = re.compile(_STRING + rb"|(?:NaN|-?Infinity)(?!\s*:)", re.DOTALL)  # before a colon it stays, and is refused
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair
    rb"|\\u(?P<lone>[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\\.",
    re.DOTALL,
)
_MOST_OF_A_WORD = len("-Infinity") - 1
_SUSPECT = re.compile(rb"NaN|Infinity|\\u[dD][89a-fA-F]")


class Markers:
    """The markers of one repaired body; random, so that nobody can send them."""

    def __init__(self) -> None:
        self._name = secrets.token_hex(8)
        self._token = self._name.encode()
        self._not_a_number = b'"~%b~nan~"' % self._token
        self._any = re.compile(rb'"~%b~nan~"|~%b~(d[0-9a-f]{3})~' % (self._token, self._token), re.IGNORECASE)
        self._any_text = re.compile(rf"~{self._name}~(?:nan|d[0-9a-f]{{3}})~", re.IGNORECASE)

    def put(self, body: bytes) -> bytes:
        """The body with markers for everything that JSON does not allow."""
        whole = last = 0

        def escape(match: re.Match[bytes]) -> bytes:
            lone = match["lone"]
            return match[0] if lone is None else b"~%b~%b~" % (self._token, lone)

        def token(match: re.Match[bytes]) -> bytes:
            nonlocal whole
            text = match[0]
            if text[0] != 0x22:  # not a string, so NaN or an infinity
                return self._not_a_number
            if match.end() == last:
                whole = match.start()
                return b""
            return _ESCAPE.sub(escape, text) if b"\\u" in text else text

        # Up to a comma each, which is within no word. It may be within a string, with which the next piece begins.
        parts, at, size = list[bytes](), 0, WINDOW
        while at < len(body):
            end = len(body) if at + size >= len(body) else body.rfind(b",", at, at + size) + 1
            whole = end - at
            last = whole if end < len(body) else -1
            part = _TOKEN.sub(token, body[at:end])
            if whole > 0:
                parts.append(part)
                at, size = at + whole, WINDOW
            else:
                size *= 2
        return b"".join(parts)

    # The functions below give way to other threads at each marker, as replacing by a text would not.

    def plain(self, raw: bytes) -> bytes:
        """JSON text that everybody can read: null for NaN and infinities, U+FFFD for half a pair."""
        return self._replaced(raw, lambda match: b"null" if match[1] is None else rb"\ufffd")

    def original(self, raw: bytes) -> tuple[bytes, bool]:
        """JSON text as it was sent, and whether it had to change: an escaped half pair stays, NaN is not JSON."""
        found = self._replaced(raw, lambda match: b"null" if match[1] is None else rb"\u" + match[1])
        return found, self._not_a_number in raw

    def text(self, text: str) -> str:
        """A decoded string with U+FFFD in place of markers."""
        return self._any_text.sub(lambda match: "\ufffd", text) if self._name in text else text

    def _replaced(self, raw: bytes, by: Callable[[re.Match[bytes]], bytes]) -> bytes:
        return self._any.sub(by, raw) if self._token in raw else raw


def repair(body: bytes) -> tuple[bytes, Markers | None]:
    """The body, repaired where it has to be."""
    starts = range(0, len(body), WINDOW)
    if not any(_SUSPECT.search(body, start, start + WINDOW + _MOST_OF_A_WORD) for start in starts):
        return body, None
    markers = Markers()
    return markers.put(body), markers


def depth_exceeds(raw: bytes, limit: int = MAX_DEPTH) -> bool:
    """Whether objects and arrays are nested more than `limit` levels deep. The text must be valid JSON."""
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return False
    depth = 0
    for match in _STRUCTURE.finditer(raw):
        first = match[0][0]
        if first in b"[{":
            depth += 1
            if depth > limit:
                return True
        elif first in b"]}":
            depth -= 1
    return False


def split_array(body: bytes) -> Iterator[bytes] | None:
    """The elements of a JSON array as text, without recursion: for arrays with an element too deep to decode."""
    text = body.strip(b" \t\r\n")
    if not (text.startswith(b"[") and text.endswith(b"]")):
        return None
    return _elements(text)


def _elements(text: bytes) -> Iterator[bytes]:
    depth = 0
    start = 1
    for match in _STRUCTURE.finditer(text):
        first = match[0][0]
        if first in b"[{":
            depth += 1
        elif first in b"]}":
            depth -= 1
            if depth == 0:
                last = text[start : match.start()]
                if last.strip():
                    yield last
                if rest := text[match.end() :]:
                    yield rest  # not an event, which must be reported
                return
        elif first == 0x2C and depth == 1:  # a comma of the array itself
            yield text[start : match.start()]
            start = match.end()
    yield text[start:]  # it never closed
