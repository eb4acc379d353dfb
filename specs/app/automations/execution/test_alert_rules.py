"""API-AUTO-EXEC-ALERT: rules about more than failures in a row, and channels in the form of their vendors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from specs.alerting import AUDIT, Scene, alerting, refused
from specs.harness.driver import unique
from specs.harness.receiver import Answer, Request
from specs.harness.vendors import CHECKS, checked
from specs.harness.waiting import until

SAVE = """
mutation Save($input: AlertRuleInput!) { saveAlertRule(input: $input) { rule {
  id consecutiveFailures notifyRecovery channels { kind target } quietHours { from to timeZone }
  condition {
    failuresInARow slowRun newErrorGroup failureRate { percent windowMinutes minimumRuns } noRun { minutes }
    engineSilence { minutes engineId }
  }
} } }
"""
ALERTS = """
{ alerts(first: 100) { nodes {
  failures runs since endedAt heldUntil execution { id } errorGroup { id type } workflow { name }
  rule { id lastFiredAt }
  deliveries { channel notice together attempts deliveredAt givenUp lastError }
} } }
"""
PREVIEW = """
query P($condition: AlertConditionInput!, $workflow: ID, $days: Int! = 7) {
  alertPreview(condition: $condition, workflowId: $workflow, days: $days) { count firedAt runs since complete }
}
"""
RULES = "{ alertRules { id preview(days: 30) { count runs } } }"
PROPOSALS = "{ alertProposals { condition { failuresInARow newErrorGroup noRun { minutes } } preview { count runs } } }"
TEST = "mutation T($id: ID!) { testAlertRule(id: $id) { outcomes { channel { kind } error } } }"
KEY = "0123456789abcdef0123456789ABCDEF"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for all tests, by today's clock. What rules do on each database, tests/app/alerts shows."""
    folder = tmp_path_factory.mktemp("alerts")
    with alerting(folder, f"sqlite:///{folder}/runwatch.db") as scene:
        yield scene


async def saved(scene: Scene, condition: dict[str, Any], **given: Any) -> Any:
    """A saved rule, which tells by the page alone by default."""
    given = {"condition": condition, "channels": {"page": True}, **given}
    return (await scene.runwatch.query(SAVE, {"input": given}))["saveAlertRule"]["rule"]


async def alerts(scene: Scene, rule: Any, number: int, attribute: str = "since") -> list[Any]:
    """The alerts of a rule, newest first, once so many have an attribute."""
    found: list[Any] = []

    async def enough() -> bool:
        nodes = (await scene.runwatch.query(ALERTS))["alerts"]["nodes"]
        found[:] = [node for node in nodes if node["rule"]["id"] == rule["id"]]
        return len([node for node in found if node[attribute]]) == number

    await until(enough, "alerts")
    return found


async def test_alert_005_a_rule_about_a_rate_or_a_new_error_fires_once_and_says_what_it_saw(scene: Scene) -> None:
    """A rule MUST fire once for its condition, say what it measured, and lead to the run."""
    name, id_ = await scene.workflow()
    window = {"percent": 40, "windowMinutes": 60, "minimumRuns": 4}
    rate = await saved(scene, {"failureRate": window}, workflowId=id_)
    error = await saved(scene, {"newErrorGroup": True}, workflowId=id_)
    assert rate["condition"]["failureRate"] == window
    assert (rate["consecutiveFailures"], rate["channels"]) == (0, [{"kind": "PAGE", "target": None}])
    known = {"type": "KeyError", "message": unique("a key")}
    scene.report(name, "fsf", 0, **known)
    (fired,) = await alerts(scene, error, 1)
    assert fired["endedAt"] is not None, "it is about a moment"
    assert fired["errorGroup"]["type"] == "KeyError"
    (alert,) = await alerts(scene, rate, 1)
    assert (alert["failures"], alert["runs"], alert["endedAt"], alert["deliveries"]) == (2, 4, None, [])
    linked = scene.runwatch.ask("query E($id: ID!) { execution(id: $id) { state } }", id=alert["execution"]["id"])
    assert linked["data"]["execution"]["state"] == "FAILED"
    scene.report(name, "f", 5, **known)
    await scene.settled()
    assert len(await alerts(scene, rate, 1)) == len(await alerts(scene, error, 1)) == 1


