"""Alerts: rules, which administrators manage, and the history, which everybody may read."""

from __future__ import annotations

from app.alerts import history, preview, proposals, renewal, rules, testing
from app.alerts.conditions import AnyCondition
from app.alerts.history import Alert, AlertFilter, Delivery
from app.alerts.preview import Preview
from app.alerts.proposals import Proposal
from app.alerts.renewal import Renewal
from app.alerts.rules import AlertRule, RuleChange, SavedRule
from app.alerts.testing import Outcome
from app.auth import Permission
from app.paging import PageRequest
from resolvers.arguments import Argument
from resolvers.context import Context
from resolvers.lists import CountedList, read_list


async def list_rules(context: Context) -> list[AlertRule]:
    """All rules, oldest first."""
    context.require(Permission.READ)
    return await rules.list_all(context.database)


async def find_rule(context: Context, id_: str) -> AlertRule | None:
    """One rule, deleted or not; None for an unknown id."""
    context.require(Permission.READ)
    return await context.loaders.alert_rules.load(id_)


async def save_rule(context: Context, change: Argument[RuleChange]) -> SavedRule:
    """Create or change a rule."""
    context.require(Permission.MANAGE_ALERTS)
    return await rules.save(context.database, context.sealer, context.alert_channels, context.viewer.name, change())


async def renew_secret(context: Context, wanted: Argument[Renewal]) -> SavedRule:
    """Give a rule's webhook another secret; both sign for a while."""
    context.require(Permission.MANAGE_ALERTS)
    return await renewal.renew_secret(context.database, context.sealer, context.viewer.name, wanted())


async def delete_rule(context: Context, id_: Argument[str]) -> None:
    """Delete a rule."""
    context.require(Permission.MANAGE_ALERTS)
    await rules.delete(context.database, context.viewer.name, id_())


async def test_rule(context: Context, id_: Argument[str]) -> list[Outcome]:
    """Send a test by each channel of a rule."""
    context.require(Permission.MANAGE_ALERTS)
    return await testing.send_test(context.database, context.tellers, context.viewer.name, id_())


async def preview_rule(
    context: Context, condition: Argument[AnyCondition], workflow_id: Argument[str | None], days: int
) -> Preview:
    """When a rule would have fired."""
    context.require(Permission.READ)
    context.budget.take_list(preview.MAX_RUNS // preview.RUNS_OF_A_ROW)
    return await preview.preview(context.database, condition(), workflow_id(), days)


async def propose_rules(context: Context) -> list[Proposal]:
    """Rules to begin with."""
    context.require(Permission.READ)
    context.budget.take_list(preview.MAX_RUNS // preview.RUNS_OF_A_ROW)
    return await proposals.proposals(context.database)


async def last_fired_at(context: Context, rule_id: str) -> int | None:
    """When a rule last fired, in µs."""
    context.require(Permission.READ)
    return await context.loaders.alert_last_fired.load(rule_id)


async def list_alerts(
    context: Context, where: Argument[AlertFilter], request: Argument[PageRequest]
) -> CountedList[Alert]:
    """A page of the alerts that match, newest first."""
    context.require(Permission.READ)
    database, filter_, given = context.database, where(), request()
    return await read_list(
        context,
        given,
        lambda: history.list_page(database, given, filter_),
        lambda: history.count(database, filter_),
    )


async def find_delivery(context: Context, alert_id: str) -> Delivery:
    """The delivery status of an alert."""
    context.require(Permission.READ)
    found = await context.loaders.alert_deliveries.load(alert_id)
    return found or Delivery()
