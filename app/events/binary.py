"""CloudEvents in binary mode: the attributes are headers (`ce-id`, `ce-type`, …), and the body is the data."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from app.errors import BadInput

PREFIX = b"ce-"
# The attributes of an event; whatever else a client sends as ce-… is an extension, and ignored.
_TELLING = frozenset({b"ce-specversion", b"ce-id", b"ce-type"})
# What may be an event's data. Nothing at all: an event without data.
_JSON = ("application/json", "text/json")


def is_binary(headers: Iterable[tuple[bytes, bytes]], content_type: str) -> bool:
    """Whether a request is an event in binary mode. Names of headers are in lower case, as ASGI has them."""
    if content_type and content_type not in _JSON and not content_type.endswith("+json"):
        return False
    return not content_type.startswith("application/cloudevents") and any(name in _TELLING for name, _ in headers)


def attributes_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The attributes. BadInput for one that is not UTF-8, or given twice."""
    found: dict[str, str] = {}
    for name, value in headers:
        if not name.startswith(PREFIX):
            continue
        header = name.decode("latin-1")
        if header[3:] in found:
            raise BadInput(f"{header}: sent twice")
        try:
            found[header[3:]] = unquote_to_bytes(_unquoted(value.strip())).decode()
        except UnicodeDecodeError:
            raise BadInput(f"{header}: not UTF-8 once its percent signs are decoded") from None
    return found


def _unquoted(value: bytes) -> bytes:
    """A value without the quotes that HTTP allows around it. An id may begin with one, but then does not end in one."""
    if len(value) < 2 or not value.startswith(b'"') or not value.endswith(b'"'):
        return value
    parts = value[1:-1].split(b"\\\\")
    return b"\\".join(part.replace(b"\\", b"") for part in parts)
