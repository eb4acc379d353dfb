"""API-AUTO-EXEC-ALERT: a workflow that keeps failing alerts somebody, once."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
from collections.abc import Iterator

import httpx
import pytest

from specs.alerting import AUDIT, DELETE, EMAIL, PUBLIC, RENEW, RULES, SAVE, Scene, alerting, refused, signed
from specs.conftest import database_of
from specs.harness.driver import Runwatch
from specs.harness.receiver import Answer


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for all tests of a database."""
    folder = tmp_path_factory.mktemp("alerts")
    with database_of(request, folder) as url, alerting(folder, url) as scene:
        yield scene


async def test_alert_001_a_rule_fires_once_and_again_after_a_success(scene: Scene) -> None:
    """A rule MUST fire once when so many runs failed in a row, by finish time, and again only after a success."""
    name, saved = await scene.rule(3)
    scene.report(name, "ffcsff", 0)
    await scene.settled()
    assert await scene.alerts(name) == []
    scene.report(name, "cf", 6)  # cancelled runs count as neither
    (alert,) = await scene.until(name, lambda alerts: len(alerts) == 1)
    assert (alert["failures"], alert["rule"]["id"]) == (3, saved["rule"]["id"])
    scene.report(name, "fff", 8)
    scene.report(name, "s", 3.5)  # late, from before all of them
    await scene.settled()
    (alert,) = await scene.alerts(name)
    assert alert["workflow"]["consecutiveFailures"] == 6
    scene.report(name, "sff", 20)
    scene.report(name, "s", 21.5)  # late, from the middle
    scene.report(name, "f", 24)
    await scene.settled()
    assert len(await scene.alerts(name)) == 1
    scene.report(name, "f", 23)
    fired = await scene.until(name, lambda alerts: len(alerts) == 2)
    assert [alert["failures"] for alert in fired] == [3, 3]


async def test_alert_001_a_streak_that_was_over_when_it_was_told_fires_as_well(scene: Scene) -> None:
    """A rule MUST fire once for each streak that is long enough, even when its end is reported together with it."""
    name, _ = await scene.rule(3)
    told = [event for at, state in enumerate("fffsffsfff") for event in scene.run(name, state, at)]
    scene.runwatch.report(*told)
    await scene.until(name, lambda alerts: len(alerts) == 2)
    await scene.settled()
    assert [alert["failures"] for alert in await scene.alerts(name)] == [3, 3]


async def test_alert_001_many_at_the_same_moment_fire_once(scene: Scene) -> None:
    """Failures that are reported at the same moment MUST fire a rule once, whether it is about one workflow or all."""
    name, _ = await scene.rule(4)
    everything = await scene.save(consecutiveFailures=4, webhookUrl=scene.receiver.url)
    runs = [scene.run(name, "f", number % 5) for number in range(24)]
    await asyncio.gather(*(asyncio.to_thread(scene.runwatch.report, *events) for events in runs))
    fired = await scene.until(name, lambda alerts: len(alerts) == 2)
    await scene.settled()
    assert len(await scene.alerts(name)) == 2
    assert everything["rule"]["id"] in {alert["rule"]["id"] for alert in fired}
    await scene.runwatch.query(DELETE, {"id": everything["rule"]["id"]})


async def test_alert_002_webhook_and_mail_say_what_happened(scene: Scene) -> None:
    """An alert MUST reach webhook and mailbox: workflow, count, first and last error, and a link; signed."""
    name, saved = await scene.rule(2, email=EMAIL)
    scene.report(name, "f", 0, type="IOError", message="the first")
    scene.report(name, "f", 1, type="OSError", message="the last")
    (alert,) = await scene.until(name, lambda alerts: bool(alerts and alerts[0]["deliveredAt"]))
    assert alert["lastError"] is None
    (request,) = scene.posted(name)
    assert signed(request, saved["signingSecret"])
    assert not signed(request, "whsec_" + base64.b64encode(b"another").decode())
    body = json.loads(request.body)
    assert (body["type"], body["id"]) == ("alert.fired", request.id)
    assert (body["data"]["alertId"], body["data"]["failures"]) == (alert["id"], 2)
    assert body["data"]["firstError"] == {"type": "IOError", "message": "the first"}
    assert body["data"]["lastError"] == {"type": "OSError", "message": "the last"}
    id_ = body["data"]["link"].removeprefix(f"{PUBLIC}/admin/automations/executions/")
    (linked,) = [scene.runwatch.ask("query E($id: ID!) { execution(id: $id) { error { message } } }", id=id_)]
    assert linked["data"]["execution"]["error"]["message"] == "the last"
    (mail,) = scene.mailed(name)
    assert (mail.recipients, mail.message["subject"]) == ([EMAIL], f"{name} failed 2 times in a row")
    for part in ("IOError: the first", "OSError: the last", body["data"]["link"]):
        assert part in mail.text


