"""Renewing the secret of a rule's webhook: which secrets sign then, once for each key, and what the audit has."""

from __future__ import annotations

import asyncio

import pytest

from app import clock
from app.alerts.renewal import Renewal, renew_secret
from app.alerts.rules import SavedRule
from app.db import Database
from app.errors import Conflict, NotFound
from tests.app.alerts.scene import URL, Scene
from tests.app.reports import select
from tests.sealing import SEALER

EMAIL = "ops@example.com"


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


async def renew(scene: Scene, rule_id: str, key: str | None = None) -> SavedRule:
    return await renew_secret(scene.database, SEALER, "ada", Renewal(rule_id, clock.HOUR, key))


async def test_a_secret_is_renewed_with_an_overlap(scene: Scene) -> None:
    first = await scene.rule(3, email=EMAIL)
    id_, before = first.rule.id, clock.now_us()
    renewed = await renew(scene, id_)
    assert (renewed.rule.id, renewed.rule.webhook_host, renewed.rule.email) == (id_, "hooks.example", EMAIL)
    assert renewed.signing_secret not in (None, first.signing_secret)
    webhook = await scene.webhook_of(id_)
    assert (webhook.url, webhook.secret, webhook.previous) == (URL, renewed.signing_secret, first.signing_secret)
    assert before + clock.HOUR <= int(webhook.previous_until) <= clock.now_us() + clock.HOUR
    assert (await scene.rule(5, id=id_, webhook_url=URL)).signing_secret is None
    assert await scene.webhook_of(id_) == webhook
    mailed = await scene.rule(3, webhook_url=None, email=EMAIL)
    with pytest.raises(Conflict, match="no webhook"):
        await renew(scene, mailed.rule.id)
    with pytest.raises(NotFound):
        await renew(scene, "0" * 32)
    entries = await select(scene.database, "audit_entries", "action = 'renewAlertSecret'")
    assert [entry["actor"] for entry in entries] == ["ada"]
    assert renewed.signing_secret not in repr(entries)


async def test_the_same_key_gives_the_same_secret(scene: Scene) -> None:
    """Also at the same moment, and after the rule was saved; another key, none, and another rule give another one."""
    first = await scene.rule(3)
    id_ = first.rule.id
    one, other = await asyncio.gather(renew(scene, id_, "a click"), renew(scene, id_, "a click"))
    assert one == other
    assert (await scene.webhook_of(id_)).previous == first.signing_secret, "its receiver still has it"
    await scene.rule(5, id=id_, webhook_url=URL)
    keys = ("a click", "another", None, None, "a click")
    secrets = [first.signing_secret, *[(await renew(scene, id_, key)).signing_secret for key in keys]]
    assert one.signing_secret == secrets[1]
    assert len({*secrets}) == 6
    second = await scene.rule(3)
    assert (await renew(scene, second.rule.id, "a click")).signing_secret not in secrets
    assert len(await select(scene.database, "audit_entries", "action = 'renewAlertSecret'")) == 6
