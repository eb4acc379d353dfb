"""Sends a test by the channels of a rule, at once, and says what became of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import NamedTuple

from app import audit, clock, ids
from app.alerts import rules
from app.alerts.channels import EMAIL, PAGE, Channel
from app.alerts.delivery import MailHandler, PostHandler
from app.alerts.telling import Notice
from app.db import Database, Transaction
from app.delivery import outbox
from app.delivery.port import NotDelivered
from app.errors import NotFound
from app.ids import new_id


class Tellers(NamedTuple):
    """What delivers notices in this process."""

    posts: PostHandler
    mail: MailHandler
    public_url: str

    async def test(self, channel: Channel, notice: Notice) -> str | None:
        """Send by one channel; returns why it did not take it."""
        try:
            await (self.mail if channel.kind == EMAIL else self.posts).test(channel, notice)
        except NotDelivered as error:
            return outbox.readable(str(error))
        return None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a test by one channel; `error` None: it took it."""

    channel: Channel
    error: str | None


async def send_test(database: Database, tellers: Tellers, actor: str, rule_id: str) -> list[Outcome]:
    """Send a test by each channel of a rule, all at once. Raises NotFound for an unknown rule."""
    rule = (await rules.by_ids(database, [rule_id])).get(rule_id)
    if rule is None or not rule.channels:  # deleted
        raise NotFound(f"id: no such alertRule: {ids.to_global('alertRule', rule_id)!r}")
    notice = Notice.test(new_id(clock.now_us()), rule, tellers.public_url)
    told = [each for each in rule.channels if each.kind != PAGE]
    errors = await asyncio.gather(*(tellers.test(each, notice) for each in told))
    outcomes = [Outcome(*each) for each in zip(told, errors, strict=True)]

    async def work(transaction: Transaction) -> None:
        detail = {"channels": {each.channel.kind: each.error is None for each in outcomes}}
        await audit.note(transaction, actor, "testAlertRule", ids.to_global("alertRule", rule_id), detail)

    await database.transaction(work)
    return outcomes
