"""Alerts: rules about consecutive failures, and what they fired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from app import ids
from app.alerts import history, rules
from app.alerts.rules import UNCHANGED, RuleChange, Unchanged
from app.paging import Page
from resolvers import alerts as resolvers
from resolvers import workflows as workflow_resolvers
from schema import workflow
from schema.context import Info
from schema.node import Node
from schema.paging import Count, PageInfo
from schema.scalars import DateTime, verb_id

if TYPE_CHECKING:
    from schema.workflow import Workflow

LazyWorkflow = Annotated["Workflow", strawberry.lazy("schema.workflow")]


@strawberry.type(description="After how many failures of a workflow in a row whom to tell.")
class AlertRule(Node):
    """A rule."""

    row: strawberry.Private[rules.AlertRule]
    consecutive_failures: int = strawberry.field(
        description="How many failures since the last success, by finishedAt, fire it; once, until the next success."
    )
    webhook_host: str | None = strawberry.field(
        description="The host of its webhook, whose URL is a secret; null without one."
    )
    email: str | None = strawberry.field(description="The address that gets mail; null without one.")
    enabled: bool = strawberry.field(description="Whether it fires. A rule that was deleted does not.")

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

    @strawberry.field(description="The workflow that it is about; null: all, each by itself.")
    async def workflow(self, info: Info) -> LazyWorkflow | None:
        """Batched."""
        return None if self.row.workflow_id is None else await _workflow(info, self.row.workflow_id)


@strawberry.input(description="A rule as it is to be. When it is changed, what is left out stays, but for enabled.")
class AlertRuleInput:
    """A rule as it is to be."""

    id: strawberry.ID | None = strawberry.field(default=None, description="The rule to change; null: a new one.")
    workflow_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The workflow that it is about; null: all, each by itself."
    )
    consecutive_failures: int = strawberry.field(description="How many failures in a row fire it, 1 to 10,000.")
    webhook_url: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Where alerts are posted, http or https; null: nowhere. A new one has a new secret.",
    )
    email: str | None = strawberry.field(
        default=strawberry.UNSET, description="One address that gets mail; null: none. Takes a mail server."
    )
    enabled: bool = strawberry.field(default=True, description="Whether it fires.")

    def change(self) -> RuleChange:
        """As app has it; BadInput when it cannot be meant, NotFound for what is no id."""
        workflow_id = _given(self.workflow_id)
        return RuleChange(
            id=None if self.id is None else verb_id("alertRule", self.id),
            consecutive_failures=self.consecutive_failures,
            enabled=self.enabled,
            workflow_id=workflow_id if isinstance(workflow_id, Unchanged | None) else verb_id("workflow", workflow_id),
            webhook_url=_given(self.webhook_url),
            email=_given(self.email),
        )


@strawberry.type(description="A rule that was saved.")
class SaveAlertRulePayload:
    """A rule that was saved."""

    rule: AlertRule = strawberry.field(description="The rule.")
    signing_secret: str | None = strawberry.field(
        description="The secret that signs what the webhook gets, when the webhook is new; it is not shown again."
    )

    @classmethod
    def of(cls, saved: rules.SavedRule) -> SaveAlertRulePayload:
        """From app's rule."""
        return cls(rule=AlertRule.of(saved.rule), signing_secret=saved.signing_secret)


@strawberry.type(description="A rule that fired.")
class Alert(Node):
    """A rule that fired."""

    row: strawberry.Private[history.Alert]
    failures: int = strawberry.field(
        description="How many failures in a row there were when it fired; counting stops at 10,000."
    )
    fired_at: DateTime = strawberry.field(description="When it fired.")

    @classmethod
    def of(cls, alert: history.Alert) -> Alert:
        """From app's alert."""
        return cls(
            id=strawberry.ID(ids.to_global("alert", alert.id)),
            row=alert,
            failures=alert.failures,
            fired_at=DateTime(alert.fired_at),
        )

    @strawberry.field(description="The rule, as it is now; a deleted one has no channels.")
    async def rule(self, info: Info) -> AlertRule:
        """Batched."""
        rule = await resolvers.find_rule(info.context, self.row.rule_id)
        assert rule is not None  # a foreign key
        return AlertRule.of(rule)

    @strawberry.field(description="The workflow that failed.")
    async def workflow(self, info: Info) -> LazyWorkflow:
        """Batched."""
        return await _workflow(info, self.row.workflow_id)

    @strawberry.field(description="When the last of its channels had taken it; null until then.")
    async def delivered_at(self, info: Info) -> DateTime | None:
        """Batched."""
        delivery = await resolvers.find_delivery(info.context, self.row.id)
        return None if delivery.delivered_at is None else DateTime(delivery.delivered_at)

    @strawberry.field(
        description="Why the last attempt that failed did, by channel; null when none failed. It stays when a later one"
        " succeeded."
    )
    async def last_error(self, info: Info) -> str | None:
        """Batched."""
        return (await resolvers.find_delivery(info.context, self.row.id)).last_error


@strawberry.type(description="An alert in a list.")
class AlertEdge:
    """An alert in a list."""

    cursor: str = strawberry.field(description="Its place in this list; opaque.")
    node: Alert = strawberry.field(description="The alert.")


@strawberry.type(description="A page of alerts, the newest first.")
class AlertConnection:
    """A page of alerts."""

    page: strawberry.Private[Page[history.Alert]]
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    updates_cursor: str = strawberry.field(description="A place in the changes of executions, read before the page.")

    @classmethod
    def of(cls, page: Page[history.Alert], updates_cursor: str) -> AlertConnection:
        """From a resolver's page."""
        return cls(page=page, page_info=PageInfo(page=page), updates_cursor=updates_cursor)

    @strawberry.field(description="The alerts with their cursors.")
    def edges(self) -> list[AlertEdge]:
        """With cursors."""
        return [AlertEdge(cursor=self.page.cursor(item), node=Alert.of(item)) for item in self.page.items]

    @strawberry.field(description="The alerts.")
    def nodes(self) -> list[Alert]:
        """Without cursors."""
        return [Alert.of(item) for item in self.page.items]

    @strawberry.field(description="How many there are on all pages; counted only when asked for.")
    async def total_count(self, info: Info) -> Count:
        """One more statement."""
        return Count.of(await resolvers.count_alerts(info.context))


async def _workflow(info: Info, id_: str) -> LazyWorkflow:
    found = await workflow_resolvers.find_workflow(info.context, id_)
    assert found is not None  # a foreign key
    return workflow.Workflow.of(found)


def _given(value: str | None) -> str | Unchanged | None:
    return UNCHANGED if value is strawberry.UNSET else value
