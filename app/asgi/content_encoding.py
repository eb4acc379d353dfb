"""Undoes the Content-Encoding of a request's body while it arrives, up to a bound on what comes out."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator

from app.errors import BadInput, LimitExceeded, UnsupportedEncoding

GZIP = frozenset({"gzip", "x-gzip"})  # RFC 9110 wants both understood
# zlib's word for "with the header and the checksum of gzip".
_GZIP_FORMAT = 31
# Of what was broken it does not say how much it made: deflate makes at most so many bytes of one.
MAX_RATIO = 1032
# So much is made in one go: it takes a millisecond.
STEP = 512 * 1024


class Plain:
    """A body that is sent as it is."""

    made = 0  # bytes so far, with those of what was refused

    def feed(self, chunk: bytes, room: int) -> Iterable[bytes]:
        """What a chunk stands for, in parts of up to STEP. LimitExceeded when it is longer than `room` bytes."""
        self.made += len(chunk)
        return (chunk,)

    def end(self) -> None:
        """BadInput when the body ended too early."""


class Gzip(Plain):
    """A body in gzip: of one member or several, each checked."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_FORMAT)
        self._begun = False

    def feed(self, chunk: bytes, room: int) -> Iterator[bytes]:
        """See Plain. It never makes more than one byte beyond `room`, however well the chunk was compressed."""
        full = False
        while chunk or full:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP_FORMAT)
            self._begun = True
            try:
                part = self._member.decompress(chunk, min(room + 1, STEP))
            except zlib.error:
                self.made += min(len(chunk) * MAX_RATIO, room)
                raise BadInput("The body is not gzip, which its Content-Encoding names") from None
            self.made += len(part)
            if len(part) > room:
                raise LimitExceeded("The body is longer than allowed once it is decompressed")
            room -= len(part)
            yield part
            chunk = self._member.unconsumed_tail or self._member.unused_data
            # All of it may have been taken, and not all of what it stands for been given.
            full = len(part) == STEP and not self._member.eof

    def end(self) -> None:
        """See Plain."""
        if self._begun and not self._member.eof:
            raise BadInput("The gzip of the body is not complete")


def decoder_of(encodings: Collection[str]) -> Plain:
    """What undoes the values of Content-Encoding. UnsupportedEncoding for others than gzip, or several."""
    if not encodings:
        return Plain()
    named = [part.strip().lower() for value in encodings for part in value.split(",")]
    applied = [name for name in named if name not in ("", "identity")]
    if not applied:
        return Plain()
    if len(applied) > 1 or applied[0] not in GZIP:
        raise UnsupportedEncoding(f"Content-Encoding: send gzip or none, not {', '.join(applied)[:80]!r}")
    return Gzip()
