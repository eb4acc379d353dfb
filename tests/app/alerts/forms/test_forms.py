"""Notices in the form of each vendor: within the documented limits, whatever an engine sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from app.alerts import words
from app.alerts.conditions import (
    AnyCondition,
    EngineSilent,
    FailureRate,
    FailuresInARow,
    NewErrorGroup,
    NoRun,
    RegressedErrorGroup,
    SlowRun,
)
from app.alerts.forms import FORMS, cloud_event, mail
from app.alerts.notices import NoticeKind
from app.alerts.rules import AlertRule
from app.alerts.telling import MAX_TOLD, Error, Notice, Told
from specs.harness.vendors import CHECKS

TO = {
    "url": "https://chat.example/room/topic",
    "routing_key": "a" * 32,
    "severity": "critical",
    "token": "tk_secret",
}
SECOND = 1_000_000
RULE = AlertRule("0" * 32, None, FailuresInARow(3), True, False, None, 0)
LINK = "https://runwatch.example/admin/automations/executions/execution_1"
TOLD = Told(
    alert_id="alert_1",
    workflow_id="workflow_1",
    workflow="send <invoices> *now*",
    engine="billing",
    condition=RULE.condition,
    failures=3,
    measured=90 * SECOND,
    compared=20 * SECOND,
    since=0,
    fired_at=60 * SECOND,
    ended_at=None,
    first_error=Error("IOError", "the first"),
    last_error=Error("OSError", "@everyone <!channel> & all"),
    link=LINK,
)
LONG = replace(
    TOLD,
    workflow="é" * 5_000,
    engine="<&>" * 2_000,
    first_error=Error("T" * 500, "𝄞" * 100_000),
    last_error=Error("T" * 500, "&<`*_@everyone" * 10_000),
)
CONDITIONS: list[AnyCondition] = [
    *(
        FailuresInARow(3),
        FailureRate(20, 60, 10),
        SlowRun(3),
        NewErrorGroup(),
        RegressedErrorGroup(),
        NoRun(None),
        EngineSilent(5, None),
    ),
]


def notice(kind: NoticeKind, *alerts: Told, count: int | None = None) -> Notice:
    page = "https://runwatch.example/admin/automations/alerts"
    return Notice("1" * 32, kind, 60 * SECOND, RULE, alerts, len(alerts) if count is None else count, page)


NOTICES = {
    "fired": notice(NoticeKind.FIRED, TOLD),
    "ended": notice(NoticeKind.ENDED, replace(TOLD, ended_at=120 * SECOND)),
    "digest": notice(NoticeKind.DIGEST, TOLD, replace(TOLD, ended_at=120 * SECOND)),
    "test": notice(NoticeKind.TEST),
    "long": notice(NoticeKind.FIRED, LONG),
    "long digest": notice(NoticeKind.DIGEST, *[LONG] * MAX_TOLD, count=5_000),
    "without links": replace(notice(NoticeKind.FIRED, replace(TOLD, link=None)), page=None),
    **{
        f"{kind} {type(condition).__name__}": notice(kind, replace(TOLD, condition=condition, ended_at=ended))
        for condition in CONDITIONS
        for kind, ended in ((NoticeKind.FIRED, None), (NoticeKind.ENDED, 120 * SECOND))
    },
}


@pytest.mark.parametrize("vendor", FORMS)
@pytest.mark.parametrize("name", NOTICES)
def test_every_notice_is_such_as_the_vendor_takes(vendor: str, name: str) -> None:
    CHECKS[vendor](json.loads(FORMS[vendor](NOTICES[name], TO).body))


@pytest.mark.parametrize("vendor", FORMS)
@pytest.mark.parametrize(
    ("name", "said"), [("fired", "failed 3 times in a row"), ("digest", "2 alerts"), ("test", "Test")]
)
def test_it_says_what_happened_and_leads_there(vendor: str, name: str, said: str) -> None:
    body = FORMS[vendor](NOTICES[name], TO).body
    assert said in body
    assert ("executions/execution_1" if name == "fired" else "/admin/automations/alerts") in body
    assert "tk_secret" not in body
    assert "@everyone" not in body or vendor != "slack" or "<!" not in body


@pytest.mark.parametrize("name", NOTICES)
def test_webhooks_and_mails_say_every_notice(name: str) -> None:
    notice = NOTICES[name]
    event, text = json.loads(cloud_event.body_of("1", notice)), mail.text_of(notice)
    assert event["type"] == f"alert.{notice.kind.lower()}"
    assert [each["summary"] for each in event["data"].get("alerts", ())] == [
        words.happened(each) for each in notice.alerts if notice.kind is NoticeKind.DIGEST
    ]
    assert text.startswith(words.title(notice)[:40])
    assert (LINK in text) == (len(notice.alerts) == 1 and notice.alerts[0].link is not None)


def sent(vendor: str, name: str) -> Any:
    return FORMS[vendor](NOTICES[name], TO).json


def test_pagerduty_resolves_what_it_triggered() -> None:
    fired, ended = sent("pagerduty", "fired"), sent("pagerduty", "ended")
    assert (fired["event_action"], ended["event_action"]) == ("trigger", "resolve")
    assert fired["dedup_key"] == ended["dedup_key"] == "alert_1"
    assert fired["payload"]["severity"] == "critical"
    assert sent("pagerduty", "test")["payload"]["severity"] == "info"
    assert sent("pagerduty", "digest")["dedup_key"] == "1" * 32


def test_ntfy_is_published_to_the_root_with_its_token() -> None:
    request = FORMS["ntfy"](NOTICES["fired"], TO)
    assert (request.url, request.json["topic"]) == ("https://chat.example/room/", "topic")
    assert request.headers == {"authorization": "Bearer tk_secret"}
    assert FORMS["ntfy"](NOTICES["fired"], {"url": TO["url"], "token": ""}).headers == {}


def test_marks_of_the_vendors_are_taken_as_text() -> None:
    assert "&lt;!channel&gt; &amp; all" in sent("slack", "fired")["blocks"][-2]["text"]["text"]
    (card,) = sent("teams", "fired")["attachments"]
    assert card["content"]["body"][0]["text"] == "send <invoices> \\*now\\* failed 3 times in a row"
