"""Results for many sockets: serialised once, and framed once for all that use the same operation id."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import orjson


class Payload:
    """The JSON of a result, or of several that are sent together."""

    __slots__ = ("_frames", "_head", "_results")

    def __init__(self, *results: bytes) -> None:
        self._results = results
        self._head = b""
        self._frames = b""

    @classmethod
    def of(cls, payloads: Iterable[Payload]) -> Payload:
        """Several as one."""
        given = tuple(payloads)
        return given[0] if len(given) == 1 else cls(*(result for each in given for result in each._results))

    def __len__(self) -> int:
        """Bytes, without frames."""
        return sum(map(len, self._results))

    def messages(self, head: bytes) -> list[bytes]:
        """The `next` messages, which begin with a head."""
        return [b"%b%b}" % (head, result) for result in self._results]

    def frames(self, head: bytes) -> bytes:
        """The messages as unmasked text frames of RFC 6455. Caches the last ones: ids are often alike."""
        if head != self._head:
            self._frames = b"".join(_framed(message) for message in self.messages(head))
            self._head = head
        return self._frames


def head_of(id_: str) -> bytes:
    """The beginning of a `next` message for an operation."""
    return b'{"id":%b,"type":"next","payload":' % orjson.dumps(id_)


def _framed(message: bytes) -> bytes:
    size = len(message)
    if size < 126:
        return b"\x81%c%b" % (size, message)
    if size < 65536:
        return b"\x81\x7e%b%b" % (struct.pack("!H", size), message)
    return b"\x81\x7f%b%b" % (struct.pack("!Q", size), message)
