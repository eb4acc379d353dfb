"""Arguments of tasks as JSON in Celery's own notation, so that a retry receives what the original received."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kombu.utils import json as kombu_json

from runwatch_client.celery.signing import VARIABLE
from runwatch_client.encoding import MAX_DEPTH, MAX_PAYLOAD, trigger_text_of

_WHY = "The message was not sent as JSON, which cannot hold its arguments: a retry would have others, since {}"
NO_KEY = _WHY.format(f"no process of the engine has signed the message itself ({VARIABLE})")
TOO_LARGE = _WHY.format("the message itself is too large to be kept")

# One encoder for all: to make it takes as long as to use it.
_encode: Callable[[Any], str] = kombu_json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def trigger_of(data: dict[str, Any]) -> str:
    """JSON text. Celery's notation for dates and the like lets a worker read them back unchanged."""
    try:
        text = _encode(data)
    except Exception:  # only pickle can send it; a mark shows what is lost
        return trigger_text_of(data)
    if len(text) > MAX_PAYLOAD or text.count("[") + text.count("{") > MAX_DEPTH:
        return trigger_text_of(data) if len(text) > MAX_PAYLOAD or _deep(text) else text
    return text


def incomplete_trigger_of(data: dict[str, Any], why: str) -> str:
    """The same for what JSON does not give back as it was: readable, and marked so that nobody retries it."""
    return trigger_text_of({**data, "incomplete": why, "lost": float("nan")})


def _deep(text: str) -> bool:
    """Whether JSON text is nested deeper than the server accepts."""
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest > MAX_DEPTH
