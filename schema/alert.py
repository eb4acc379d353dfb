"""Alerts: rules about consecutive failures, and what they fired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from app import clock, ids
from app.alerts import history, rules
from app.alerts.rules import UNCHANGED, RuleChange, Unchanged
from app.errors import BadInput
from resolvers import alerts as resolvers
from resolvers import workflows as workflow_resolvers
from schema import workflow
from schema.context import Info
from schema.node import Node
from schema.paging import Connection, Count, Edge, counted, edges, nodes
from schema.scalars import DateTime, verb_id

if TYPE_CHECKING:
    from schema.workflow import Workflow

# 30 days.
MAX_OVERLAP_HOURS = 720

LazyWorkflow = Annotated["Workflow", strawberry.lazy("schema.workflow")]


@strawberry.type(description="How many failures in a row of a workflow alert whom.")
class AlertRule(Node):
    """A rule."""

    row: strawberry.Private[rules.AlertRule]
    consecutive_failures: int = strawberry.field(
        description=(
            "Number of failures since the last success, by finishedAt, at which the rule fires. It fires"
            " once until the next success."
        )
    )
    webhook_host: str | None = strawberry.field(
        description="Host of the webhook, whose URL is a secret. Null if the rule has no webhook."
    )
    email: str | None = strawberry.field(description="E-mail address that receives alerts. Null if there is none.")
    enabled: bool = strawberry.field(description="Whether the rule fires. False for a deleted rule.")

    @classmethod
    def of(cls, rule: rules.AlertRule) -> AlertRule:
        """From app's rule."""
        return cls(
            id=strawberry.ID(ids.to_global("alertRule", rule.id)),
            row=rule,
            consecutive_failures=rule.consecutive_failures,
            webhook_host=rule.webhook_host,
            email=rule.email,
            enabled=rule.enabled,
        )

    @strawberry.field(description="Workflow to watch. Null: every workflow, each by itself.")
    async def workflow(self, info: Info) -> LazyWorkflow | None:
        """Batched."""
        return None if self.row.workflow_id is None else await _workflow(info, self.row.workflow_id)


@strawberry.input(
    description=(
        "An alert rule to create or change. A change keeps the fields that you leave out, except"
        " `enabled`. A rule needs a webhook or an e-mail address."
    )
)
class AlertRuleInput:
    """A rule as it is to be."""

    id: strawberry.ID | None = strawberry.field(default=None, description="Rule to change. Null creates a rule.")
    workflow_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Workflow to watch. Null: every workflow, each by itself."
    )
    consecutive_failures: int = strawberry.field(
        description="Number of failures in a row at which the rule fires, 1 to 10,000."
    )
    webhook_url: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "URL that alerts are posted to, http or https, at most 2,000 characters. Null removes the"
            " webhook. A new URL gets a new secret."
        ),
    )
    email: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "One e-mail address, ASCII before the @. An internationalised domain is saved in its ASCII form. Null"
            " removes the address. Needs a mail server (RUNWATCH_SMTP_URL)."
        ),
    )
    enabled: bool = strawberry.field(default=True, description="Whether the rule fires. Defaults to true.")

    def change(self) -> RuleChange:
        """As app's value; BadInput for invalid values, NotFound for an unknown id."""
        workflow_id = _given(self.workflow_id)
        return RuleChange(
            id=None if self.id is None else verb_id("alertRule", self.id),
            consecutive_failures=self.consecutive_failures,
            enabled=self.enabled,
            workflow_id=workflow_id if isinstance(workflow_id, Unchanged | None) else verb_id("workflow", workflow_id),
            webhook_url=_given(self.webhook_url),
            email=_given(self.email),
        )


@strawberry.type(description="The saved rule.")
class SaveAlertRulePayload:
    """The saved rule."""

    rule: AlertRule = strawberry.field(description="The rule.")
    signing_secret: str | None = strawberry.field(
        description=("Secret that signs requests to the webhook, only if it is new. Runwatch does not show it again.")
    )

    @classmethod
    def of(cls, saved: rules.SavedRule) -> SaveAlertRulePayload:
        """From app's rule."""
        return cls(rule=AlertRule.of(saved.rule), signing_secret=saved.signing_secret)


def overlap(hours: float) -> int:
    """How long two secrets sign, in µs. BadInput for more than 30 days."""
    if not 0 <= hours <= MAX_OVERLAP_HOURS:
        raise BadInput(f"overlapHours: must be 0 to {MAX_OVERLAP_HOURS}, not {hours:g}")
    return round(hours * clock.HOUR)


@strawberry.type(description="The record that a rule fired.")
class Alert(Node):
    """The record that a rule fired."""

    row: strawberry.Private[history.Alert]
    failures: int = strawberry.field(
        description="Number of failures in a row when the rule fired. Counting stops at 10,000."
    )
    fired_at: DateTime = strawberry.field(description="When the rule fired.")

    @classmethod
    def of(cls, alert: history.Alert) -> Alert:
        """From app's alert."""
        return cls(
            id=strawberry.ID(ids.to_global("alert", alert.id)),
            row=alert,
            failures=alert.failures,
            fired_at=DateTime(alert.fired_at),
        )

    @strawberry.field(description="The rule as it is now. A deleted rule has no channels.")
    async def rule(self, info: Info) -> AlertRule:
        """Batched."""
        rule = await resolvers.find_rule(info.context, self.row.rule_id)
        assert rule is not None  # a foreign key
        return AlertRule.of(rule)

    @strawberry.field(description="The workflow that failed.")
    async def workflow(self, info: Info) -> LazyWorkflow:
        """Batched."""
        return await _workflow(info, self.row.workflow_id)

    @strawberry.field(description="When the last channel accepted the alert. Null until then.")
    async def delivered_at(self, info: Info) -> DateTime | None:
        """Batched."""
        delivery = await resolvers.find_delivery(info.context, self.row.id)
        return None if delivery.delivered_at is None else DateTime(delivery.delivered_at)

    @strawberry.field(
        description=(
            "Why the last failed attempt failed, by channel. Null if no attempt failed. Stays after a later success."
        )
    )
    async def last_error(self, info: Info) -> str | None:
        """Batched."""
        return (await resolvers.find_delivery(info.context, self.row.id)).last_error


@strawberry.type(description="An alert in a list.")
class AlertEdge(Edge[history.Alert, Alert]):
    """An alert in a list."""

    node: Alert = strawberry.field(description="The alert.")


@strawberry.type(description="A page of alerts, newest first.")
class AlertConnection(Connection[history.Alert]):
    """A page of alerts."""

    edges: list[AlertEdge] = edges(AlertEdge, Alert.of, "The alerts with their cursors.")
    nodes: list[Alert] = nodes(Alert.of, "The alerts.")
    total_count: Count = counted()


async def _workflow(info: Info, id_: str) -> LazyWorkflow:
    found = await workflow_resolvers.find_workflow(info.context, id_)
    assert found is not None  # a foreign key
    return workflow.Workflow.of(found)


def _given(value: str | None) -> str | Unchanged | None:
    return UNCHANGED if value is strawberry.UNSET else value
