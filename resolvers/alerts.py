"""Alerts: their rules, which administrators keep, and their history, which everybody reads."""

from __future__ import annotations

from app.alerts import history, rules
from app.alerts.history import Alert, Delivery
from app.alerts.rules import AlertRule, RuleChange, SavedRule
from app.auth import Permission
from app.changes import revisions
from app.paging import Count, Page, PageRequest
from resolvers.context import Context


async def list_rules(context: Context) -> list[AlertRule]:
    """All rules, the oldest first."""
    context.require(Permission.READ)
    return await rules.list_all(context.database)


async def find_rule(context: Context, id_: str) -> AlertRule | None:
    """One rule, also a deleted one, or None for an unknown id."""
    context.require(Permission.READ)
    return await context.loaders.alert_rules.load(id_)


async def save_rule(context: Context, change: RuleChange) -> SavedRule:
    """Make or change a rule."""
    context.require(Permission.MANAGE_ALERTS)
    return await rules.save(context.database, context.sealer, context.alert_channels, context.viewer.name, change)


async def delete_rule(context: Context, id_: str) -> None:
    """Take a rule away."""
    context.require(Permission.MANAGE_ALERTS)
    await rules.delete(context.database, context.viewer.name, id_)


async def list_alerts(context: Context, request: PageRequest) -> tuple[Page[Alert], str]:
    """A page of alerts, the newest first, and the place in the changes before it was read."""
    context.require(Permission.READ)
    context.budget.take_list(request.size)
    epoch, revision = await revisions.revision_of(context.database)
    return await history.list_page(context.database, request), revisions.updates_cursor(epoch, revision)


async def count_alerts(context: Context) -> Count:
    """How many alerts there are."""
    context.require(Permission.READ)
    return await history.count(context.database)


async def find_alert(context: Context, id_: str) -> Alert | None:
    """One alert, or None for an unknown id."""
    context.require(Permission.READ)
    return await context.loaders.alerts.load(id_)


async def find_delivery(context: Context, alert_id: str) -> Delivery:
    """How the delivery of an alert stands."""
    context.require(Permission.READ)
    found = await context.loaders.alert_deliveries.load(alert_id)
    return found or Delivery(None, None)
