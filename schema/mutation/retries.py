"""What retries executions."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from resolvers import retries as retry_resolvers
from schema.bulk_retry import BulkRetry
from schema.context import Info
from schema.retry import RetryExecutionInput, RetryExecutionPayload, RetryExecutionsInput
from schema.scalars import verb_id

RetryInput = Annotated[RetryExecutionInput, strawberry.argument(description="The execution to retry.")]
BulkInput = Annotated[
    RetryExecutionsInput, strawberry.argument(description="The executions to retry, and whether this is a dry run.")
]


@strawberry.field(
    description=(
        "Retries a failed execution: creates an execution with the original trigger data and delivers"
        " it to the engine. Returns the retry in progress if there is one. RETRY_REFUSED names every"
        " reason in `extensions.reasons`; NOT_FOUND for an unknown id. ADMIN only."
    )
)
async def retry_execution(info: Info, input: RetryInput) -> RetryExecutionPayload:
    """One click."""
    execution_id = partial(verb_id, "executionId", "execution", input.execution_id)
    retry = await retry_resolvers.retry_execution(info.context, execution_id, input.idempotency_key)
    return RetryExecutionPayload.of(retry)


@strawberry.field(
    description=(
        "Retries many executions, each with its own trigger data. By default a dry run, which only"
        " shows what would be retried. Asking again with the same snapshot, after a lost answer or in another tab,"
        " gives no execution its turn twice. ADMIN only."
    )
)
async def retry_executions(info: Info, input: BulkInput) -> BulkRetry:
    """Chunks commit by themselves."""
    request = partial(input.request, info.context.viewer.name)
    return BulkRetry.of(await retry_resolvers.retry_executions(info.context, request))
