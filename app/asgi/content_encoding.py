"""Undoes the Content-Encoding of a request's body while it arrives, up to a bound on what comes out."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from app.errors import BadInput, LimitExceeded, UnsupportedEncoding

GZIP = frozenset({"gzip", "x-gzip"})  # RFC 9110 wants both understood
# zlib's word for "with the header and the checksum of gzip".
_GZIP_FORMAT = 31
# Of what was broken it does not say how much it made: deflate makes at most so many bytes of one.
MAX_RATIO = 1032


class Plain:
    """A body that is sent as it is."""

    made = 0  # bytes so far, with those of what was refused

    def feed(self, chunk: bytes, room: int) -> bytes:
        """What a chunk stands for. LimitExceeded when it is longer than `room` bytes."""
        self.made += len(chunk)
        return chunk

    def end(self) -> None:
        """BadInput when the body ended too early."""


class Gzip(Plain):
    """A body in gzip: of one member or several, each checked."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_FORMAT)
        self._begun = False

    def feed(self, chunk: bytes, room: int) -> bytes:
        """See Plain. It never makes more than one byte beyond `room`, however well the chunk was compressed."""
        parts: list[bytes] = []
        while chunk:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP_FORMAT)
            self._begun = True
            try:
                part = self._member.decompress(chunk, room + 1)
            except zlib.error:
                self.made += min(len(chunk) * MAX_RATIO, room)
                raise BadInput("The body is not gzip, which its Content-Encoding names") from None
            self.made += len(part)
            if len(part) > room:
                raise LimitExceeded("The body is longer than allowed once it is decompressed")
            room -= len(part)
            parts.append(part)
            # With room left, decompress leaves nothing but what follows the member.
            chunk = self._member.unused_data
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def end(self) -> None:
        """See Plain."""
        if self._begun and not self._member.eof:
            raise BadInput("The gzip of the body is not complete")


def decoder_of(encodings: Iterable[str]) -> Plain:
    """What undoes the values of Content-Encoding. UnsupportedEncoding for others than gzip, or several."""
    named = [name for value in encodings for part in value.split(",") if (name := part.strip().lower())]
    applied = [name for name in named if name != "identity"]
    if not applied:
        return Plain()
    if len(applied) > 1 or applied[0] not in GZIP:
        raise UnsupportedEncoding(f"Content-Encoding: send gzip or none, not {', '.join(applied)[:80]!r}")
    return Gzip()
