"""Rules: what can be saved, what a change keeps, what the API shows of a webhook, and what the audit has."""

from __future__ import annotations

import base64
import ipaddress
from itertools import product
from typing import Any

import orjson
import pytest

from app import ids
from app.alerts import rules
from app.alerts.channels import WEBHOOK, Channels, Webhook
from app.alerts.conditions import FailuresInARow
from app.alerts.rules import UNCHANGED, AlertRule, RuleChange
from app.db import Database
from app.delivery.addresses import Network
from app.delivery.guarded import MAX_URL_LENGTH
from app.errors import AppError, BadInput, LimitExceeded, NotFound
from app.secrets import rotation
from app.secrets.redaction import DEFAULT_SEALED_KEYS, SealedKeys
from app.secrets.sealing import Sealer, new_key
from tests.app.alerts.scene import URL, Scene, run
from tests.app.reports import select
from tests.sealing import KEY, SEALER

UNKNOWN = "0" * 32
EMAIL = "ops@example.com"


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


def shown(rule: AlertRule) -> tuple[object, ...]:
    """What is shown of a rule."""
    return rule.id, rule.workflow_id, rule.consecutive_failures, rule.webhook_host, rule.email, rule.enabled


async def test_a_rule(scene: Scene) -> None:
    saved = await scene.rule(3, email=EMAIL)
    assert saved.signing_secret is not None
    assert len(base64.b64decode(saved.signing_secret.removeprefix("whsec_"))) == 32
    assert shown(saved.rule) == (saved.rule.id, None, 3, "hooks.example", EMAIL, True)
    assert await rules.list_all(scene.database) == [saved.rule]
    assert await scene.webhook_of(saved.rule.id) == Webhook(URL, saved.signing_secret, "hooks.example")


async def test_url_and_secret_are_in_no_row(scene: Scene) -> None:
    saved = await scene.rule(3)
    await scene.rule(4, id=saved.rule.id)
    tables = ("alert_channels", "alert_rules", "audit_entries")
    rows = repr([await select(scene.database, table, "1 = 1") for table in tables])
    assert "T0123456789ABCDEF" not in rows
    assert saved.signing_secret is not None
    assert saved.signing_secret[6:] not in rows


async def test_a_change_keeps_what_is_not_given(scene: Scene) -> None:
    await scene.tell(*run("run", 0))
    workflow_id = await scene.workflow_id()
    first = await scene.rule(3, email=EMAIL, workflow_id=workflow_id)
    change = RuleChange(first.rule.id, FailuresInARow(5), enabled=False)
    kept = await rules.save(scene.database, SEALER, Channels(), "ada", change)
    assert kept.signing_secret is None
    assert shown(kept.rule) == (first.rule.id, workflow_id, 5, "hooks.example", EMAIL, False)
    assert (await scene.webhook_of(first.rule.id)).secret == first.signing_secret
    same = await scene.rule(5, id=first.rule.id, webhook_url=URL)
    assert same.signing_secret is None
    assert (await scene.webhook_of(first.rule.id)).secret == first.signing_secret
    other = await scene.rule(5, id=first.rule.id, webhook_url="https://other.example/", workflow_id=None, email=None)
    assert other.signing_secret not in (None, first.signing_secret)
    assert shown(other.rule) == (first.rule.id, None, 5, "other.example", None, True)
    mailed = await scene.rule(5, id=first.rule.id, webhook_url=None, email=EMAIL)
    assert (mailed.rule.webhook_host, mailed.rule.email, mailed.signing_secret) == (None, EMAIL, None)
    assert await select(scene.database, "alert_channels", "kind = 'webhook'") == []
    again = await scene.rule(5, id=first.rule.id, webhook_url="https://other.example/")
    assert again.signing_secret not in (None, other.signing_secret)


async def test_an_address_is_kept_in_the_form_that_mail_servers_take(scene: Scene) -> None:
    saved = await scene.rule(3, webhook_url=None, email="Ops@bücher.example")
    assert saved.rule.email == "Ops@xn--bcher-kva.example"
    assert await rules.list_all(scene.database) == [saved.rule]


CHANGES: list[tuple[dict[str, Any], type[AppError]]] = [
    ({"consecutive_failures": 0}, BadInput),
    ({"consecutive_failures": -1}, BadInput),
    ({"consecutive_failures": 10_001}, BadInput),
    ({"workflow_id": UNKNOWN}, NotFound),
    ({"id": UNKNOWN}, NotFound),
    ({"webhook_url": None}, BadInput),
    *(
        ({"webhook_url": url}, BadInput)
        for url in (
            *("", "nonsense", "ftp://hooks.example/", "file:///etc/passwd", "https://", "https:///path", "//x.example"),
            *("https://a b/", "https://x.example/\n", "https://x.example:port/", "javascript:alert(1)"),
            *("http://127.0.0.1/", "http://127.1/", "http://0x7f000001/", "http://2130706433/", "http://[::1]/"),
            *("http://[::ffff:10.0.0.1]/", "http://169.254.169.254/latest/", "http://10.1.2.3:8080/"),
            *("http://localhost:9/", "http://LOCALHOST/", "http://api.localhost/", "http://0.0.0.0/"),
            *("https://x.example:0/", "https://a..b/", "https://.../", f"https://{'x' * 64}.example/"),
            "https://x.example/" + "x" * MAX_URL_LENGTH,
        )
    ),
    *(
        ({"email": email}, BadInput)
        for email in (
            *("", "ops", "@example.com", "ops@", "a@b, c@d", "Ops <ops@example.com>", "ops@exam ple.com"),
            *("a..b@example.com", ".ops@example.com", "ops.@example.com", "ops@example..com", "ops@-example.com"),
            *("ops@example.com.", "ops@a-.example", "x" * 65 + "@example.com"),
            *("ops@example.com\nBcc: all@example.com", "ops\r@example.com", "öps@example.com", '"a b"@example.com'),
            "ops@" + "e" * 254 + ".com",
        )
    ),
]


