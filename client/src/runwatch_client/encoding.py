"""JSON text of any value of a job: fast for plain JSON, and never an exception."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from json.encoder import encode_basestring
from pathlib import PurePath
from typing import Any
from uuid import UUID

# The server itself replaces payloads above 256 KiB and notes their true size. We do not even send much larger ones.
MAX_PAYLOAD = 512 * 1024
MAX_REPR = 1_000  # characters
# The server accepts 64 levels in an event's data. The payload is at most 4 levels deep in it.
MAX_DEPTH = 58

_SURROGATE = re.compile("[\ud800-\udfff]")
_NAN = float("nan")


def text_of(value: Any) -> str:
    """The JSON text of `value`. Converts other values, or replaces them with their repr. NaN becomes null."""
    return _bounded(value, _plain, faithful=False)


def trigger_text_of(value: Any) -> str:
    """The same for trigger data. A NaN marks each place where something is lost.

    The server turns a NaN into null and marks the trigger data as incomplete, so that nobody is offered a retry with
    different data.
    """
    return _bounded(value, _faithful, faithful=True)


def quote(text: str) -> str:
    """A JSON string."""
    return encode_basestring(text)


def to_bytes(text: str) -> bytes:
    """UTF-8. Half a surrogate pair, which UTF-8 cannot encode, becomes an escape."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text).encode()


def _bounded(value: Any, encode: Callable[[Any], str], *, faithful: bool) -> str:
    try:
        text = encode(value)
        if text.count("[") + text.count("{") > MAX_DEPTH and _depth(value, MAX_DEPTH) < 0:
            text = encode(_reduced(value, MAX_DEPTH, faithful))
    except Exception:  # NaN, a cycle, keys that are not strings, a __getattr__ that raises
        text = _second_try(value, encode, faithful)
    if len(text) > MAX_PAYLOAD:
        cut = {"truncated": True, "bytes": len(to_bytes(text)), "start": text[: MAX_PAYLOAD // 8]}
        return encode(cut | {"lost": _NAN} if faithful else cut)
    return text


def _second_try(value: Any, encode: Callable[[Any], str], faithful: bool) -> str:
    try:
        return encode(_reduced(value, MAX_DEPTH, faithful))
    except Exception:
        return encode(_lost(value, faithful))


def _depth(value: Any, left: int) -> int:
    """How many levels are left below `value`; negative if it is too deep."""
    if left < 0:
        return left
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return min((_depth(each, left - 1) for each in inner), default=left)


def _reduced(value: Any, left: int, faithful: bool) -> Any:
    """`value` as plain JSON of at most `left` levels."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if faithful or abs(value) < float("inf") else None
    if left <= 0:
        return _lost(value, faithful)
    if isinstance(value, Mapping):
        keys = {key: _key(key) for key in value}
        plain: dict[str, Any] = {
            keys[key] or _repr(key): _reduced(inner, left - 1, faithful) for key, inner in value.items()
        }
        return plain | {"lost": _NAN} if faithful and None in keys.values() else plain
    if isinstance(value, list | tuple | set | frozenset | deque):
        return [_reduced(inner, left - 1, faithful) for inner in value]
    converted = _convert(value)
    return _lost(value, faithful) if converted is _UNKNOWN else _reduced(converted, left - 1, faithful)


def _key(key: Any) -> str | None:
    """The key as JSON writes it; None where that would lose information."""
    if key is None or isinstance(key, bool):
        return _plain(key)
    converted = key if isinstance(key, str) else _convert(key)
    return str(converted) if isinstance(converted, str | int | float) else None


_UNKNOWN = object()


def _convert(value: Any) -> Any:
    """An equivalent that is closer to JSON, or _UNKNOWN."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal | PurePath):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, set | frozenset | deque):
        return list(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode(errors="backslashreplace")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    return value if isinstance(value, int | float) else _UNKNOWN


def _lost(value: Any, faithful: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"repr": _repr(value)}
    return shown | {"lost": _NAN} if faithful else shown


def _repr(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= MAX_REPR else text[:MAX_REPR] + "…"


def _default(faithful: bool) -> Callable[[Any], Any]:
    def default(value: Any) -> Any:
        converted = _convert(value)
        return _lost(value, faithful) if converted is _UNKNOWN else converted

    return default


# Not ASCII: a Cyrillic letter takes 2 bytes, its escape 6.
_options: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":")}
_plain = json.JSONEncoder(allow_nan=False, default=_default(False), **_options).encode
_faithful = json.JSONEncoder(allow_nan=True, default=_default(True), **_options).encode