async def test_alert_005_a_condition_is_one_and_within_its_range(scene: Scene) -> None:
    """A condition MUST be exactly one, within its range; a change without one keeps it."""
    rule = await saved(scene, {"slowRun": 3.5})
    kept = (await scene.runwatch.query(SAVE, {"input": {"id": rule["id"], "notifyRecovery": True}}))["saveAlertRule"]
    assert (kept["rule"]["condition"], kept["rule"]["notifyRecovery"]) == (rule["condition"], True)
    for given in (
        {"channels": {"page": True}},
        {"channels": {"page": True}, "condition": {"failuresInARow": 3}, "consecutiveFailures": 3},
        *(
            {"channels": {"page": True}, "condition": condition}
            for condition in (
                *({"failuresInARow": 0}, {"slowRun": 1}, {"newErrorGroup": False}, {"noRun": {"minutes": 0}}),
                {"failureRate": {"percent": 0, "windowMinutes": 5}},
                {"failureRate": {"percent": 5, "windowMinutes": 20_000}},
                {"engineSilence": {"minutes": 0}},
            )
        ),
        {"condition": {"slowRun": 2}},
        {
            "condition": {"slowRun": 2},
            "channels": {"page": True},
            "quietHours": {"from": "9", "to": "10:00", "timeZone": "UTC"},
        },
        {"condition": {"slowRun": 2}, "channels": {"slack": {"url": "http://10.0.0.1/services"}}},
        {"condition": {"slowRun": 2}, "channels": {"pagerDuty": {"routingKey": "short"}}},
        {"condition": {"slowRun": 2}, "channels": {"ntfy": {"url": "https://ntfy.sh/"}}},
    ):
        assert await refused(scene.runwatch.query(SAVE, {"input": given})) == "BAD_USER_INPUT", given
    for condition in ({}, {"slowRun": 2, "newErrorGroup": True}, {"slowRun": None}):
        answer = scene.runwatch.ask(SAVE, input={"condition": condition, "channels": {"page": True}})
        assert answer["errors"][0]["extensions"]["code"] in ("BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"), condition
    unknown = {"engineSilence": {"minutes": 5, "engineId": "engine_" + "0" * 32}}
    assert await refused(saved(scene, unknown)) == "NOT_FOUND"


def channels_of(url: str) -> dict[str, Any]:
    """A channel of each vendor, at one address."""
    chats = {vendor: {"url": f"{url}/{vendor}/T0123456789ABCDEF"} for vendor in ("slack", "teams", "discord")}
    pager = {"routingKey": KEY, "severity": "CRITICAL", "url": f"{url}/pagerduty"}
    return {
        **chats,
        "pagerDuty": pager,
        "ntfy": {"url": f"{url}/ntfy/topic-0123456789abcdef", "token": "tk_0123456789"},
    }


def posted(scene: Scene, since: int = 0) -> dict[str, list[Request]]:
    """What each vendor got."""
    found: dict[str, list[Request]] = {vendor: [] for vendor in CHECKS}
    for request in list(scene.receiver.requests)[since:]:
        vendor = request.path.split("/")[1]
        if vendor in found:
            found[vendor].append(request)
    return found


