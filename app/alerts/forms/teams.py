"""Microsoft Teams: an Adaptive Card for the trigger "When a Teams webhook request is received" of Workflows.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using: one message with
one attachment, at most 28 KB. Text is plain but for Markdown, which is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.alerts import words
from app.alerts.forms.request import ChannelRequest, cut, details
from app.alerts.telling import Notice

MAX_BYTES = 28 * 1024
# Of a card: eight facts, or twenty lines, of at most four bytes a character and one of escape.
MAX_VALUE = 250
CARD = "application/vnd.microsoft.card.adaptive"
_MARKS = re.compile(r"([\\`*_\[\]])")


def request(notice: Notice, to: Mapping[str, str]) -> ChannelRequest:
    """A card."""
    body: list[dict[str, Any]] = [_text(cut(words.title(notice), MAX_VALUE), size="Medium", weight="Bolder")]
    if found := details(notice):
        facts = [{"title": name, "value": _plain(cut(value, MAX_VALUE))} for name, value in found]
        body.append({"type": "FactSet", "facts": facts})
    else:
        body += [_text(cut(line, MAX_VALUE)) for line in words.lines(notice)]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if notice.link is not None:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open in Runwatch", "url": notice.link}]
    attachment = {"contentType": CARD, "contentUrl": None, "content": card}
    return ChannelRequest(to["url"], {"type": "message", "attachments": [attachment]})


def _text(text: str, **style: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _plain(text), "wrap": True, **style}


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", text)
