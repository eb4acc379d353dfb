"""Reads of alert rules and alerts."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from resolvers import alerts as alert_resolvers
from schema.alert import AlertConnection, AlertFilter
from schema.alert_condition import AlertConditionInput
from schema.alert_rule import AlertPreview, AlertProposal, AlertRule, Days
from schema.context import Info
from schema.paging import After, Before, First, Last, PageRequest
from schema.scalars import local_or_none


@strawberry.field(
    description=(
        "When a rule with this condition, about one workflow or about each, would have fired in the days before."
        " BAD_USER_INPUT for a condition or days out of range."
    )
)
async def alert_preview(
    info: Info,
    condition: Annotated[AlertConditionInput, strawberry.argument(description="What the rule would be about.")],
    workflow_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="Workflow to watch. Null: every workflow.")
    ] = None,
    days: Days = 7,
) -> AlertPreview | None:
    """Reckoned."""
    watched = partial(local_or_none, "workflowId", "workflow", workflow_id)
    return AlertPreview.of(await alert_resolvers.preview_rule(info.context, condition.condition, watched, days))


@strawberry.field(
    description=(
        "At most three rules about every workflow that somebody could begin with, made to the measure of the last"
        " seven days. None of a kind that a rule about every workflow has already, and none without any run."
    )
)
async def alert_proposals(info: Info) -> list[AlertProposal] | None:
    """Reckoned."""
    return [AlertProposal.of(each) for each in await alert_resolvers.propose_rules(info.context)]


@strawberry.field(description="All alert rules, oldest first. At most 500.")
async def alert_rules(info: Info) -> list[AlertRule] | None:
    """Rules are few."""
    return [AlertRule.of(rule) for rule in await alert_resolvers.list_rules(info.context)]


@strawberry.field(description="Fired alerts, newest first.")
async def alerts(
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[AlertFilter | None, strawberry.argument(description="Filter.")] = None,
) -> AlertConnection | None:
    """A page of the history of alerts."""
    where, request = partial(AlertFilter.where, filter), partial(PageRequest, first, after, last, before)
    return AlertConnection.of(await alert_resolvers.list_alerts(info.context, where, request))