async def test_alert_002_what_is_away_gets_it_later(scene: Scene) -> None:
    """While a receiver or the mail server is away, an alert MUST wait for it, and say why."""
    name, _ = await scene.rule(1, email=EMAIL)
    scene.mail.stop()
    scene.receiver.script = [Answer(503, b"closed")]
    scene.report(name, "f", 0)
    (alert,) = await scene.until(name, lambda alerts: bool(alerts and "e-mail" in (alerts[0]["lastError"] or "")))
    assert alert["deliveredAt"] is None
    scene.mail.start()
    (alert,) = await scene.until(name, lambda alerts: alerts[0]["deliveredAt"] is not None)
    posted = scene.posted(name)
    assert len({(request.id, request.body) for request in posted}) == 1
    assert len(posted) == 2
    assert len(scene.mailed(name)) == 1


async def test_alert_002_a_killed_server_loses_none(scene: Scene) -> None:
    """An alert MUST be delivered whenever the server is killed after the failure was accepted, under one id."""
    name, _ = await scene.rule(2)
    scene.report(name, "ff", 0)
    assert scene.server.stop(signal.SIGKILL) == -signal.SIGKILL
    scene.server.start()
    (alert,) = await scene.until(name, lambda alerts: bool(alerts and alerts[0]["deliveredAt"]))
    assert alert["failures"] == 2
    assert len({request.id for request in scene.posted(name)}) == 1


async def test_alert_003_history_does_not_fire(scene: Scene) -> None:
    """Imports, and runs that finished more than an hour ago, MUST NOT fire, but MUST count."""
    name, _ = await scene.rule(3)
    scene.report(name, "ffff", -3600)
    lines = "\n".join(json.dumps(each) for number in range(5) for each in scene.run(name, "f", number))
    headers = {"authorization": f"Bearer {scene.runwatch.admin}", "content-type": "application/x-ndjson"}
    answer = httpx.post(f"{scene.runwatch.url}/api/events", headers=headers, content=lines, timeout=30)
    assert answer.json()["rejected"] == []
    await scene.settled()
    assert await scene.alerts(name) == []
    scene.report(name, "f", 10)
    (alert,) = await scene.until(name, lambda alerts: len(alerts) == 1)
    assert alert["failures"] == 6


async def test_alert_004_administrators_keep_rules_and_everybody_reads_them(scene: Scene) -> None:
    """Rules MUST be made, changed and deleted by administrators alone, audited; secrets are shown once."""
    name, saved = await scene.rule(1, email=EMAIL)
    rule, secret = saved["rule"], saved["signingSecret"]
    assert secret.startswith("whsec_")
    assert (rule["webhookHost"], rule["email"], rule["enabled"], rule["workflow"]["name"]) == (
        *("127.0.0.1", EMAIL, True, name),
    )
    changed = await scene.save(id=rule["id"], consecutiveFailures=2, enabled=False, email=None)
    assert changed["signingSecret"] is None
    assert changed["rule"] == {**rule, "consecutiveFailures": 2, "enabled": False, "email": None}
    viewer = scene.runwatch.token("viewer")
    listed = (await scene.runwatch.query(RULES, token=viewer))["alertRules"]
    assert {"id": rule["id"], "enabled": False, "webhookHost": "127.0.0.1", "email": None} in listed
    for token in (viewer, scene.runwatch.token("runner", "shop")):
        assert await refused(scene.save(token, id=rule["id"], consecutiveFailures=1)) == "FORBIDDEN"
        assert await refused(scene.runwatch.query(DELETE, {"id": rule["id"]}, token)) == "FORBIDDEN"
    scene.report(name, "ff", 0)
    await scene.settled()
    assert await scene.alerts(name) == []
    await scene.save(id=rule["id"], consecutiveFailures=2)
    scene.report(name, "f", 3)
    await scene.until(name, lambda alerts: bool(alerts and alerts[0]["deliveredAt"]))
    assert await scene.runwatch.query(DELETE, {"id": rule["id"]}) == {"deleteAlertRule": rule["id"]}
    assert await refused(scene.runwatch.query(DELETE, {"id": rule["id"]})) == "NOT_FOUND"
    assert rule["id"] not in {each["id"] for each in (await scene.runwatch.query(RULES))["alertRules"]}
    (alert,) = await scene.alerts(name)
    assert alert["rule"] == {"id": rule["id"], "enabled": False, "webhookHost": None}
    audited = (await scene.runwatch.query(AUDIT))["auditLog"]["nodes"]
    entries = [entry for entry in reversed(audited) if entry["subject"] == rule["id"]]
    assert [entry["action"] for entry in entries] == ["saveAlertRule"] * 3 + ["deleteAlertRule"]
    assert "/retries" not in json.dumps(entries), "which is in the URL"
    assert secret not in json.dumps(entries)