async def test_alert_006_each_vendor_gets_its_own_form_and_the_end(scene: Scene) -> None:
    """Each channel MUST get alerts in the form that its vendor documents, and the end where the rule wants that."""
    name, id_ = await scene.workflow()
    url = f"http://127.0.0.1:{scene.receiver.port}"
    rule = await saved(scene, {"failuresInARow": 2}, workflowId=id_, channels=channels_of(url), notifyRecovery=True)
    assert {each["kind"] for each in rule["channels"]} == {"SLACK", "PAGERDUTY", "TEAMS", "DISCORD", "NTFY"}
    assert {each["target"] for each in rule["channels"]} == {"127.0.0.1"}
    scene.report(name, "ff", 0, type="IOError", message="@everyone <!channel> " + "é" * 20_000)
    await alerts(scene, rule, 1)
    scene.report(name, "s", 9)
    await alerts(scene, rule, 1, "endedAt")

    async def all_told() -> bool:
        return all(len(requests) == 2 for requests in posted(scene).values())

    await until(all_told, "notices")
    told = {vendor: [checked(vendor, each) for each in requests] for vendor, requests in posted(scene).items()}
    said = [json.dumps(messages[0]) for messages in told.values()]
    assert all("failed 2 times in a row" in each for each in said), said
    trigger, resolve = told["pagerduty"]
    assert (trigger["payload"]["severity"], resolve["event_action"]) == ("critical", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"]
    ntfy = posted(scene)["ntfy"][0]
    assert (ntfy.path, ntfy.headers["authorization"]) == ("/ntfy/", "Bearer tk_0123456789")
    (alert,) = await alerts(scene, rule, 1)
    assert {(each["notice"], each["attempts"], each["givenUp"]) for each in alert["deliveries"]} == {
        *(("FIRED", 1, False), ("ENDED", 1, False)),
    }


async def test_alert_006_what_a_channel_refuses_is_given_up_and_no_secret_is_told(scene: Scene) -> None:
    """A refusal for good MUST end the delivery, and neither it nor the audit nor the log may tell a secret."""
    name, id_ = await scene.workflow()
    url = f"http://127.0.0.1:{scene.receiver.port}"
    channels = {"slack": channels_of(url)["slack"], "pagerDuty": channels_of(url)["pagerDuty"]}
    rule = await saved(scene, {"failuresInARow": 1}, workflowId=id_, channels=channels)
    scene.receiver.answer = lambda request: Answer(400, b"invalid_payload " + request.path.encode() + request.body[:80])
    try:
        scene.report(name, "f", 0)
        await alerts(scene, rule, 1)

        async def given_up() -> bool:
            (alert,) = await alerts(scene, rule, 1)
            return all(each["givenUp"] for each in alert["deliveries"])

        await until(given_up, "end of the deliveries")
        tested = (await scene.runwatch.query(TEST, {"id": rule["id"]}))["testAlertRule"]["outcomes"]
    finally:
        scene.receiver.answer = Answer()
    (alert,) = await alerts(scene, rule, 1)
    assert all(each["lastError"].startswith("400 Bad Request: invalid_payload") for each in alert["deliveries"])
    said = json.dumps([alert, tested, await scene.runwatch.query(AUDIT)]) + scene.server.log
    for secret in (KEY, "T0123456789ABCDEF", "tk_0123456789"):
        assert secret not in said


def test_alert_006_no_address_has_a_user_in_it(scene: Scene) -> None:
    """An address with a user or a password MUST be refused in each channel, by the channel's name, and not be told."""
    for user in ("ann:pass-w0rd@", "pass-w0rd@", ":pass-w0rd@", "@"):
        address = f"http://{user}127.0.0.1:{scene.receiver.port}"
        channels = channels_of(address)
        given: dict[str, dict[str, Any]] = {"webhookurl": {"webhookUrl": f"{address}/hook"}}
        given |= {f"channels.{kind}.url".lower(): {"channels": {kind: each}} for kind, each in channels.items()}
        for name, more in given.items():
            answer = scene.runwatch.ask(SAVE, input={"condition": {"failuresInARow": 1}, **more})
            (error,) = answer["errors"]
            assert error["extensions"]["code"] == "BAD_USER_INPUT"
            assert error["message"].lower().startswith(f"{name}: no user or password in the url"), error
            assert "pass-w0rd" not in str(answer)
    assert "pass-w0rd" not in scene.server.log


async def test_alert_007_quiet_hours_hold_what_a_rule_tells(scene: Scene) -> None:
    """In its quiet hours a rule MUST fire and tell nobody; the alert says until when."""
    name, id_ = await scene.workflow()
    now = datetime.now(UTC)
    begin, end = now - timedelta(minutes=2), now + timedelta(minutes=30)
    quiet = {"from": f"{begin:%H:%M}", "to": f"{end:%H:%M}", "timeZone": "UTC"}
    url = f"http://127.0.0.1:{scene.receiver.port}"
    rule = await saved(
        scene, {"failuresInARow": 1}, workflowId=id_, quietHours=quiet, channels={"slack": {"url": f"{url}/quiet"}}
    )
    assert rule["quietHours"] == quiet
    scene.report(name, "f", 0)
    (alert,) = await alerts(scene, rule, 1, "heldUntil")
    assert alert["heldUntil"] == f"{end:%Y-%m-%dT%H:%M}:00.000000Z"
    assert alert["deliveries"] == []
    assert alert["rule"]["lastFiredAt"] is not None
    assert [each for each in scene.receiver.requests if each.path == "/quiet"] == []


async def test_alert_008_a_preview_counts_and_proposals_fit_the_week(scene: Scene) -> None:
    """A preview MUST count when a rule would have fired; proposals MUST be of kinds that no rule has."""
    name, id_ = await scene.workflow()
    scene.report(name, "ffsfff", 0)
    for count, times in ((2, 2), (3, 1), (4, 0)):
        about = {"condition": {"failuresInARow": count}, "workflow": id_}
        preview = (await scene.runwatch.query(PREVIEW, about))["alertPreview"]
        assert (preview["count"], len(preview["firedAt"]), preview["runs"]) == (times, times, 7)
        assert preview["complete"]
    viewer = scene.runwatch.token("viewer")
    proposed = (await scene.runwatch.query(PROPOSALS, token=viewer))["alertProposals"]
    kinds = [[name for name, value in each["condition"].items() if value is not None] for each in proposed]
    assert ["failuresInARow"] in kinds
    everything = await saved(scene, {"failuresInARow": 3})
    listed = (await scene.runwatch.query(RULES, token=viewer))["alertRules"]
    assert [each["preview"]["runs"] > 0 for each in listed if each["id"] == everything["id"]] == [True]
    left = (await scene.runwatch.query(PROPOSALS, token=viewer))["alertProposals"]
    assert len(left) == len(proposed) - 1
    given = {"condition": {"failuresInARow": 3}}
    for more in ({"days": 0}, {"days": 31}, {"condition": {"slowRun": 1}}, {"workflow": everything["id"]}):
        assert await refused(scene.runwatch.query(PREVIEW, {**given, **more})) == "BAD_USER_INPUT", more


async def test_alert_009_a_test_reaches_each_channel_at_once(scene: Scene) -> None:
    """A test MUST be sent by each channel of a rule, by administrators alone, and say what became of it."""
    url = f"http://127.0.0.1:{scene.receiver.port}"
    given = {"channels": {**channels_of(url), "page": True}, "webhookUrl": f"{url}/hook", "email": "ops@example.com"}
    rule = await saved(scene, {"failuresInARow": 1}, **given, enabled=False)
    before = len(scene.receiver.requests)
    outcomes = (await scene.runwatch.query(TEST, {"id": rule["id"]}))["testAlertRule"]["outcomes"]
    assert {each["channel"]["kind"]: each["error"] for each in outcomes} == dict.fromkeys(
        ("WEBHOOK", "EMAIL", "SLACK", "PAGERDUTY", "TEAMS", "DISCORD", "NTFY")
    )
    for vendor, requests in posted(scene, before).items():
        assert len(requests) == 1
        checked(vendor, requests[0])
    (hooked,) = [each for each in scene.receiver.requests[before:] if each.path == "/hook"]
    assert json.loads(hooked.body)["type"] == "alert.test"
    assert any("Test" in mail.message["subject"] for mail in list(scene.mail.mails))
    assert await refused(scene.runwatch.query(TEST, {"id": rule["id"]}, scene.runwatch.token("viewer"))) == "FORBIDDEN"
    assert await refused(scene.runwatch.query(TEST, {"id": "alertRule_" + "0" * 32})) == "NOT_FOUND"
