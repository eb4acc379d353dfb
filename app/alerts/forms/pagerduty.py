"""PagerDuty: Events API v2. https://developer.pagerduty.com/docs/send-alert-event

The key of an alert is its id, so that its end resolves the incident and a repeated delivery makes no second one. A
digest triggers one of its own. A test triggers one of the least severity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import clock
from app.alerts import words
from app.alerts.forms.request import ChannelRequest, cut, details
from app.alerts.notices import NoticeKind
from app.alerts.telling import Notice

MAX_SUMMARY, MAX_KEY, MAX_DETAIL = 1_024, 255, 4_000
SEVERITIES = ("critical", "error", "warning", "info")


def request(notice: Notice, to: Mapping[str, str]) -> ChannelRequest:
    """An event of an integration."""
    key = notice.alerts[0].alert_id if len(notice.alerts) == 1 else notice.id
    event: dict[str, Any] = {"routing_key": to["routing_key"], "dedup_key": key}
    if notice.kind is NoticeKind.ENDED:
        return ChannelRequest(to["url"], {**event, "event_action": "resolve"})
    source = notice.alerts[0].engine if len(notice.alerts) == 1 else "runwatch"
    found: dict[str, Any] = {name: cut(value, MAX_DETAIL) for name, value in details(notice)}
    payload = {
        "summary": cut(words.title(notice), MAX_SUMMARY),
        "source": source,
        "severity": "info" if notice.kind is NoticeKind.TEST else to["severity"],
        "timestamp": clock.to_rfc3339(notice.created_at),
        "component": notice.alerts[0].workflow if len(notice.alerts) == 1 else None,
        "custom_details": found or {"Alerts": [cut(line, MAX_SUMMARY) for line in words.lines(notice)]},
    }
    event |= {
        "event_action": "trigger",
        "client": "Runwatch",
        "payload": {name: value for name, value in payload.items() if value is not None},
    }
    if notice.link is not None:
        event |= {"client_url": notice.link, "links": [{"href": notice.link, "text": "Open in Runwatch"}]}
    return ChannelRequest(to["url"], event)
