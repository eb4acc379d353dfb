"""Values that take several columns of a table."""

from __future__ import annotations

from app.events import Failure, Json, Text


def text_columns(text: Text | None) -> tuple[str | None, int | None]:
    """Text and its true size."""
    return (None, None) if text is None else (text.value, text.size)


def json_columns(json: Json | None) -> tuple[str | None, int | None, str | None]:
    """JSON as shown, its true size, and its sealed values."""
    return (None, None, None) if json is None else (json.text, json.size, json.sealed)


def failure_of(type_: str | None, message: str | None, size: int | None, step: int | None = None) -> Failure | None:
    """An error without its stack trace, which has its own table."""
    if type_ is None and message is None and step is None:
        return None
    return Failure(type_, None if message is None else Text(message, size or 0), None, step)
