"""JSON as text: answers questions about a document that is stored as it was sent, without losing its digits.

Engines send what their JSON library writes, and some write what JSON does not allow: NaN, infinities, escapes of half a
surrogate pair. Such a body is *repaired*: each of these becomes a marker that decoders accept, and whoever finds a
marker decides what becomes of it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

MAX_DEPTH = 64

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
_SUSPECT = re.compile(rb"NaN|Infinity|\\u[dD][89a-fA-F]")


class Markers:
    """The markers of one repaired body; random, so that nobody can send them."""

    def __init__(self) -> None:
        self._token = secrets.token_hex(8).encode()
        self._not_a_number = b'"~%b~nan~"' % self._token
        self._lone = re.compile(rb"~%b~(d[0-9a-f]{3})~" % self._token, re.IGNORECASE)
        self._any_text = re.compile(rf"~{self._token.decode()}~(?:nan|d[0-9a-f]{{3}})~", re.IGNORECASE)

    def put(self, body: bytes) -> bytes:
        """The body with markers for everything that JSON does not allow."""

        def escape(match: re.Match[bytes]) -> bytes:
            lone = match["lone"]
            return match[0] if lone is None else b"~%b~%b~" % (self._token, lone)

        def token(match: re.Match[bytes]) -> bytes:
            text = match[0]
            if text[0] != 0x22:  # not a string, so NaN or an infinity
                return self._not_a_number
            return _ESCAPE.sub(escape, text) if b"\\u" in text else text

        return _TOKEN.sub(token, body)

    def plain(self, raw: bytes) -> bytes:
        """JSON text that everybody can read: null for NaN and infinities, U+FFFD for half a pair."""
        return self._lone.sub(rb"\\ufffd", raw.replace(self._not_a_number, b"null"))

    def original(self, raw: bytes) -> tuple[bytes, bool]:
        """JSON text as it was sent, and whether it had to change: an escaped half pair stays, NaN is not JSON."""
        return self._lone.sub(rb"\\u\1", raw.replace(self._not_a_number, b"null")), self._not_a_number in raw

    def text(self, text: str) -> str:
        """A decoded string with U+FFFD in place of markers."""
        return self._any_text.sub("\ufffd", text)


def repair(body: bytes) -> tuple[bytes, Markers | None]:
    """The body, repaired where it has to be."""
    if _SUSPECT.search(body) is None:
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
