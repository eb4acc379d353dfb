"""Forms: how each kind of channel takes a notice. Each as its vendor documents it, within the vendor's limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.alerts.channels import DISCORD, NTFY, PAGERDUTY, SLACK, TEAMS
from app.alerts.forms import discord, ntfy, pagerduty, slack, teams
from app.alerts.forms.request import ChannelRequest
from app.alerts.telling import Notice

Form = Callable[[Notice, Mapping[str, str]], ChannelRequest]

FORMS: dict[str, Form] = {
    DISCORD: discord.request,
    NTFY: ntfy.request,
    PAGERDUTY: pagerduty.request,
    SLACK: slack.request,
    TEAMS: teams.request,
}
