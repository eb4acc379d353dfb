"""Discord: an executed webhook with one embed. https://docs.discord.com/developers/resources/webhook#execute-webhook

An embed has a title of at most 256 characters, a description of 4,096, 25 fields with names of 256 and values of 1,024,
and 6,000 characters in all. `allowed_mentions` without any: the message of an error may say @everyone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import clock
from app.alerts import words
from app.alerts.forms.request import ChannelRequest, cut, details
from app.alerts.notices import NoticeKind
from app.alerts.telling import Notice

MAX_TITLE, MAX_DESCRIPTION, MAX_VALUE, MAX_ALL = 256, 4_096, 1_000, 6_000
# As the page shows what failed and what succeeded.
RED, GREEN, GREY = 0xB3261E, 0x12703F, 0x5B6674
_COLOURS = {NoticeKind.ENDED: GREEN, NoticeKind.TEST: GREY}


def request(notice: Notice, to: Mapping[str, str]) -> ChannelRequest:
    """A message of a channel."""
    embed: dict[str, Any] = {
        "title": cut(words.title(notice), MAX_TITLE),
        "color": _COLOURS.get(notice.kind, RED),
        "timestamp": clock.to_rfc3339(notice.created_at),
    }
    if found := details(notice):
        # At most eight: within the limit of all, with their names.
        values = [(name, cut(value, MAX_VALUE) if "error" in name else cut(value, 256)) for name, value in found]
        embed["fields"] = [{"name": name, "value": value, "inline": len(value) <= 40} for name, value in values]
    else:
        embed["description"] = cut("\n".join(words.lines(notice)), MAX_DESCRIPTION)
    if notice.link is not None:
        embed["url"] = notice.link
    return ChannelRequest(to["url"], {"embeds": [embed], "allowed_mentions": {"parse": []}})
