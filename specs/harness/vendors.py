"""What chats and pagers document of what they take, as checks of a request. Each raises AssertionError.

Read on 2026-11-29: docs.slack.dev (block kit, incoming webhooks), developer.pagerduty.com (Events API v2),
learn.microsoft.com (Teams, "webhook request is received", Adaptive Cards 1.4), docs.discord.com (execute webhook, embed
limits), docs.ntfy.sh (publish as JSON).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from specs.harness.receiver import Request

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def slack(message: Mapping[str, Any]) -> None:
    """An incoming webhook: text, and at most 50 blocks."""
    assert message.keys() <= {"text", "blocks"}
    assert 0 < len(message["text"]) <= 40_000
    assert 0 < len(message["blocks"]) <= 50
    for block in message["blocks"]:
        match block["type"]:
            case "header":
                assert block["text"]["type"] == "plain_text"
                assert 0 < len(block["text"]["text"]) <= 150
            case "section":
                assert block["text"]["type"] == "mrkdwn"
                assert 0 < len(block["text"]["text"]) <= 3_000
                # Control characters are escaped, so that nobody is mentioned.
                assert not re.search(r"<[!@#]", block["text"]["text"])
            case "actions":
                assert 0 < len(block["elements"]) <= 25
                for each in block["elements"]:
                    assert (each["type"], each["text"]["type"]) == ("button", "plain_text")
                    assert len(each["text"]["text"]) <= 75
                    assert len(each["url"]) <= 3_000
            case other:
                raise AssertionError(other)


def pagerduty(event: Mapping[str, Any]) -> None:
    """Events API v2: /v2/enqueue, at most 512 KB."""
    assert re.fullmatch(r"[0-9A-Za-z]{32}", event["routing_key"])
    assert event["event_action"] in ("trigger", "acknowledge", "resolve")
    assert 0 < len(event["dedup_key"]) <= 255
    assert len(json.dumps(event).encode()) <= 512 * 1024
    if event["event_action"] != "trigger":
        assert event.keys() <= {"routing_key", "event_action", "dedup_key"}
        return
    payload = event["payload"]
    assert 0 < len(payload["summary"]) <= 1_024
    assert payload["source"]
    assert payload["severity"] in ("critical", "error", "warning", "info")
    assert RFC3339.fullmatch(payload["timestamp"])
    assert payload.keys() <= {
        *("summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"),
    }
    assert all(link.keys() == {"href", "text"} for link in event.get("links", ()))


def teams(message: Mapping[str, Any]) -> None:
    """A message with one Adaptive Card, at most 28 KB."""
    assert len(json.dumps(message, ensure_ascii=False).encode()) <= 28 * 1024
    assert message.keys() == {"type", "attachments"}
    assert message["type"] == "message"
    (attachment,) = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    for element in card["body"]:
        assert element["type"] in ("TextBlock", "FactSet")
        assert element.get("text") or all(fact.keys() == {"title", "value"} for fact in element["facts"])
    for action in card.get("actions", ()):
        assert action["type"] == "Action.OpenUrl"
        assert action["url"].startswith("http")


def discord(message: Mapping[str, Any]) -> None:
    """An executed webhook: embeds within their limits, and nobody mentioned."""
    assert message["allowed_mentions"] == {"parse": []}
    assert 0 < len(message["embeds"]) <= 10
    length = 0
    for embed in message["embeds"]:
        fields = embed.get("fields", [])
        assert len(embed["title"]) <= 256
        assert len(embed.get("description", "")) <= 4_096
        assert len(fields) <= 25
        for each in fields:
            assert 0 < len(each["name"]) <= 256
            assert 0 < len(each["value"]) <= 1_024
        datetime.fromisoformat(embed["timestamp"])
        assert 0 <= embed["color"] <= 0xFFFFFF
        length += len(embed["title"]) + len(embed.get("description", ""))
        length += sum(len(each["name"]) + len(each["value"]) for each in fields)
    assert length <= 6_000


def ntfy(message: Mapping[str, Any]) -> None:
    """A message published as JSON, not one that becomes an attachment."""
    assert message.keys() <= {"topic", "message", "title", "tags", "priority", "click", "actions"}
    assert re.fullmatch(r"[-_A-Za-z0-9]{1,64}", message["topic"])
    assert 0 < len(message["message"].encode()) <= 4_096
    assert len(message["title"].encode()) <= 1_024
    assert message["priority"] in range(1, 6)
    assert all(isinstance(tag, str) for tag in message["tags"])
    assert len(message.get("actions", ())) <= 3
    for each in message.get("actions", ()):
        assert each["action"] == "view"
        assert each["label"]
        assert each["url"].startswith("http")


CHECKS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "discord": discord,
    "ntfy": ntfy,
    "pagerduty": pagerduty,
    "slack": slack,
    "teams": teams,
}


def checked(vendor: str, request: Request) -> dict[str, Any]:
    """The JSON of a request, once it is such as its vendor takes."""
    assert request.headers["content-type"] == "application/json"
    message: dict[str, Any] = json.loads(request.body)
    CHECKS[vendor](message)
    return message
