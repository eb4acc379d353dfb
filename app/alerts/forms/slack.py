"""Slack: an incoming webhook with Block Kit. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks

A header has at most 150 characters of plain text, a section's text at most 3,000. `text` is what notifications show.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.alerts import words
from app.alerts.forms.request import ChannelRequest, cut, details
from app.alerts.telling import Notice

MAX_HEADER, MAX_SECTION, MAX_TEXT, MAX_URL = 150, 3_000, 4_000, 3_000
# Each text of a section, escaped: five characters for one at the worst.
MAX_VALUE, MAX_LINE = 500, 250


def request(notice: Notice, to: Mapping[str, str]) -> ChannelRequest:
    """A message of a channel."""
    title = words.title(notice)
    facts = [f"*{name}:* {escaped(cut(value, MAX_VALUE))}" for name, value in details(notice)]
    said = facts or [escaped(cut(line, MAX_LINE)) for line in words.lines(notice)]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": cut(title, MAX_HEADER), "emoji": False}}
    ]
    blocks += [{"type": "section", "text": {"type": "mrkdwn", "text": line}} for line in said]
    if notice.link is not None and len(notice.link) <= MAX_URL:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Open in Runwatch"}, "url": notice.link}
        blocks.append({"type": "actions", "elements": [button]})
    return ChannelRequest(to["url"], {"text": escaped(cut(title, MAX_VALUE)), "blocks": blocks})


def escaped(text: str) -> str:
    """Without Slack's own marks: nobody may mention a channel by the message of an error."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
