"""Alerts: that rules fired, and what became of that."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from app import ids
from app.alerts import history, notices
from app.alerts.conditions import EngineSilent, NoRun, SlowRun
from resolvers import alerts as resolvers
from resolvers import error_groups as group_resolvers
from resolvers import executions as execution_resolvers
from schema import error_group, execution
from schema.alert_condition import AlertCondition
from schema.alert_rule import AlertChannelKind, AlertRule, LazyWorkflow, workflow_of
from schema.context import Info
from schema.node import Node
from schema.paging import Connection, Count, Edge, counted, edges, nodes
from schema.scalars import DateTime, local_or_none, milliseconds

if TYPE_CHECKING:
    from schema.error_group import ErrorGroup
    from schema.execution import Execution

LazyErrorGroup = Annotated["ErrorGroup", strawberry.lazy("schema.error_group")]
LazyExecution = Annotated["Execution", strawberry.lazy("schema.execution")]

# What these measure is a length of time.
_LENGTHS = (EngineSilent, NoRun, SlowRun)


@strawberry.enum(description="What a notice says.")
class AlertNotice(Enum):
    """What a notice says."""

    FIRED = strawberry.enum_value(notices.NoticeKind.FIRED, description="That the rule fired.")
    ENDED = strawberry.enum_value(notices.NoticeKind.ENDED, description="That the alert ended.")


@strawberry.type(description="The delivery of a notice by one channel.")
class AlertDelivery:
    """A delivery."""

    channel: AlertChannelKind = strawberry.field(description="The channel.")
    notice: AlertNotice = strawberry.field(description="What it says.")
    together: bool = strawberry.field(description="Whether it went out with others, after quiet hours.")
    attempts: int = strawberry.field(description="Number of attempts.")
    delivered_at: DateTime | None = strawberry.field(description="When the channel took it. Null until then.")
    next_attempt_at: DateTime | None = strawberry.field(
        description="When the next attempt is due. Null: there is none."
    )
    given_up: bool = strawberry.field(description="Whether Runwatch has given up.")
    last_error: str | None = strawberry.field(description="Why the last failed attempt failed. Stays after a success.")

    @classmethod
    def of(cls, attempted: history.Attempted) -> AlertDelivery:
        """From app's delivery."""
        return cls(
            channel=AlertChannelKind(attempted.channel),
            notice=AlertNotice(attempted.notice),
            together=attempted.together,
            attempts=attempted.attempts,
            delivered_at=_time(attempted.accepted_at),
            next_attempt_at=_time(attempted.next_attempt_at),
            given_up=attempted.given_up,
            last_error=attempted.last_error,
        )


@strawberry.type(description="The record that a rule fired.")
class Alert(Node):
    """The record that a rule fired."""

    row: strawberry.Private[history.Alert]
    condition: AlertCondition = strawberry.field(description="What the rule was about when it fired.")
    failures: int = strawberry.field(
        description=(
            "Number of failures when the rule fired, in a row or within the window. Counting stops at 10,000. 0 for an"
            " alert about something else."
        )
    )
    runs: int | None = strawberry.field(description="Number of finished runs in the window, of a failure rate.")
    measured_ms: float | None = strawberry.field(
        description="How long the run took so far, or nothing was heard, in milliseconds. Null for other conditions."
    )
    compared_ms: float | None = strawberry.field(
        description="The usual p95, or how long nothing may be heard, in milliseconds. Null for other conditions."
    )
    since: DateTime = strawberry.field(
        description="When what it is about began: the first failure, the start of the run, the last run or event."
    )
    fired_at: DateTime = strawberry.field(description="When the rule fired.")
    ended_at: DateTime | None = strawberry.field(
        description="When what it is about ended, and the rule may fire again. Null: it goes on."
    )

    @classmethod
    def of(cls, alert: history.Alert) -> Alert:
        """From app's alert."""
        return cls(
            id=strawberry.ID(ids.to_global("alert", alert.id)),
            row=alert,
            condition=AlertCondition.of(alert.condition),
            failures=alert.failures,
            runs=None if isinstance(alert.condition, _LENGTHS) else alert.compared,
            measured_ms=milliseconds(alert.measured) if isinstance(alert.condition, _LENGTHS) else None,
            compared_ms=milliseconds(alert.compared) if isinstance(alert.condition, _LENGTHS) else None,
            since=DateTime(alert.since),
            fired_at=DateTime(alert.fired_at),
            ended_at=_time(alert.ended_at),
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
        return await workflow_of(info, self.row.workflow_id)

    @strawberry.field(description="When the last channel accepted the alert. Null until then.")
    async def delivered_at(self, info: Info) -> DateTime | None:
        """Batched."""
        return _time((await resolvers.find_delivery(info.context, self.row.id)).delivered_at)

    @strawberry.field(
        description=(
            "Why the last failed attempt failed, by channel. Null if no attempt failed. Stays after a later success."
        )
    )
    async def last_error(self, info: Info) -> str | None:
        """Batched."""
        return (await resolvers.find_delivery(info.context, self.row.id)).last_error

    @strawberry.field(description="The run that it is about, the last failure of several. Null if it was deleted.")
    async def execution(self, info: Info) -> LazyExecution | None:
        """Batched."""
        found = await execution_resolvers.find_execution(info.context, self.row.last_execution_id)
        return None if found is None else execution.Execution.of(found)

    @strawberry.field(description="Error group that it is about. Null for other conditions, and without any execution.")
    async def error_group(self, info: Info) -> LazyErrorGroup | None:
        """Batched."""
        id_ = self.row.error_group_id
        found = None if id_ is None else await group_resolvers.find_error_group(info.context, id_)
        return None if found is None else error_group.ErrorGroup.of(found)

    @strawberry.field(description="Until when it waits for the end of quiet hours. Null: it does not.")
    async def held_until(self, info: Info) -> DateTime | None:
        """Batched."""
        return _time((await resolvers.find_delivery(info.context, self.row.id)).held_until)

    @strawberry.field(description="What became of each delivery: that it fired, and that it ended, by each channel.")
    async def deliveries(self, info: Info) -> list[AlertDelivery]:
        """Batched."""
        delivery = await resolvers.find_delivery(info.context, self.row.id)
        return [AlertDelivery.of(each) for each in delivery.attempted]


@strawberry.input(description="Filter for alerts. All given fields must match; null does not constrain.")
class AlertFilter:
    """Which alerts."""

    rule_id: strawberry.ID | None = strawberry.field(default=None, description="Alerts of this rule.")
    workflow_id: strawberry.ID | None = strawberry.field(default=None, description="Alerts about this workflow.")
    open: bool | None = strawberry.field(
        default=None, description="True: alerts without endedAt. False: those that are over."
    )

    @staticmethod
    def where(given: AlertFilter | None) -> history.AlertFilter:
        """As app's value; BadInput for another kind of id."""
        if given is None:
            return history.EVERYTHING
        return history.AlertFilter(
            rule_id=local_or_none("filter.ruleId", "alertRule", given.rule_id),
            workflow_id=local_or_none("filter.workflowId", "workflow", given.workflow_id),
            open=given.open,
        )


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


def _time(at: int | None) -> DateTime | None:
    return None if at is None else DateTime(at)
