"""Retries: inputs, and the result of one. That of many: schema/bulk_retry.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from app import retries
from app.retries.bulk import BulkRequest
from resolvers import executions as execution_resolvers
from schema import execution  # the module: the two types name each other
from schema.context import Info
from schema.execution_input import ExecutionFilter, filter_tuple
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
            " Below Query.bulkRetry: whether the bulk retry created it."
        )
    )

    @classmethod
    def of(cls, retry: retries.Retry) -> RetryExecutionPayload:
        """From app's retry."""
        return cls(retry=retry, created=retry.created)

    @strawberry.field(description="The retry: a new execution.")
    async def execution(self, info: Info) -> LazyExecution:
        """Batched."""
        return await found_execution(info, self.retry.id)

    @strawberry.field(description="The retried execution, which stays as it is.")
    async def retry_of(self, info: Info) -> LazyExecution:
        """Batched."""
        return await found_execution(info, self.retry.retry_of)


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
            "Retries the executions that a dry run of the last 10 minutes looked at, or goes on with a bulk retry of"
            " the last 30 days: only with what is unprocessed. CONFLICT if it has expired."
        ),
    )
    batch: int | None = strawberry.field(
        default=None,
        description=(
            "Maximum number of executions to settle in this request, 1 to 1,000; the rest stays unprocessed. Null: as"
            " many as 15 s allow. BAD_USER_INPUT on a dry run."
        ),
    )

    def request(self, actor: str) -> BulkRequest:
        """As app's value; BadInput for invalid values, NotFound for an unknown id."""
        return BulkRequest(
            actor=actor,
            where=None if self.filter is None else ExecutionFilter.where(self.filter),
            ids=filter_tuple(self.ids, lambda id_: verb_id("ids", "execution", id_)),
            snapshot=None if self.snapshot is None else verb_id("snapshot", "snapshot", self.snapshot),
            limit=self.limit,
            dry_run=self.dry_run,
            batch=self.batch,
        )


async def found_execution(info: Info, id_: str) -> LazyExecution:
    """An execution that is there."""
    found = await execution_resolvers.find_execution(info.context, id_)
    assert found is not None  # it was there in the transaction before
    return execution.Execution.of(found)
