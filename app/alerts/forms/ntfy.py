"""ntfy: a message published as JSON. https://docs.ntfy.sh/publish/#publish-as-json

JSON goes to the root of the server, and names the topic. A message has at most 4,096 bytes; a longer one would become
an attachment. Priorities are 1 to 5, tags that name an emoji are shown as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.alerts import words
from app.alerts.forms.request import ChannelRequest, cut, cut_bytes, details
from app.alerts.notices import NoticeKind
from app.alerts.telling import Notice

MAX_TITLE, MAX_MESSAGE_BYTES = 250, 4_096
DEFAULT, HIGH = 3, 4
_TAGS = {NoticeKind.ENDED: "white_check_mark", NoticeKind.TEST: "wrench"}


def request(notice: Notice, to: Mapping[str, str]) -> ChannelRequest:
    """A message of a topic."""
    root, _, topic = to["url"].rpartition("/")
    said = [f"{name}: {value}" for name, value in details(notice)] or words.lines(notice)
    message: dict[str, Any] = {
        "topic": topic,
        "title": cut(words.title(notice), MAX_TITLE),
        "message": cut_bytes("\n".join(said), MAX_MESSAGE_BYTES),
        "priority": DEFAULT if notice.kind in _TAGS else HIGH,
        "tags": [_TAGS.get(notice.kind, "rotating_light")],
    }
    if notice.link is not None:
        message["click"] = notice.link
        message["actions"] = [{"action": "view", "label": "Open in Runwatch", "url": notice.link}]
    headers = {"authorization": f"Bearer {to['token']}"} if to.get("token") else {}
    return ChannelRequest(f"{root}/", message, headers)
