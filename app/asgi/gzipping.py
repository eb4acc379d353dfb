"""Compresses answers for clients that ask for it, beside the loop where that takes long."""

from __future__ import annotations

import asyncio
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

# Smaller ones fit into a packet or two.
MIN_BYTES = 1024
# 130 µs of CPU for a page of 50 runs (22 KiB), which becomes 5.9 KiB; level 6 takes 250 µs for 5.3 KiB.
LEVEL = 1
# Half a millisecond. More is compressed in a thread, which zlib lets run beside the loop.
MAX_BYTES_IN_LOOP = 64 * 1024
# Answers that are compressed or wait for it. Who comes then gets bytes as they are: a thread compresses some 150 MB/s.
MAX_WAITING = 4
# A header that is sent again and again; browsers send 30 characters.
MAX_KEPT = 200
_GZIP = ("gzip", "x-gzip")

_thread: ThreadPoolExecutor | None = None
_waiting = 0


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether a client takes gzip, and not less gladly than what is not compressed. (RFC 9110, section 12.5.3)"""
    return _kept(accept_encoding) if len(accept_encoding) <= MAX_KEPT else _accepts_gzip(accept_encoding)


def _accepts_gzip(accept_encoding: str) -> bool:
    weights: dict[str, float] = {}
    for choice in accept_encoding.lower().split(","):
        coding, *parameters = (part.strip() for part in choice.split(";"))
        weights[coding] = next((_weight(each[2:]) for each in parameters if each.startswith("q=")), 1.0)
    wanted = max((weights[each] for each in _GZIP if each in weights), default=weights.get("*", 0.0))
    return wanted > 0 and wanted >= weights.get("identity", 0.0)


_kept = lru_cache(256)(_accepts_gzip)


async def gzipped(body: bytes) -> bytes | None:
    """The body compressed, a large one while the loop runs on; None while others wait for that."""
    global _thread, _waiting
    if len(body) <= MAX_BYTES_IN_LOOP:
        return _gzipped(body)
    if _waiting >= MAX_WAITING:
        return None
    if _thread is None:
        _thread = ThreadPoolExecutor(1, "gzip")  # one: a core at most for those with large answers
    _waiting += 1
    compressing = asyncio.get_running_loop().run_in_executor(_thread, _gzipped, body)
    compressing.add_done_callback(_done)
    return await asyncio.shield(compressing)


def _done(compressed: asyncio.Future[bytes]) -> None:
    global _waiting
    _waiting -= 1


def _gzipped(body: bytes) -> bytes:
    compress = zlib.compressobj(LEVEL, wbits=31)  # zlib.compress takes 35 µs more for a small one
    return compress.compress(body) + compress.flush()


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
