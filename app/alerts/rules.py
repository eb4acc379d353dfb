"""Alert rules: how many failures in a row of which workflow alert whom, and how. Administrators manage them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from app import audit, clock, ids
from app.alerts.channels import Channels, Webhook, checked_email, new_webhook
from app.alerts.streaks import MAX_COUNT
from app.db import Database, Transaction
from app.db.rows import RowsOf
from app.errors import BadInput, Conflict, LimitExceeded, NotFound
from app.ids import is_id, new_id
from app.secrets.sealing import CannotUnseal, Sealer

# Each batch of failures reads all of them, and one list shows them.
MAX_RULES = 500


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A rule. The URL and secret of its webhook are sealed, and not in here."""

    id: str
    workflow_id: str | None  # None: every workflow, each by itself
    consecutive_failures: int
    webhook_host: str | None
    email: str | None
    enabled: bool


class Unchanged:
    """Stands for a field that was not given: it stays, and in a new rule is None."""


UNCHANGED = Unchanged()


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule to create (`id` None) or change. BadInput for invalid values."""

    id: str | None
    consecutive_failures: int
    enabled: bool = True
    workflow_id: str | Unchanged | None = UNCHANGED
    webhook_url: str | Unchanged | None = UNCHANGED
    email: str | Unchanged | None = UNCHANGED

    def __post_init__(self) -> None:
        if not 1 <= self.consecutive_failures <= MAX_COUNT:
            raise BadInput(f"consecutiveFailures: must be 1 to {MAX_COUNT}, not {self.consecutive_failures}")


@dataclass(frozen=True, slots=True)
class SavedRule:
    """A saved rule, and the secret that signs its webhook if that is new."""

    rule: AlertRule
    signing_secret: str | None


class _Kept(msgspec.Struct):
    """What is kept of a rule beside it."""

    webhook_sealed: str | None
    created_at: int


_RULES = RowsOf(AlertRule)
_KEPT = RowsOf(_Kept)


async def save(database: Database, sealer: Sealer, channels: Channels, actor: str, change: RuleChange) -> SavedRule:
    """Create or change a rule.

    Raises NotFound for an unknown rule or workflow, BadInput for an invalid channel or for none, LimitExceeded for too
    many rules.
    """
    webhook = None
    if isinstance(change.webhook_url, str):
        webhook = new_webhook(change.webhook_url, channels)
    if isinstance(change.email, str):
        change = replace(change, email=checked_email(change.email, channels))

    async def work(transaction: Transaction) -> SavedRule:
        await _check_workflow(transaction, change.workflow_id)
        if change.id is None:
            return await _insert(transaction, sealer, actor, change, webhook)
        return await _update(transaction, sealer, actor, change, webhook)

    return await database.transaction(work)


async def renew_secret(database: Database, sealer: Sealer, actor: str, id_: str, overlap: int) -> SavedRule:
    """Give the webhook of a rule another secret; the present one signs too for `overlap` µs.

    Raises NotFound for an unknown rule, Conflict for one without a webhook, or whose webhook no key opens.
    """

    async def work(transaction: Transaction) -> SavedRule:
        rule, kept = await _locked(transaction, id_)
        if kept.webhook_sealed is None:
            raise Conflict("The alert rule has no webhook")
        try:
            webhook = Webhook.unsealed(sealer, kept.webhook_sealed).renewed(clock.now_us() + overlap)
        except CannotUnseal as error:
            raise Conflict(error.message) from None
        await _write(transaction, rule, sealer.encrypt(webhook.content), kept.created_at, clock.now_us())
        detail = {"webhookHost": rule.webhook_host, "overlapHours": overlap / clock.HOUR}
        await audit.note(transaction, actor, "renewAlertSecret", ids.to_global("alertRule", id_), detail)
        return SavedRule(rule, webhook.secret)

    return await database.transaction(work)


async def delete(database: Database, actor: str, id_: str) -> None:
    """Delete a rule with its channels. Its alerts stay. Raises NotFound for an unknown one."""

    async def work(transaction: Transaction) -> None:
        rows = await transaction.fetch(
            "UPDATE alert_rules SET deleted_at = $2, enabled = FALSE, webhook_sealed = NULL, webhook_host = NULL,"
            " email = NULL WHERE id = $1 AND deleted_at IS NULL RETURNING id",
            id_,
            clock.now_us(),
        )
        if not rows:
            raise NotFound("No such alert rule")
        await audit.note(transaction, actor, "deleteAlertRule", ids.to_global("alertRule", id_))

    await database.transaction(work)


async def list_all(database: Database) -> list[AlertRule]:
    """All rules, oldest first, without deleted ones."""
    rows = await database.fetch(f"SELECT {_RULES.columns} FROM alert_rules WHERE deleted_at IS NULL ORDER BY id")
    return _RULES.read_all(rows)


async def by_ids(database: Database, rule_ids: Iterable[str]) -> dict[str, AlertRule]:
    """The rules with these ids, by id, deleted ones too. Leaves out unknown ones."""
    known = [id_ for id_ in rule_ids if is_id(id_)]
    condition = database.any_of("id", 1, "id")
    rows = await database.fetch(f"SELECT {_RULES.columns} FROM alert_rules WHERE {condition}", database.array(known))
    return {each.id: each for each in _RULES.read_all(rows)}


async def _insert(
    transaction: Transaction, sealer: Sealer, actor: str, change: RuleChange, webhook: Webhook | None
) -> SavedRule:
    rows = await transaction.fetch("SELECT count(*) FROM alert_rules WHERE deleted_at IS NULL")
    if rows[0][0] >= MAX_RULES:
        raise LimitExceeded(f"At most {MAX_RULES} alert rules; delete one first")
    now = clock.now_us()
    rule = AlertRule(
        id=new_id(now),
        workflow_id=_given(change.workflow_id, None),
        consecutive_failures=change.consecutive_failures,
        webhook_host=None if webhook is None else webhook.host,
        email=_given(change.email, None),
        enabled=change.enabled,
    )
    _check_channels(rule)
    sealed = None if webhook is None else sealer.encrypt(webhook.content)
    await _write(transaction, rule, sealed, now, now)
    await _note(transaction, actor, rule)
    return SavedRule(rule, None if webhook is None else webhook.secret)


async def _update(
    transaction: Transaction,
    sealer: Sealer,
    actor: str,
    change: RuleChange,
    webhook: Webhook | None,
) -> SavedRule:
    before, kept = await _locked(transaction, change.id)
    sealed = kept.webhook_sealed
    secret = None
    host = before.webhook_host
    if change.webhook_url is None:
        sealed = host = None
    elif webhook is not None and not _same_url(sealer, sealed, webhook.url):
        sealed, host, secret = sealer.encrypt(webhook.content), webhook.host, webhook.secret
    rule = AlertRule(
        id=before.id,
        workflow_id=_given(change.workflow_id, before.workflow_id),
        consecutive_failures=change.consecutive_failures,
        webhook_host=host,
        email=_given(change.email, before.email),
        enabled=change.enabled,
    )
    _check_channels(rule)
    await _write(transaction, rule, sealed, kept.created_at, clock.now_us())
    await _note(transaction, actor, rule)
    return SavedRule(rule, secret)


async def _locked(transaction: Transaction, id_: str | None) -> tuple[AlertRule, _Kept]:
    rows = await transaction.fetch(
        f"SELECT {_RULES.columns}, {_KEPT.columns} FROM alert_rules WHERE id = $1 AND deleted_at IS NULL"
        f" {transaction.for_update}",
        id_,
    )
    if not rows:
        raise NotFound("No such alert rule")
    rule, rest = _RULES.split(rows[0])
    return rule, _KEPT.read(rest)


async def _check_workflow(transaction: Transaction, id_: str | Unchanged | None) -> None:
    if isinstance(id_, str) and not await transaction.fetch("SELECT 1 FROM workflows WHERE id = $1", id_):
        raise NotFound("No such workflow")


def _given(value: str | Unchanged | None, otherwise: str | None) -> str | None:
    return otherwise if isinstance(value, Unchanged) else value


def _check_channels(rule: AlertRule) -> None:
    if rule.webhook_host is None and rule.email is None:
        raise BadInput("An alert rule needs a webhookUrl or an email")


def _same_url(sealer: Sealer, sealed: str | None, url: str) -> bool:
    """Whether a webhook stays as it is. One that no key opens does not."""
    if sealed is None:
        return False
    try:
        return Webhook.unsealed(sealer, sealed).url == url
    except CannotUnseal:
        return False


async def _write(transaction: Transaction, rule: AlertRule, sealed: str | None, created_at: int, now: int) -> None:
    row = {
        **{name: getattr(rule, name) for name in _RULES.names},
        "webhook_sealed": sealed,
        "created_at": created_at,
        "updated_at": now,
    }
    await transaction.upsert("alert_rules", tuple(row), [tuple(row.values())], key=("id",))


async def _note(transaction: Transaction, actor: str, rule: AlertRule) -> None:
    workflow = None if rule.workflow_id is None else ids.to_global("workflow", rule.workflow_id)
    detail: dict[str, Any] = {
        "workflow": workflow,
        "consecutiveFailures": rule.consecutive_failures,
        "webhookHost": rule.webhook_host,
        "email": rule.email,
        "enabled": rule.enabled,
    }
    await audit.note(transaction, actor, "saveAlertRule", ids.to_global("alertRule", rule.id), detail)
