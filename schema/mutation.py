"""The verbs, as a table of contents."""

from __future__ import annotations

from typing import Annotated

import strawberry

from app.auth import Permission
from resolvers import alerts as alert_resolvers
from resolvers import executions as execution_resolvers
from resolvers import retries as retry_resolvers
from schema.alert import AlertRuleInput, SaveAlertRulePayload
from schema.context import Info
from schema.retry import BulkRetry, RetryExecutionInput, RetryExecutionPayload, RetryExecutionsInput
from schema.scalars import Json, verb_id

RetryInput = Annotated[RetryExecutionInput, strawberry.argument(description="What to retry.")]
BulkInput = Annotated[RetryExecutionsInput, strawberry.argument(description="What to retry, and whether to do it.")]
ExecutionId = Annotated[strawberry.ID, strawberry.argument(description="The execution.")]
RuleInput = Annotated[AlertRuleInput, strawberry.argument(description="The rule as it is to be.")]


@strawberry.type(description="What can be done.")
class Mutation:
    """What can be done."""

    @strawberry.field(description="Takes an alert rule away; its alerts stay. Gives its id back. ADMIN only.")
    async def delete_alert_rule(self, info: Info, id: strawberry.ID) -> strawberry.ID:
        """Audited."""
        info.context.require(Permission.MANAGE_ALERTS)
        await alert_resolvers.delete_rule(info.context, verb_id("alertRule", id))
        return id

    @strawberry.field(
        description="Retries a failed execution: a new execution with the original trigger data, handed to its engine."
        " While a retry of it is in progress, gives that one. RETRY_REFUSED says what speaks against it. ADMIN only."
    )
    async def retry_execution(self, info: Info, input: RetryInput) -> RetryExecutionPayload:
        """One click."""
        info.context.require(Permission.RETRY)
        execution_id = verb_id("execution", input.execution_id)
        retry = await retry_resolvers.retry_execution(info.context, execution_id, input.idempotency_key)
        return RetryExecutionPayload.of(retry)

    @strawberry.field(
        description="Retries many executions, each with its own trigger data; by default only looks at what it would"
        " do. ADMIN only."
    )
    async def retry_executions(self, info: Info, input: BulkInput) -> BulkRetry:
        """Chunks commit by themselves."""
        info.context.require(Permission.RETRY)
        request = input.request(info.context.viewer.name)
        return BulkRetry.of(await retry_resolvers.retry_executions(info.context, request))

    @strawberry.field(
        description="The trigger data as they were sent, secrets in the clear; null when the engine sent none. ADMIN"
        " only, and audited."
    )
    async def reveal_trigger(self, info: Info, execution_id: ExecutionId) -> Json | None:
        """Audited."""
        info.context.require(Permission.REVEAL)
        data = await execution_resolvers.reveal_trigger(info.context, verb_id("execution", execution_id))
        return None if data is None else Json(data)

    @strawberry.field(
        description="Makes an alert rule, or changes the one with the id that is given. It needs a webhook or an e-mail"
        " address. ADMIN only."
    )
    async def save_alert_rule(self, info: Info, input: RuleInput) -> SaveAlertRulePayload:
        """Audited."""
        info.context.require(Permission.MANAGE_ALERTS)
        return SaveAlertRulePayload.of(await alert_resolvers.save_rule(info.context, input.change()))
