"""Webhooks: a CloudEvent. What it says of a streak is what it always said; `condition` came later."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from app import clock
from app.alerts import words
from app.alerts.notices import NoticeKind
from app.alerts.telling import Notice, Told
from app.delivery.signed_post import SOURCE

TYPES = {
    NoticeKind.FIRED: "alert.fired",
    NoticeKind.ENDED: "alert.ended",
    NoticeKind.DIGEST: "alert.digest",
    NoticeKind.TEST: "alert.test",
}


def body_of(id_: str, notice: Notice) -> str:
    """The CloudEvent of a notice. `id_` is the id of the outbox row."""
    alone = notice.alerts[0] if len(notice.alerts) == 1 and notice.kind is not NoticeKind.DIGEST else None
    at = notice.created_at if alone is None or notice.kind is NoticeKind.ENDED else alone.fired_at
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": id_,
            "source": SOURCE,
            "type": TYPES[notice.kind],
            "time": clock.to_rfc3339(at),
            "subject": notice.rule_id if alone is None else alone.workflow_id,
            "datacontenttype": "application/json",
            "data": _of_several(notice) if alone is None else _of_one(notice.rule_id, alone),
        }
    ).decode()


def _of_several(notice: Notice) -> dict[str, Any]:
    alerts = [_of_one(notice.rule_id, told) for told in notice.alerts]
    return {"ruleId": notice.rule_id, "summary": words.title(notice), "count": notice.count, "alerts": alerts}


def _of_one(rule_id: str, told: Told) -> dict[str, Any]:
    return {
        "alertId": told.alert_id,
        "ruleId": rule_id,
        "summary": words.happened(told),
        "condition": {**msgspec.to_builtins(told.condition), "measured": told.measured, "compared": told.compared},
        "workflow": {"id": told.workflow_id, "name": told.workflow, "engine": told.engine},
        "failures": told.failures,
        "since": clock.to_rfc3339(told.since),
        "endedAt": None if told.ended_at is None else clock.to_rfc3339(told.ended_at),
        "firstError": told.first_error.shown,
        "lastError": told.last_error.shown,
        "link": told.link,
    }