async def test_alert_004_what_cannot_be_is_refused(scene: Scene) -> None:
    """Invalid input, and addresses that nobody allowed, MUST be refused with a code, and change nothing."""
    before = (await scene.runwatch.query(RULES))["alertRules"]
    url = scene.receiver.url
    for given, code in (
        ({"consecutiveFailures": 0, "webhookUrl": url}, "BAD_USER_INPUT"),
        ({"consecutiveFailures": 1}, "BAD_USER_INPUT"),
        ({"consecutiveFailures": 1, "webhookUrl": "ftp://hooks.example/"}, "BAD_USER_INPUT"),
        ({"consecutiveFailures": 1, "webhookUrl": "http://10.0.0.1/"}, "BAD_USER_INPUT"),
        ({"consecutiveFailures": 1, "webhookUrl": "http://169.254.169.254/latest"}, "BAD_USER_INPUT"),
        ({"consecutiveFailures": 1, "webhookUrl": "http://[::1]:80/"}, "BAD_USER_INPUT"),
        ({"consecutiveFailures": 1, "email": "a@b.example\nBcc: c@d.example"}, "BAD_USER_INPUT"),
        ({"consecutiveFailures": 1, "webhookUrl": url, "workflowId": "workflow_" + "0" * 32}, "NOT_FOUND"),
        ({"consecutiveFailures": 1, "webhookUrl": url, "workflowId": "execution_" + "0" * 32}, "NOT_FOUND"),
        ({"consecutiveFailures": 1, "webhookUrl": url, "workflowId": ""}, "NOT_FOUND"),
        ({"consecutiveFailures": 1, "webhookUrl": url, "id": "alertRule_" + "0" * 32}, "NOT_FOUND"),
    ):
        assert await refused(scene.save(**given)) == code, given
    assert (await scene.runwatch.query(RULES))["alertRules"] == before


async def test_alert_010_a_secret_is_renewed_with_an_overlap(scene: Scene) -> None:
    """A renewed secret and the one before MUST both sign for its hours; none MUST be shown again but by its key."""
    name, saved = await scene.rule(1)
    rule, secrets = saved["rule"]["id"], [saved["signingSecret"]]
    for hours, signing in ((24.0, [0, 1]), (0.5, [1, 2]), (0.0, [3])):
        given = {"id": rule, "hours": hours, "key": f"click {hours}"}
        renewed = (await scene.runwatch.query(RENEW, given))["renewAlertSecret"]
        assert (await scene.runwatch.query(RENEW, given))["renewAlertSecret"] == renewed, "after a lost answer"
        assert renewed["rule"] == {"id": rule, "webhookHost": "127.0.0.1"}
        secrets.append(renewed["signingSecret"])
        scene.report(name, "sf", 10.0 * len(secrets))
        await scene.until(name, lambda told: len(told) == len(secrets) - 1 and told[-1]["deliveredAt"] is not None)
        assert signed(scene.posted(name)[-1], *(secrets[each] for each in signing))
    assert len(set(secrets)) == 4
    viewer = scene.runwatch.token("viewer")
    mailed = (await scene.save(consecutiveFailures=1, email=EMAIL, enabled=False))["rule"]["id"]
    for given, token, code in (
        ({}, viewer, "FORBIDDEN"),
        ({"hours": -0.1}, None, "BAD_USER_INPUT"),
        ({"hours": 720.1}, None, "BAD_USER_INPUT"),
        ({"key": ""}, None, "BAD_USER_INPUT"),
        ({"key": "k" * 201}, None, "BAD_USER_INPUT"),
        ({"key": "a\0b"}, None, "BAD_USER_INPUT"),
        ({"id": "alertRule_" + "0" * 32}, None, "NOT_FOUND"),
        ({"id": mailed}, None, "CONFLICT"),
    ):
        variables = {"id": rule, "hours": 24.0, **given}
        assert await refused(scene.runwatch.query(RENEW, variables, token)) == code, given
    audited = json.dumps((await scene.runwatch.query(AUDIT))["auditLog"]["nodes"])
    assert audited.count("renewAlertSecret") == 3
    assert not any(secret in audited for secret in secrets)
    await scene.runwatch.query(DELETE, {"id": mailed})


async def test_alert_004_without_settings_nothing_is_open(runwatch: Runwatch) -> None:
    """Unless a setting allows it, webhooks MUST NOT reach this machine; without a mail server a rule MUST NOT have an
    e-mail.
    """
    answers = [
        runwatch.ask(SAVE, input={"consecutiveFailures": 1, "webhookUrl": "http://127.0.0.1:9/"}),
        runwatch.ask(SAVE, input={"consecutiveFailures": 1, "webhookUrl": "http://localhost:9/"}),
        runwatch.ask(SAVE, input={"consecutiveFailures": 1, "email": EMAIL}),
    ]
    for answer in answers:
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
