"""Rejected events: what accepted ones of their run are masked by."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from app.events.decoding import Form, decode
from tests.app.reports import NOW, report
from tests.sealing import SEALER

SECRET = "xyzzy-4711"
TRIGGER = {"kind": "k", "data": {"password": SECRET}}


def queued(**change: Any) -> dict[str, Any]:
    return report("execution.queued", trigger=TRIGGER) | change


def in_base64(data: str, **change: Any) -> dict[str, Any]:
    given = queued(data_base64=b64encode(data.encode()).decode(), **change)
    del given["data"]
    return given


def secrets(rejected: dict[str, Any], *accepted: dict[str, Any]) -> list[frozenset[str]]:
    """What the accepted events of a body know of secrets."""
    batch = decode(json.dumps([*accepted, rejected]).encode(), Form.BATCH, now=NOW, sealer=SEALER)
    assert [each.index for each in batch.rejected] == [len(accepted)]
    return [event.secrets for event in batch.events]


@pytest.mark.parametrize(
    "rejected",
    [
        queued(time=""),
        queued(type="execution.exploded"),
        queued(id=5),
        queued(data={"workflow": "", "trigger": TRIGGER}),
        queued(data={"workflow": 5, "trigger": TRIGGER}),
        queued(data={"trigger": TRIGGER, "definition": [float("nan")]}),
        queued(data={"trigger": TRIGGER, "x": json.loads("[" * 70 + "]" * 70)}),
        in_base64(json.dumps({"trigger": TRIGGER}), time=""),
        queued(data_base64=5),
    ],
    ids=["time", "type", "id", "empty name", "form of a name", "repaired", "depth", "base64", "no base64"],
)
def test_secrets_of_a_rejected_event_are_known_to_its_run(rejected: dict[str, Any]) -> None:
    end = report("execution.finished", at=5, state="FAILED")
    assert secrets(rejected, end, report("execution.started", "other"), end) == [{SECRET}, set(), set()]


@pytest.mark.parametrize(
    "rejected",
    [
        queued(source="other", time=""),
        queued(source=None, time=""),
        queued(subject=["run"], time=""),
        queued(time="", data={"trigger": {"data": {"name": SECRET}}}),
        in_base64('{"password": "', time=""),
        queued(time="", data_base64="%"),
    ],
    ids=["engine", "no engine", "no run", "harmless", "no JSON", "no Base64"],
)
def test_nothing_else_is(rejected: dict[str, Any]) -> None:
    assert secrets(rejected, report("execution.finished", at=5, state="FAILED")) == [set()]
