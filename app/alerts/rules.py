"""Alert rules: which condition of which workflow alerts whom, and how. Administrators manage them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

import msgspec

from app import audit, clock, ids
from app.alerts import channels, conditions, quiet_hours
from app.alerts.channels import EMAIL, WEBHOOK, Channel, Channels
from app.alerts.conditions import AnyCondition, EngineSilent, FailuresInARow
from app.alerts.quiet_hours import QuietHours
from app.db import Database, Reader, Row, Transaction
from app.db.rows import Column, RowsOf
from app.errors import BadInput, LimitExceeded, NotFound
from app.ids import is_id, new_id
from app.secrets.sealing import Sealer

T = TypeVar("T")

# Each batch of failures reads all of them, and one list shows them.
MAX_RULES = 500


class RuleRow(msgspec.Struct):
    """A rule as its table has it."""

    id: str
    workflow_id: str | None  # None: every workflow, each by itself
    condition: Annotated[AnyCondition, Column(read=conditions.decoded)]
    enabled: bool
    notify_recovery: bool
    quiet_hours: Annotated[QuietHours | None, Column(read=quiet_hours.decoded)]
    updated_at: int


class AlertRule(RuleRow):
    """A rule with its channels. What is secret of those is sealed."""

    channels: tuple[Channel, ...] = ()

    def channel(self, kind: str) -> Channel | None:
        """Its channel of a kind."""
        return next((each for each in self.channels if each.kind == kind), None)

    @property
    def webhook_host(self) -> str | None:
        """The host of its webhook."""
        return None if (webhook := self.channel(WEBHOOK)) is None else webhook.target

    @property
    def email(self) -> str | None:
        """Its e-mail address."""
        return None if (email := self.channel(EMAIL)) is None else email.target

    @property
    def consecutive_failures(self) -> int:
        """At how many failures in a row it fires; 0 if it is about something else."""
        return self.condition.count if isinstance(self.condition, FailuresInARow) else 0


class Unchanged:
    """Stands for a field that was not given: it stays, and in a new rule is as in AlertRule's table."""


