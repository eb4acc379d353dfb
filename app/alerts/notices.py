"""Notices: what a rule has to tell, by all its channels. In its quiet hours they wait, and go out together as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum

from app import clock
from app.alerts import rules
from app.alerts.channels import OUTBOX, PAGE, Channel
from app.alerts.rules import AlertRule
from app.db import Transaction
from app.delivery import outbox
from app.ids import new_id

# Held notices that one look sends. Of one rule all go out together.
MAX_RELEASED = 5_000


class NoticeKind(StrEnum):
    """What a notice says."""

    FIRED = "FIRED"
    ENDED = "ENDED"
    DIGEST = "DIGEST"
    TEST = "TEST"


async def add(transaction: Transaction, rule: AlertRule, kind: NoticeKind, alert_ids: Sequence[str]) -> None:
    """Tell of alerts of a rule: now, or after its quiet hours. That an alert fired has the alert's id."""
    now = clock.now_us()
    held_until = None if rule.quiet_hours is None else rule.quiet_hours.end_of(now)
    for alert_id in alert_ids:
        id_ = alert_id if kind is NoticeKind.FIRED else new_id(now)
        await _insert(transaction, id_, rule.id, alert_id, kind, held_until)
        if held_until is None:
            await _send(transaction, rule.channels, id_)


async def release(transaction: Transaction, now: int) -> int:
    """Send what was held until now, of each rule as one notice; returns how many."""
    rows = await transaction.fetch(
        "SELECT id, rule_id FROM alert_notices WHERE held_until IS NOT NULL AND held_until <= $1"
        f" ORDER BY held_until, id LIMIT {MAX_RELEASED}",
        now,
    )
    held: defaultdict[str, list[str]] = defaultdict(list)
    for id_, rule_id in rows:
        held[rule_id].append(id_)
    known = await rules.by_ids(transaction, held)
    for rule_id, notice_ids in held.items():
        together = None
        if len(notice_ids) > 1:
            together = new_id(now)
            await _insert(transaction, together, rule_id, None, NoticeKind.DIGEST, None)
        await transaction.fetch(
            f"UPDATE alert_notices SET held_until = NULL, digest_id = $2 WHERE {transaction.any_of('id', 1, 'id')}",
            transaction.array(notice_ids),
            together,
        )
        # A rule that was deleted meanwhile has no channels.
        await _send(transaction, known[rule_id].channels, together or notice_ids[0])
    return len(held)


async def _insert(
    transaction: Transaction, id_: str, rule_id: str, alert_id: str | None, kind: NoticeKind, held_until: int | None
) -> None:
    columns = ("id", "rule_id", "alert_id", "kind", "created_at", "held_until")
    row = (id_, rule_id, alert_id, kind.value, clock.now_us(), held_until)
    await transaction.insert("alert_notices", columns, [row])


async def _send(transaction: Transaction, channels: Sequence[Channel], notice_id: str) -> None:
    for channel in channels:
        if channel.kind != PAGE:
            await outbox.add(transaction, f"{OUTBOX}{channel.kind}", notice_id)
