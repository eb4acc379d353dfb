"""Retries: inputs and results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from app import ids, retries
from app.retries import bulk
from app.retries.bulk import BulkRequest
from resolvers import executions as execution_resolvers
from schema import execution  # the module: the two types name each other
from schema.context import Info
from schema.execution_input import ExecutionFilter, filter_tuple
from schema.retryability import RetryBlocker
from schema.scalars import verb_id

if TYPE_CHECKING:
    from schema.execution import Execution

LazyExecution = Annotated["Execution", strawberry.lazy("schema.execution")]


@strawberry.input(description="The execution to retry.")
class RetryExecutionInput:
    """The execution to retry."""

    execution_id: strawberry.ID = strawberry.field(description="Global id of a failed execution.")
    idempotency_key: str | None = strawberry.field(
        default=None,
        description=(
            "Key of 1 to 200 characters. The same key always returns the same retry. CONFLICT if the key"
            " was used for another execution."
        ),
    )


@strawberry.type(description="A retry.")
class RetryExecutionPayload:
    """A retry."""

    retry: strawberry.Private[retries.Retry]
    created: bool = strawberry.field(
        description=(
            "Whether this request created the retry. false: it existed already, in progress or with the same key."
        )
    )

    @classmethod
    def of(cls, retry: retries.Retry) -> RetryExecutionPayload:
        """From app's retry."""
        return cls(retry=retry, created=retry.created)

    @strawberry.field(description="The retry: a new execution.")
    async def execution(self, info: Info) -> LazyExecution:
        """Batched."""
        return await _execution(info, self.retry.id)

    @strawberry.field(description="The retried execution, which stays as it is.")
    async def retry_of(self, info: Info) -> LazyExecution:
        """Batched."""
        return await _execution(info, self.retry.retry_of)


@strawberry.input(description="The executions to retry. Pass exactly one of filter, ids and snapshot.")
class RetryExecutionsInput:
    """Which executions to retry."""

    filter: ExecutionFilter | None = strawberry.field(
        default=None, description="Retries the newest executions that match."
    )
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Retries the executions with these global ids, at most `limit`."
    )
    dry_run: bool = strawberry.field(
        default=True, description="Whether to retry nothing and return a snapshot. Defaults to true."
    )
    limit: int = strawberry.field(
        default=100, description="Maximum number of executions to look at, 1 to 1,000. Defaults to 100."
    )
    snapshot: strawberry.ID | None = strawberry.field(
        default=None,
        description=(
            "Retries the executions that a dry run of the last 10 minutes looked at. CONFLICT if it has expired."
        ),
    )

    def request(self, actor: str) -> BulkRequest:
        """As app's value; BadInput for invalid values, NotFound for an unknown id."""
        return BulkRequest(
            actor=actor,
            where=None if self.filter is None else ExecutionFilter.where(self.filter),
            ids=filter_tuple(self.ids, lambda id_: verb_id("execution", id_)),
            snapshot=None if self.snapshot is None else verb_id("snapshot", self.snapshot),
            limit=self.limit,
            dry_run=self.dry_run,
        )


@strawberry.type(description="An execution that cannot be retried.")
class SkippedRetry:
    """An execution that cannot be retried."""

    execution_id: strawberry.Private[str]
    reasons: list[RetryBlocker] = strawberry.field(description="Every reason that prevents a retry.")

    @strawberry.field(description="The execution.")
    async def execution(self, info: Info) -> LazyExecution:
        """Batched."""
        return await _execution(info, self.execution_id)


@strawberry.type(description="Result of a bulk retry.")
class BulkRetry:
    """Result of a bulk retry."""

    matched: int = strawberry.field(description="Number of executions that match. Counting stops at 10,000.")
    eligible: int = strawberry.field(description="Number of executions looked at that can be retried, or were.")
    retried: list[RetryExecutionPayload] = strawberry.field(description="The retries. Empty on a dry run.")
    skipped: list[SkippedRetry] = strawberry.field(description="Executions that cannot be retried.")
    unprocessed: list[strawberry.ID] = strawberry.field(
        description=(
            "Executions that the time limit of 20 s left over. Ask again with these ids, or with the same snapshot."
        )
    )
    dry_run: bool = strawberry.field(description="Whether this was a dry run, which retries nothing.")
    snapshot: strawberry.ID | None = strawberry.field(
        description="Pass it with dryRun: false to retry exactly what this dry run looked at. Valid for 10 minutes."
    )

    @classmethod
    def of(cls, outcome: bulk.BulkOutcome) -> BulkRetry:
        """From app's outcome."""
        snapshot = outcome.snapshot
        return cls(
            matched=outcome.matched,
            eligible=outcome.eligible,
            retried=[RetryExecutionPayload.of(retry) for retry in outcome.retried],
            skipped=[SkippedRetry(execution_id=id_, reasons=list(reasons)) for id_, reasons in outcome.skipped],
            unprocessed=[strawberry.ID(ids.to_global("execution", id_)) for id_ in outcome.unprocessed],
            dry_run=outcome.dry_run,
            snapshot=None if snapshot is None else strawberry.ID(ids.to_global("snapshot", snapshot)),
        )


async def _execution(info: Info, id_: str) -> LazyExecution:
    found = await execution_resolvers.find_execution(info.context, id_)
    assert found is not None  # it was there in the transaction before
    return execution.Execution.of(found)
