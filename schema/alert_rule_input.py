"""Alert rules as they are given."""

from __future__ import annotations

from enum import Enum

import strawberry

from app.alerts import channels
from app.alerts import quiet_hours as hours
from app.alerts.conditions import AnyCondition, FailuresInARow
from app.alerts.rules import UNCHANGED, RuleChange, Unchanged
from app.errors import BadInput
from schema.alert_condition import AlertConditionInput
from schema.scalars import verb_id

URL = "Its URL, http or https, at most 2,000 characters. It is kept encrypted, and never shown."


@strawberry.enum(description="Severity of a PagerDuty event.")
class PagerDutySeverity(Enum):
    """Severities of Events API v2."""

    CRITICAL = strawberry.enum_value("critical", description="Critical.")
    ERROR = strawberry.enum_value("error", description="Error.")
    WARNING = strawberry.enum_value("warning", description="Warning.")
    INFO = strawberry.enum_value("info", description="Info.")


@strawberry.input(description="A channel that is a URL.")
class UrlChannelInput:
    """A URL."""

    url: str = strawberry.field(description=URL)


@strawberry.input(description="An integration of PagerDuty, Events API v2.")
class PagerDutyInput:
    """An integration."""

    routing_key: str = strawberry.field(
        description="Its integration key, 32 letters and digits. It is kept encrypted, and never shown."
    )
    severity: PagerDutySeverity = strawberry.field(
        default=PagerDutySeverity.ERROR, description="Severity of its events. Defaults to ERROR."
    )
    url: str = strawberry.field(
        default=channels.PAGERDUTY_URL,
        description=(
            "Where events go. Defaults to that of the US; that of the EU is https://events.eu.pagerduty.com/v2/enqueue."
        ),
    )


@strawberry.input(description="A topic of ntfy.")
class NtfyInput:
    """A topic."""

    url: str = strawberry.field(
        description="URL of the topic, such as https://ntfy.sh/topic. It is kept encrypted, and never shown."
    )
    token: str | None = strawberry.field(
        default=None, description="Access token, if the topic needs one. It is kept encrypted, and never shown."
    )


@strawberry.input(
    description="Channels besides webhook and e-mail. A change keeps those that you leave out; null removes one."
)
class AlertChannelsInput:
    """Channels."""

    slack: UrlChannelInput | None = strawberry.field(
        default=strawberry.UNSET, description="Slack: an incoming webhook."
    )
    pager_duty: PagerDutyInput | None = strawberry.field(default=strawberry.UNSET, description="PagerDuty.")
    teams: UrlChannelInput | None = strawberry.field(
        default=strawberry.UNSET, description="Microsoft Teams: a workflow that takes webhook requests."
    )
    discord: UrlChannelInput | None = strawberry.field(default=strawberry.UNSET, description="Discord: a webhook.")
    ntfy: NtfyInput | None = strawberry.field(default=strawberry.UNSET, description="ntfy.")
    page: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="True: the page of alerts, which shows all of them anyway, so that a rule needs no other channel.",
    )

    def given(self) -> dict[str, dict[str, str] | None]:
        """Those that change, as app's values."""
        found: dict[str, dict[str, str] | None] = {}
        for kind, one in ((channels.SLACK, self.slack), (channels.TEAMS, self.teams), (channels.DISCORD, self.discord)):
            if one is not strawberry.UNSET:
                found[kind] = None if one is None else {"url": one.url}
        if self.pager_duty is not strawberry.UNSET:
            found[channels.PAGERDUTY] = _pager(self.pager_duty)
        if self.ntfy is not strawberry.UNSET:
            found[channels.NTFY] = _topic(self.ntfy)
        if self.page is not strawberry.UNSET:
            found[channels.PAGE] = {} if self.page else None
        return found


def _topic(given: NtfyInput | None) -> dict[str, str] | None:
    return None if given is None else {"url": given.url, "token": given.token or ""}


def _pager(given: PagerDutyInput | None) -> dict[str, str] | None:
    if given is None:
        return None
    return {"url": given.url, "routing_key": given.routing_key, "severity": str(given.severity.value)}


@strawberry.input(description="Hours of each day in which a rule tells nobody.")
class QuietHoursInput:
    """Hours of a day."""

    from_: str = strawberry.field(name="from", description="Time of day when they begin, such as 22:00.")
    to: str = strawberry.field(description="Time of day when they end, such as 07:00; the next day if before `from`.")
    time_zone: str = strawberry.field(description="Name of a time zone in the IANA database, such as Europe/Berlin.")


@strawberry.input(
    description=(
        "An alert rule to create or change. A change keeps the fields that you leave out, except"
        " `enabled`. A rule needs a channel."
    )
)
class AlertRuleInput:
    """A rule as it is to be."""

    id: strawberry.ID | None = strawberry.field(default=None, description="Rule to change. Null creates a rule.")
    workflow_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Workflow to watch. Null: every workflow, each by itself."
    )
    consecutive_failures: int = strawberry.field(
        default=0,
        description=(
            "Number of failures in a row at which the rule fires, 1 to 10,000: `condition.failuresInARow`, in its"
            " older place. 0: `condition` says what the rule is about."
        ),
    )
    condition: AlertConditionInput | None = strawberry.field(
        default=None,
        description="What the rule is about. Null: `consecutiveFailures` says it; if that is 0, it stays as it is.",
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
    channels: AlertChannelsInput | None = strawberry.field(default=None, description="Other channels.")
    enabled: bool = strawberry.field(default=True, description="Whether the rule fires. Defaults to true.")
    notify_recovery: bool | None = strawberry.field(
        default=None, description="Whether it also tells when an alert ends. A new rule does not, by default."
    )
    quiet_hours: QuietHoursInput | None = strawberry.field(
        default=strawberry.UNSET, description="When it tells nobody. Null: at no time."
    )

    def change(self) -> RuleChange:
        """As app's value; BadInput for invalid values, NotFound for an unknown id."""
        workflow_id = _given(self.workflow_id)
        told: dict[str, dict[str, str] | None] = {} if self.channels is None else self.channels.given()
        if self.webhook_url is not strawberry.UNSET:
            told[channels.WEBHOOK] = None if self.webhook_url is None else {"url": self.webhook_url}
        if self.email is not strawberry.UNSET:
            told[channels.EMAIL] = None if self.email is None else {"address": self.email}
        return RuleChange(
            id=None if self.id is None else verb_id("id", "alertRule", self.id),
            condition=self._condition(),
            enabled=self.enabled,
            workflow_id=workflow_id
            if isinstance(workflow_id, Unchanged | None)
            else verb_id("workflowId", "workflow", workflow_id),
            channels=told,
            notify_recovery=UNCHANGED if self.notify_recovery is None else self.notify_recovery,
            quiet_hours=_quiet(self.quiet_hours),
        )

    def _condition(self) -> AnyCondition | Unchanged:
        if self.condition is None:
            return FailuresInARow(self.consecutive_failures) if self.consecutive_failures else UNCHANGED
        if self.consecutive_failures:
            raise BadInput("consecutiveFailures: must be 0 beside condition")
        return self.condition.condition()


def _given(value: str | None) -> str | Unchanged | None:
    return UNCHANGED if value is strawberry.UNSET else value


def _quiet(given: QuietHoursInput | None) -> hours.QuietHours | Unchanged | None:
    if given is strawberry.UNSET:
        return UNCHANGED
    return None if given is None else hours.QuietHours(given.from_, given.to, given.time_zone)
