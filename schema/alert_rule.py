"""Alert rules: what alerts whom, and how they are saved."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from app import clock, ids
from app.alerts import channels, proposals, rules, testing
from app.alerts import preview as previews
from app.alerts import quiet_hours as hours
from app.alerts.channels import Channel
from app.alerts.conditions import AnyCondition
from app.errors import BadInput
from resolvers import alerts as resolvers
from resolvers import workflows as workflow_resolvers
from schema import workflow
from schema.alert_condition import AlertCondition
from schema.context import Info
from schema.node import Node
from schema.scalars import DateTime

if TYPE_CHECKING:
    from schema.workflow import Workflow

# 30 days.
MAX_OVERLAP_HOURS = 720
# The idempotency key of a secret.
KEY = (
    "Text of your own, 1 to 200 characters: asking again with it gives the same secret, and changes nothing. Null: each"
    " time another one."
)

LazyWorkflow = Annotated["Workflow", strawberry.lazy("schema.workflow")]
Days = Annotated[int, strawberry.argument(description="How many days to look back, 1 to 30.")]


@strawberry.enum(description="How a rule tells somebody.")
class AlertChannelKind(Enum):
    """Kinds of channels."""

    WEBHOOK = strawberry.enum_value(channels.WEBHOOK, description="A signed CloudEvent, posted to a URL.")
    EMAIL = strawberry.enum_value(channels.EMAIL, description="E-mail to one address.")
    SLACK = strawberry.enum_value(channels.SLACK, description="A Slack incoming webhook.")
    PAGERDUTY = strawberry.enum_value(channels.PAGERDUTY, description="A PagerDuty integration, by Events API v2.")
    TEAMS = strawberry.enum_value(channels.TEAMS, description="A Microsoft Teams workflow that takes a webhook.")
    DISCORD = strawberry.enum_value(channels.DISCORD, description="A Discord webhook.")
    NTFY = strawberry.enum_value(channels.NTFY, description="A topic of ntfy.")
    PAGE = strawberry.enum_value(channels.PAGE, description="The page of alerts, which shows all of them anyway.")


@strawberry.type(description="How a rule tells somebody. What is secret of it is never shown.")
class AlertChannel:
    """A channel."""

    kind: AlertChannelKind = strawberry.field(description="What it is.")
    target: str | None = strawberry.field(description="Its host, or its e-mail address. Null for the page.")

    @classmethod
    def of(cls, channel: Channel) -> AlertChannel:
        """From app's channel."""
        return cls(kind=AlertChannelKind(channel.kind), target=channel.target)


@strawberry.type(description="Hours of each day in which a rule tells nobody. What it has to say follows as one.")
class QuietHours:
    """Hours of a day."""

    from_: str = strawberry.field(name="from", description="Time of day when they begin, such as 22:00.")
    to: str = strawberry.field(description="Time of day when they end, such as 07:00.")
    time_zone: str = strawberry.field(description="Name of the time zone in the IANA database.")

    @classmethod
    def of(cls, quiet: hours.QuietHours) -> QuietHours:
        """From app's value."""
        return cls(from_=quiet.start, to=quiet.end, time_zone=quiet.time_zone)


@strawberry.type(description="When a rule would have fired, reckoned from the runs of some days.")
class AlertPreview:
    """A preview."""

    count: int = strawberry.field(description="How often it would have fired.")
    fired_at: list[DateTime] = strawberry.field(description="When, the oldest first: the newest 1,000.")
    runs: int = strawberry.field(description="Number of runs that were looked at.")
    since: DateTime = strawberry.field(description="Since when the runs were looked at.")
    complete: bool = strawberry.field(
        description="Whether all runs of the days were looked at. False: the newest 20,000, those since `since`."
    )

    @classmethod
    def of(cls, preview: previews.Preview) -> AlertPreview:
        """From app's preview."""
        return cls(
            count=preview.count,
            fired_at=[DateTime(at) for at in preview.times],
            runs=preview.runs,
            since=DateTime(preview.since),
            complete=preview.complete,
        )