async def test_invalid_rules_change_nothing(scene: Scene) -> None:
    first = await scene.rule(3)
    before = await select(scene.database, "alert_rules", "1 = 1")
    for (given, error), id_ in product(CHANGES, (None, first.rule.id)):
        failures = given.get("consecutive_failures", 3)
        more = {name: value for name, value in given.items() if name != "consecutive_failures"}
        refused = None
        try:
            await scene.rule(failures, **{"id": id_, **more})
        except AppError as raised:
            refused = type(raised)
        assert refused is error, (given, id_)
        assert await select(scene.database, "alert_rules", "1 = 1") == before, (given, id_)
    assert len(await select(scene.database, "audit_entries", "1 = 1")) == 1


async def test_channels_are_those_that_the_operator_allows(scene: Scene) -> None:
    networks: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("10.0.0.0/8"))
    for url in ("https://x.example./", "https://bücher.example/", "https://a_b.example/", "https://[2606:4700::1111]/"):
        assert (await scene.rule(1, webhook_url=url, allowed=Channels())).signing_secret
    for url in ("http://127.0.0.1:8080/", "http://localhost/", "http://10.2.3.4/", "http://[::ffff:10.2.3.4]/"):
        assert (await scene.rule(1, webhook_url=url, allowed=Channels(networks))).signing_secret
    with pytest.raises(BadInput, match="RUNWATCH_ALERT_NETWORKS"):
        await scene.rule(1, webhook_url="http://192.168.1.1/", allowed=Channels(networks))
    with pytest.raises(BadInput, match="RUNWATCH_SMTP_URL"):
        await scene.rule(1, email=EMAIL, allowed=Channels(networks))


async def test_a_deleted_rule_is_not_listed_and_stays_for_its_alerts(scene: Scene) -> None:
    saved = await scene.rule(1, email=EMAIL)
    await rules.delete(scene.database, "bob", saved.rule.id)
    assert await rules.list_all(scene.database) == []
    found = await rules.by_ids(scene.database, [saved.rule.id, UNKNOWN, "nonsense"])
    assert list(map(shown, found.values())) == [(saved.rule.id, None, 1, None, None, False)]
    for again in (saved.rule.id, UNKNOWN):
        with pytest.raises(NotFound):
            await rules.delete(scene.database, "bob", again)
    with pytest.raises(NotFound):
        await scene.rule(1, id=saved.rule.id)
    assert await select(scene.database, "alert_channels", "1 = 1") == []


async def test_the_audit(scene: Scene) -> None:
    saved = await scene.rule(2, email=EMAIL, actor="ada")
    await rules.delete(scene.database, "bob", saved.rule.id)
    # By id they may come in any order: both may be of one millisecond.
    entries = await select(scene.database, "audit_entries", "1 = 1 ORDER BY actor")
    subject = ids.to_global("alertRule", saved.rule.id)
    assert [(entry["actor"], entry["action"], entry["subject"]) for entry in entries] == [
        ("ada", "saveAlertRule", subject),
        ("bob", "deleteAlertRule", subject),
    ]
    assert orjson.loads(entries[0]["detail"]) == {
        "workflow": None,
        "consecutiveFailures": 2,
        "webhookHost": "hooks.example",
        "email": EMAIL,
        "enabled": True,
        "condition": {"type": "failuresInARow", "count": 2},
        "channels": ["webhook", "email"],
        "notifyRecovery": False,
        "quietHours": None,
    }


async def test_rules_have_a_bound(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_RULES", 2)
    first = await scene.rule(1)
    await scene.rule(1)
    with pytest.raises(LimitExceeded):
        await scene.rule(1)
    await scene.rule(2, id=first.rule.id)
    await rules.delete(scene.database, "ada", first.rule.id)
    await scene.rule(1)


async def test_a_key_can_be_changed(scene: Scene) -> None:
    saved = await scene.rule(1)
    newer = new_key()
    sealed_keys = SealedKeys(DEFAULT_SEALED_KEYS.split(","))
    assert await rotation.rotate(scene.database, Sealer([newer, KEY], sealed_keys)) == (1, 0)
    assert (await scene.webhook_of(saved.rule.id, Sealer([newer], sealed_keys))).secret == saved.signing_secret
    # With neither key: the same URL replaces a webhook that nobody can read.
    lost = Sealer([new_key()], sealed_keys)
    change = RuleChange(saved.rule.id, UNCHANGED, channels={WEBHOOK: {"url": URL}})
    replaced = await rules.save(scene.database, lost, Channels(), "ada", change)
    assert replaced.signing_secret not in (None, saved.signing_secret)
