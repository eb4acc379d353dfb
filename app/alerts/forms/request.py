"""What a form makes of a notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.alerts import words
from app.alerts.notices import NoticeKind
from app.alerts.telling import Notice

_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class ChannelRequest:
    """A POST of JSON."""

    url: str
    json: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> str:
        """The JSON."""
        return orjson.dumps(self.json).decode()


def cut(text: str, characters: int) -> str:
    """A text of at most so many characters; one that is longer ends with an ellipsis."""
    return text if len(text) <= characters else text[: characters - 1] + _ELLIPSIS


def cut_bytes(text: str, size: int) -> str:
    """As `cut`, of at most so many bytes of UTF-8."""
    data = text.encode()
    if len(data) <= size:
        return text
    return data[: size - len(_ELLIPSIS.encode())].decode(errors="ignore") + _ELLIPSIS


def details(notice: Notice) -> list[tuple[str, str]]:
    """The facts of a notice about one alert, with its errors; none of others."""
    if len(notice.alerts) != 1 or notice.kind is NoticeKind.DIGEST:
        return []
    (told,) = notice.alerts
    found = words.facts(told)
    if told.first_error.shown is not None and told.first_error != told.last_error:
        found.append(("First error", str(told.first_error)))
    if told.last_error.shown is not None:
        found.append(("Last error", str(told.last_error)))
    return found