@strawberry.type(description="A rule about every workflow that somebody could begin with.")
class AlertProposal:
    """A proposal."""

    condition: AlertCondition = strawberry.field(description="What it would be about.")
    preview: AlertPreview = strawberry.field(description="How often it would have fired in the last seven days.")

    @classmethod
    def of(cls, proposal: proposals.Proposal) -> AlertProposal:
        """From app's proposal."""
        return cls(condition=AlertCondition.of(proposal.condition), preview=AlertPreview.of(proposal.preview))


@strawberry.type(description="Which runs alert whom.")
class AlertRule(Node):
    """A rule."""

    row: strawberry.Private[rules.AlertRule]
    condition: AlertCondition = strawberry.field(description="What it is about, and when it fires again.")
    consecutive_failures: int = strawberry.field(
        description=(
            "Number of failures since the last success, by finishedAt, at which the rule fires. It fires"
            " once until the next success. 0 for a rule about something else."
        )
    )
    channels: list[AlertChannel] = strawberry.field(description="How it tells. None for a deleted rule.")
    webhook_host: str | None = strawberry.field(
        description="Host of the webhook, whose URL is a secret. Null if the rule has no webhook."
    )
    email: str | None = strawberry.field(description="E-mail address that receives alerts. Null if there is none.")
    enabled: bool = strawberry.field(description="Whether the rule fires. False for a deleted rule.")
    notify_recovery: bool = strawberry.field(description="Whether it also tells when an alert ends.")
    quiet_hours: QuietHours | None = strawberry.field(description="When it tells nobody. Null: at no time.")

    @classmethod
    def of(cls, rule: rules.AlertRule) -> AlertRule:
        """From app's rule."""
        return cls(
            id=strawberry.ID(ids.to_global("alertRule", rule.id)),
            row=rule,
            condition=AlertCondition.of(rule.condition),
            consecutive_failures=rule.consecutive_failures,
            channels=[AlertChannel.of(each) for each in rule.channels],
            webhook_host=rule.webhook_host,
            email=rule.email,
            enabled=rule.enabled,
            notify_recovery=rule.notify_recovery,
            quiet_hours=None if rule.quiet_hours is None else QuietHours.of(rule.quiet_hours),
        )

    @strawberry.field(description="Workflow to watch. Null: every workflow, each by itself.")
    async def workflow(self, info: Info) -> LazyWorkflow | None:
        """Batched."""
        return None if self.row.workflow_id is None else await workflow_of(info, self.row.workflow_id)

    @strawberry.field(description="When it last fired. Null if it has not, or if that alert was pruned.")
    async def last_fired_at(self, info: Info) -> DateTime | None:
        """Batched."""
        at = await resolvers.last_fired_at(info.context, self.row.id)
        return None if at is None else DateTime(at)

    @strawberry.field(description="When it would have fired in the days before. BAD_USER_INPUT for other days.")
    async def preview(self, info: Info, days: Days = 7) -> AlertPreview:
        """Reckoned."""
        about: AnyCondition = self.row.condition
        found = await resolvers.preview_rule(info.context, lambda: about, lambda: self.row.workflow_id, days)
        return AlertPreview.of(found)


@strawberry.type(description="What became of a test by one channel.")
class AlertTestOutcome:
    """What became of a test."""

    channel: AlertChannel = strawberry.field(description="The channel.")
    error: str | None = strawberry.field(description="Why it did not take the test. Null if it did.")


@strawberry.type(description="A test that was sent by all channels of a rule.")
class TestAlertRulePayload:
    """A test."""

    outcomes: list[AlertTestOutcome] = strawberry.field(
        description="What became of it, by channel. None for a rule that tells by the page alone."
    )

    @classmethod
    def of(cls, outcomes: list[testing.Outcome]) -> TestAlertRulePayload:
        """From app's outcomes."""
        shown = [AlertTestOutcome(channel=AlertChannel.of(each.channel), error=each.error) for each in outcomes]
        return cls(outcomes=shown)


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


async def workflow_of(info: Info, id_: str) -> LazyWorkflow:
    """The workflow with a local id that a row of alerts or rules names."""
    found = await workflow_resolvers.find_workflow(info.context, id_)
    assert found is not None  # a foreign key
    return workflow.Workflow.of(found)
