"""Renews the secret that signs the webhook of an alert rule."""

from __future__ import annotations

from dataclasses import dataclass

from app import audit, clock, ids
from app.alerts import channels, rules
from app.alerts.channels import WEBHOOK, Webhook
from app.alerts.rules import SavedRule
from app.db import Database, Transaction
from app.errors import Conflict
from app.idempotency import check_key
from app.secrets.sealing import CannotUnseal, Sealer


@dataclass(frozen=True, slots=True)
class Renewal:
    """A rule's secret to be renewed; the present one signs too for `overlap` µs. BadInput for an invalid key.

    Asking again with the same `key` gives the same secret: a second renewal would take the one that the receiver still
    has out of the overlap.
    """

    rule_id: str
    overlap: int
    key: str | None = None

    def __post_init__(self) -> None:
        check_key(self.key)


async def renew_secret(database: Database, sealer: Sealer, actor: str, renewal: Renewal) -> SavedRule:
    """Give the webhook of a rule another secret.

    Raises NotFound for an unknown rule, Conflict for one without a webhook, or whose webhook no key opens.
    """

    async def work(transaction: Transaction) -> SavedRule:
        rule = await rules.locked(transaction, renewal.rule_id)
        channel = rule.channel(WEBHOOK)
        if channel is None:
            raise Conflict("The alert rule has no webhook")
        try:
            known = Webhook(**channel.content(sealer))
        except CannotUnseal as error:
            raise Conflict(error.message) from None
        if known.key is not None and known.key == renewal.key:
            return SavedRule(rule, known.secret)
        webhook = known.renewed(clock.now_us() + renewal.overlap, renewal.key)
        rule.channels = tuple(webhook.sealed(sealer) if each is channel else each for each in rule.channels)
        await channels.write(transaction, rule.id, rule.channels)
        detail = {"webhookHost": rule.webhook_host, "overlapHours": renewal.overlap / clock.HOUR}
        await audit.note(transaction, actor, "renewAlertSecret", ids.to_global("alertRule", rule.id), detail)
        return SavedRule(rule, webhook.secret)

    return await database.transaction(work)