UNCHANGED = Unchanged()


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule to create (`id` None) or change. BadInput for invalid values.

    `channels` has those that change, by kind: what they are to be, or None, which removes them.
    """

    id: str | None
    condition: AnyCondition | Unchanged
    enabled: bool = True
    workflow_id: str | Unchanged | None = UNCHANGED
    channels: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    notify_recovery: bool | Unchanged = UNCHANGED
    quiet_hours: QuietHours | Unchanged | None = UNCHANGED

    def __post_init__(self) -> None:
        if isinstance(self.condition, Unchanged):
            if self.id is None:
                raise BadInput("condition: a new rule needs one, or consecutiveFailures, 1 to 10000")
        else:
            self.condition.check()
        if isinstance(self.quiet_hours, QuietHours):
            self.quiet_hours.check()


@dataclass(frozen=True, slots=True)
class SavedRule:
    """A saved rule, and the secret that signs its webhook if that is new."""

    rule: AlertRule
    signing_secret: str | None


_RULES = RowsOf(RuleRow)


async def save(database: Database, sealer: Sealer, allowed: Channels, actor: str, change: RuleChange) -> SavedRule:
    """Create or change a rule.

    Raises NotFound for an unknown rule, workflow or engine, BadInput for an invalid channel or for none, LimitExceeded
    for too many rules.
    """
    given = {
        kind: None if content is None else channels.checked(kind, content, allowed, sealer)
        for kind, content in change.channels.items()
    }

    async def work(transaction: Transaction) -> SavedRule:
        await _check_subjects(transaction, change)
        before = None if change.id is None else await locked(transaction, change.id)
        if before is None:
            await _check_room(transaction)
        rule, secret = _changed(before, change, given, sealer)
        await _write(transaction, rule)
        if (
            before is not None and (rule.condition, rule.workflow_id) != (before.condition, before.workflow_id)
        ) or not rule.enabled:
            await forget(transaction, rule.id)
        await _note(transaction, actor, rule)
        return SavedRule(rule, secret)

    return await database.transaction(work)


async def delete(database: Database, actor: str, id_: str) -> None:
    """Delete a rule with its channels. Its alerts stay. Raises NotFound for an unknown one."""

    async def work(transaction: Transaction) -> None:
        rows = await transaction.fetch(
            "UPDATE alert_rules SET deleted_at = $2, enabled = FALSE WHERE id = $1 AND deleted_at IS NULL RETURNING id",
            id_,
            clock.now_us(),
        )
        if not rows:
            raise NotFound(f"id: no such alertRule: {ids.to_global('alertRule', id_)!r}")
        await channels.write(transaction, id_, ())
        await forget(transaction, id_)
        await audit.note(transaction, actor, "deleteAlertRule", ids.to_global("alertRule", id_))

    await database.transaction(work)


async def forget(transaction: Transaction, id_: str) -> None:
    """End what is open of a rule that is about something else now, or off: nobody is told, and it is armed again."""
    await transaction.fetch(
        "UPDATE alerts SET ended_at = $2 WHERE rule_id = $1 AND subject IS NOT NULL AND ended_at IS NULL",
        id_,
        clock.now_us(),
    )


async def list_all(database: Database) -> list[AlertRule]:
    """All rules, oldest first, without deleted ones."""
    return await _read(database, "deleted_at IS NULL ORDER BY id")


async def enabled(reader: Reader, workflow_ids: Iterable[str] | None = None) -> list[AlertRule]:
    """The rules that fire, oldest first; those that cover any of some workflows, if they are given."""
    condition = "deleted_at IS NULL AND enabled"
    if workflow_ids is None:
        return await _read(reader, f"{condition} ORDER BY id")
    covers = f"(workflow_id IS NULL OR {reader.any_of('workflow_id', 1, 'id')})"
    return await _read(reader, f"{condition} AND {covers} ORDER BY id", reader.array(workflow_ids))


async def by_ids(reader: Reader, rule_ids: Iterable[str]) -> dict[str, AlertRule]:
    """The rules with these ids, by id, deleted ones too. Leaves out unknown ones."""
    known = [id_ for id_ in rule_ids if is_id(id_)]
    found = await _read(reader, reader.any_of("id", 1, "id"), reader.array(known))
    return {each.id: each for each in found}


async def locked(transaction: Transaction, id_: str) -> AlertRule:
    """A rule that nobody else changes until the commit. Raises NotFound for an unknown or deleted one."""
    found = await _read(transaction, f"id = $1 AND deleted_at IS NULL {transaction.for_update}", id_)
    if not found:
        raise NotFound(f"id: no such alertRule: {ids.to_global('alertRule', id_)!r}")
    return found[0]


async def _read(reader: Reader, condition: str, *params: Any) -> list[AlertRule]:
    rows: Sequence[Row] = await reader.fetch(f"SELECT {_RULES.columns} FROM alert_rules WHERE {condition}", *params)
    found = [AlertRule(**msgspec.structs.asdict(each)) for each in _RULES.read_all(rows)]
    told = await channels.of_rules(reader, [each.id for each in found]) if found else {}
    for each in found:
        each.channels = told.get(each.id, ())
    return found


async def _check_room(transaction: Transaction) -> None:
    rows = await transaction.fetch("SELECT count(*) FROM alert_rules WHERE deleted_at IS NULL")
    if rows[0][0] >= MAX_RULES:
        raise LimitExceeded(f"At most {MAX_RULES} alert rules; delete one first")


async def _check_subjects(transaction: Transaction, change: RuleChange) -> None:
    id_ = change.workflow_id
    if isinstance(id_, str) and not await transaction.fetch("SELECT 1 FROM workflows WHERE id = $1", id_):
        raise NotFound(f"workflowId: no such workflow: {ids.to_global('workflow', id_)!r}")
    engine = change.condition.engine_id if isinstance(change.condition, EngineSilent) else None
    if engine is not None and not await transaction.fetch("SELECT 1 FROM engines WHERE id = $1", engine):
        raise NotFound(f"condition.engineSilence.engineId: no such engine: {ids.to_global('engine', engine)!r}")


def _changed(
    before: AlertRule | None, change: RuleChange, given: Mapping[str, Channel | None], sealer: Sealer
) -> tuple[AlertRule, str | None]:
    """The rule as it is to be, and the secret of its webhook if that is new."""
    now = clock.now_us()
    if before is None:
        assert not isinstance(change.condition, Unchanged)  # see RuleChange
        before = AlertRule(new_id(now), None, change.condition, True, False, None, now)
    told = {each.kind: each for each in before.channels}
    secret = None
    for kind, channel in given.items():
        if channel is None:
            told.pop(kind, None)
        elif not channels.kept(told.get(kind), channel, sealer):
            told[kind] = channel
            secret = channel.content(sealer)["secret"] if kind == WEBHOOK else secret
    rule = AlertRule(
        id=before.id,
        workflow_id=_given(change.workflow_id, before.workflow_id),
        condition=_given(change.condition, before.condition),
        enabled=change.enabled,
        notify_recovery=_given(change.notify_recovery, before.notify_recovery),
        quiet_hours=_given(change.quiet_hours, before.quiet_hours),
        updated_at=now,
        channels=tuple(told[kind] for kind in channels.KINDS if kind in told),
    )
    if not rule.channels:
        raise BadInput("An alert rule needs a webhookUrl, an email, or one of channels")
    if isinstance(rule.condition, EngineSilent) and rule.workflow_id is not None:
        raise BadInput("workflowId: must be null in a rule about engines")
    return rule, secret


def _given(value: T | Unchanged, otherwise: T) -> T:
    return otherwise if isinstance(value, Unchanged) else value


async def _write(transaction: Transaction, rule: AlertRule) -> None:
    stored = {"condition": conditions.encoded(rule.condition), "quiet_hours": quiet_hours.encoded(rule.quiet_hours)}
    row = {name: getattr(rule, name) for name in _RULES.names} | stored
    exists = await transaction.fetch("SELECT created_at FROM alert_rules WHERE id = $1", rule.id)
    # The clock looks at once: what it has seen was seen of the rule before.
    row |= {"looked_at": 0, "created_at": exists[0][0] if exists else rule.updated_at}
    await transaction.upsert("alert_rules", tuple(row), [tuple(row.values())], key=("id",))
    await channels.write(transaction, rule.id, rule.channels)


async def _note(transaction: Transaction, actor: str, rule: AlertRule) -> None:
    workflow = None if rule.workflow_id is None else ids.to_global("workflow", rule.workflow_id)
    detail: dict[str, Any] = {
        "workflow": workflow,
        "consecutiveFailures": rule.consecutive_failures,
        "webhookHost": rule.webhook_host,
        "email": rule.email,
        "enabled": rule.enabled,
        "condition": msgspec.to_builtins(rule.condition),
        "channels": [each.kind for each in rule.channels],
        "notifyRecovery": rule.notify_recovery,
        "quietHours": None if rule.quiet_hours is None else msgspec.to_builtins(rule.quiet_hours),
    }
    await audit.note(transaction, actor, "saveAlertRule", ids.to_global("alertRule", rule.id), detail)
