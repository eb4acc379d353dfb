"""What changes alert rules."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from app.alerts.renewal import Renewal
from resolvers import alerts as alert_resolvers
from schema.alert_rule import KEY, SaveAlertRulePayload, TestAlertRulePayload, overlap
from schema.alert_rule_input import AlertRuleInput
from schema.context import Info
from schema.scalars import verb_id

RuleInput = Annotated[AlertRuleInput, strawberry.argument(description="The rule to create or change.")]


@strawberry.field(
    description=("Deletes an alert rule and returns its id. Its alerts stay. NOT_FOUND for an unknown id. ADMIN only.")
)
async def delete_alert_rule(info: Info, id: strawberry.ID) -> strawberry.ID:
    """Audited."""
    await alert_resolvers.delete_rule(info.context, partial(verb_id, "id", "alertRule", id))
    return id


@strawberry.field(
    description=(
        "Gives the webhook of an alert rule another secret. Requests have the signatures of both for `overlapHours`"
        " (0 to 720). NOT_FOUND for an unknown id; CONFLICT for a rule without a webhook; BAD_USER_INPUT for other"
        " hours or an invalid key. ADMIN only, and audited."
    )
)
async def renew_alert_secret(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="Global id of the rule.")],
    overlap_hours: Annotated[
        float, strawberry.argument(description="Hours for which the present secret signs too.")
    ] = 24,
    idempotency_key: Annotated[str | None, strawberry.argument(description=KEY)] = None,
) -> SaveAlertRulePayload:
    """Audited."""

    def wanted() -> Renewal:
        return Renewal(verb_id("id", "alertRule", id), overlap(overlap_hours), idempotency_key)

    return SaveAlertRulePayload.of(await alert_resolvers.renew_secret(info.context, wanted))


@strawberry.field(
    description=(
        "Creates an alert rule, or changes the rule with the given id. NOT_FOUND for an unknown rule,"
        " workflow or engine; LIMIT_EXCEEDED beyond 500 rules. ADMIN only."
    )
)
async def save_alert_rule(info: Info, input: RuleInput) -> SaveAlertRulePayload:
    """Audited."""
    return SaveAlertRulePayload.of(await alert_resolvers.save_rule(info.context, input.change))


@strawberry.field(
    description=(
        "Sends a test by each channel of an alert rule, at once, whatever its quiet hours, and says what became of"
        " it. No alert fires. NOT_FOUND for an unknown id. ADMIN only, and audited."
    )
)
async def test_alert_rule(info: Info, id: strawberry.ID) -> TestAlertRulePayload:
    """Audited."""
    return TestAlertRulePayload.of(
        await alert_resolvers.test_rule(info.context, partial(verb_id, "id", "alertRule", id))
    )
